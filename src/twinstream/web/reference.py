"""The API reference: the OpenAPI document, made from the routes and the words that people need beside them.

Owns tags, security schemes and what is common to many operations; what one operation does, its handler's docstring
says. Knows no noun. Invariant: the document stands on its own; it names no file that its readers do not have.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple, cast

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.routes import BaseRoute, HTTPRoute

from twinstream import __version__
from twinstream.errors import RequestError
from twinstream.web.error import encode_error
from twinstream.web.openapi import Described
from twinstream.web.reference_text import (
    ENVELOPES,
    INTRODUCTION,
    PATH_PARAMETERS,
    SECURITY,
    SECURITY_SCHEMES,
    TAGS,
    UNTAGGED,
    Envelope,
    choose_envelope,
)

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""The order in which the operations of a path are described."""


class _Described(NamedTuple):
    """An operation: where it is, and what answers."""

    method: str
    path: str
    path_parameters: Sequence[str]
    handler: HTTPRouteHandler
    body_type: Any
    answer_type: Any


def make_document(routes: Iterable[BaseRoute]) -> dict[str, Any]:
    """Describe all routes that are not hidden (``include_in_schema=False``), as an OpenAPI 3.1 document."""
    operations = list(_list_operations(routes))
    types = [t for operation in operations for t in (operation.body_type, operation.answer_type) if t is not None]
    schemas, components = msgspec.json.schema_components(types, ref_template=_REFERENCE)
    left = iter(schemas)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        body = None if operation.body_type is None else next(left)
        answer = None if operation.answer_type is None else next(left)
        paths.setdefault(operation.path, {})[operation.method.lower()] = _describe(operation, body, answer)
    used = {tag for item in paths.values() for operation in item.values() for tag in operation["tags"]}
    document = _as_markdown(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "twinstream",
                "version": __version__,
                "summary": "Devices, their twins, and every change as an event",
                "description": INTRODUCTION,
                "license": {"name": "Apache-2.0"},
            },
            "servers": [{"url": "/", "description": "This server"}],
            "tags": [{"name": name, "description": text} for name, text in TAGS.items() if name in used],
            "paths": paths,
            "components": {
                "securitySchemes": SECURITY_SCHEMES,
                "schemas": components | {envelope.name: envelope.schema for envelope in ENVELOPES},
            },
        }
    )
    return cast(dict[str, Any], _shorten_names(document))


def split_docstring(text: str) -> tuple[str, str]:
    """Part a docstring into its first sentence, without the full stop, and the rest."""
    first, *rest = re.split(r"(?<=[.;:])\s+", text.strip(), maxsplit=1)
    summary = re.sub(r"^Answer (?=\D)", "Get ", first.rstrip(".;:"))
    return summary, rest[0][:1].upper() + rest[0][1:] if rest else ""


def find_envelope(path: str) -> Envelope:
    """Answer the form of the errors of the service that owns a path."""
    _, body = encode_error(path, RequestError("internal"), "")
    return choose_envelope(msgspec.json.decode(body))


def _list_operations(routes: Iterable[BaseRoute]) -> Iterable[_Described]:
    for route in _put_in_order(routes):
        names = [str(name) for name in route.path_parameters]
        for method, (handler, _) in sorted(route.route_handler_map.items(), key=_rank_method):
            if method == "OPTIONS" or handler.include_in_schema is False:
                continue
            described = _read_description(handler)
            answer = handler.parsed_fn_signature.return_type.annotation
            yield _Described(
                method, route.path_format, names, handler, described.body_type, _unwrap_answer(answer, described)
            )


def _put_in_order(routes: Iterable[BaseRoute]) -> list[HTTPRoute]:
    """Return the routes as their handlers were registered, at each start the same: a handler has a set of paths."""
    found = [route for route in routes if isinstance(route, HTTPRoute)]
    ranks: dict[int, int] = {}
    for route in found:
        for handler in route.route_handlers:
            ranks.setdefault(id(handler.fn), len(ranks))
    return sorted(found, key=lambda route: (min(ranks[id(h.fn)] for h in route.route_handlers), route.path_format))


def _rank_method(item: tuple[str, Any]) -> int:
    return _METHODS.index(item[0])


def _read_description(handler: HTTPRouteHandler) -> type[Described]:
    operation_class: type = handler.operation_class
    return operation_class if issubclass(operation_class, Described) else Described


def _unwrap_answer(annotation: Any, described: type[Described]) -> Any:
    """Answer the type of the body of an answer; None if it has none."""
    if getattr(annotation, "__origin__", None) is Response:
        (annotation,) = annotation.__args__
    if annotation in (None, type(None), inspect.Signature.empty):
        return None
    return Any if described.answer_media_type != "application/json" and annotation is not bytes else annotation


def _describe(operation: _Described, body: Any, answer: Any) -> dict[str, Any]:
    handler = operation.handler
    described = _read_description(handler)
    summary, description = split_docstring(inspect.getdoc(handler.fn) or "")
    content: dict[str, Any] = {
        "tags": sorted(handler.tags or [UNTAGGED]),
        "summary": (handler.summary or summary).replace("`", ""),  # the one text that is no Markdown
        "operationId": _name_operation(operation),
        "security": _find_security(handler, described.caller),
    }
    if description:
        content["description"] = description
    if parameters := list(_describe_parameters(operation, described)):
        content["parameters"] = parameters
    if body is not None:
        schema = body if described.body_media_type == "application/json" else {"type": "string", "format": "binary"}
        content["requestBody"] = {
            "content": {described.body_media_type: {"schema": schema}},
            "required": described.body_required,
        }
        if described.body_description:
            content["requestBody"]["description"] = described.body_description
    content["responses"] = _describe_answers(operation, described, answer, is_guarded=bool(content["security"]))
    return content


def _name_operation(operation: _Described) -> str:
    """Name an operation by method and path: two paths may share a handler."""
    return "_".join([operation.method.lower(), *re.findall(r"\w+", operation.path)])


def _find_security(handler: HTTPRouteHandler, caller: str | None) -> list[dict[str, list[str]]]:
    wanted = {caller} if caller else handler.parsed_fn_signature.parameters.keys() & SECURITY.keys()
    return SECURITY[wanted.pop()] if wanted else []


def _describe_parameters(operation: _Described, described: type[Described]) -> Iterable[dict[str, Any]]:
    for name in operation.path_parameters:
        yield {
            "name": name,
            "in": "path",
            "required": True,
            **PATH_PARAMETERS.get(name, {"schema": {"type": "string"}}),
        }
    for name, meaning in described.query.items():
        repeated = {"type": "array", "items": {"type": "string"}}
        schema = repeated if name.endswith("[]") else {"type": "string"}
        required = name in described.required_query
        yield {"name": name, "in": "query", "description": meaning, "required": required, "schema": schema}
    for name, meaning in described.headers.items():
        schema = {"type": "string"}
        yield {"name": name, "in": "header", "description": meaning, "required": False, "schema": schema}


def _describe_answers(
    operation: _Described, described: type[Described], answer: Any, *, is_guarded: bool
) -> dict[str, Any]:
    success: dict[str, Any] = {"description": HTTPStatus(operation.handler.status_code).phrase}
    if answer is not None and operation.handler.status_code not in (101, 204):
        media_type = operation.handler.media_type or described.answer_media_type
        if operation.handler.media_type in (None, "application/json"):
            media_type = "text/plain" if operation.answer_type is str else described.answer_media_type
        schema = answer if media_type == "application/json" else {"type": "string"}
        success["content"] = {str(media_type): {"schema": schema}}
    codes = [
        *(["unauthorized", "forbidden"] if is_guarded else []),
        *(["not_found"] if operation.path_parameters else []),
        *(["bad_json", "unsupported_media_type", "invalid"] if operation.body_type is not None else []),
    ]
    errors = {str(RequestError(code).status): _describe_error(operation.path, code) for code in codes}
    others = _describe_error(operation.path, "internal") | {"description": "Any other error, in the same form."}
    return {str(operation.handler.status_code): success, **dict(sorted(errors.items())), "default": others}


def _describe_error(path: str, code: str) -> dict[str, Any]:
    """Describe an error's answer, with one as the server makes it for an example."""
    error = RequestError(code)
    headers, body = encode_error(path, error, "9f86d081-2a")
    schema = {"$ref": _REFERENCE.format(name=find_envelope(path).name)}
    content = {headers["content-type"]: {"schema": schema, "example": msgspec.json.decode(body)}}
    return {"description": error.message, "content": content}


def _as_markdown(value: Any) -> Any:
    """Turn the marks of docstrings into those of Markdown, throughout, and leave out where a fact was found."""
    if isinstance(value, dict):
        return {name: _write_text(item) if name in _TEXTS else _as_markdown(item) for name, item in value.items()}
    return [_as_markdown(item) for item in value] if isinstance(value, list) else value


def _write_text(value: Any) -> Any:
    return _SOURCE.sub("", value).replace("``", "`") if isinstance(value, str) else _as_markdown(value)


def _shorten_names(value: Any) -> Any:
    """Name structs that share a name by their modules: ``twinstream.wire.admin.DeviceReply`` is AdminDeviceReply."""
    if isinstance(value, dict):
        return {_shorten(name): _shorten_names(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_shorten_names(item) for item in value]
    return _shorten(value) if isinstance(value, str) else value


def _shorten(text: str) -> str:
    return _QUALIFIED.sub(
        lambda found: found[2] if found[2].startswith(found[1].title()) else found[1].title() + found[2], text
    )


_QUALIFIED = re.compile(r"\btwinstream(?:\.\w+)*\.(\w+)\.(\w+)")
_REFERENCE = "#/components/schemas/{name}"
_SOURCE = re.compile(r"\s\(ayla-facts[^)]*\)")
_TEXTS = frozenset({"description", "summary"})
