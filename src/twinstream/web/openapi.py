"""The description of the API: how handlers say what Litestar cannot see by itself.

Handlers read raw bodies (`web.body`), so they name the body's type in their decorator; Litestar does the rest and
`web.app` serves it all at ``/openapi.json``::

    @post("/api/v1/subscriptions", operation_class=describe_body(SubscriptionRequest))

Responses are described by the return annotation, ``Response[SubscriptionReply]`` or the type itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody


def describe_body(body_type: Any, *, required: bool = True, description: str | None = None) -> type[Operation]:
    """Make the operation class of a handler whose JSON body has this type (anything msgspec can describe).

    The schema is written in place; a type that contains itself cannot be described.
    """
    (schema,), components = msgspec.json.schema_components((body_type,), ref_template="{name}")
    body = RequestBody(
        content={"application/json": OpenAPIMediaType(schema=_inline(schema, components))},
        required=required,
        description=description,
    )

    @dataclass
    class DescribedOperation(Operation):
        def __post_init__(self) -> None:
            self.request_body = body

    return DescribedOperation


def _inline(schema: Any, components: dict[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_inline(item, components) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inline(components[schema["$ref"]], components)
    return {name: _inline(value, components) for name, value in schema.items()}
