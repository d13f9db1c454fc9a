"""From errors to responses: one status, one envelope per service.

Owns the shapes in which the services tell errors (ayla-facts 2.3 and 10.1): the user service, the device service and
the Datastream Service's REST each have their own, everything new uses RFC 9457 problem details. Knows no use case.
Invariant: what was not raised on purpose is logged with its trace and shown as ``internal``, without any detail.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException

from twinstream.errors import REQUEST_ERRORS, RequestError

_log = structlog.get_logger(__name__)

CLOSING_CODES = frozenset({"body_too_large", "request_timeout", "uri_too_long", "headers_too_large", "http_version"})
"""After these the rest of the request may still be under way: the connection is closed."""


def answer_request_error(request: Request[Any, Any, Any], error: RequestError) -> Response[bytes]:
    """Litestar exception handler for `RequestError`."""
    return _answer(request, error, {})


def answer_http_exception(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Litestar exception handler for what the framework raises: no such path or method, a malformed parameter."""
    if error.status_code >= 500:
        return answer_unexpected(request, error)
    code = _FRAMEWORK_CODES.get(error.status_code, "bad_request")
    message = error.detail if code == "bad_request" else ""
    headers = dict(error.headers or {})
    if "allow" in headers:
        methods = set(headers["allow"].split(", "))
        headers["allow"] = ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))  # see web.outer
    return _answer(request, RequestError(code, message), headers)


def answer_unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Litestar exception handler for everything else."""
    _log.error("request failed", method=request.method, path=request.scope["path"], exc_info=error)
    return _answer(request, RequestError("internal"), {})


EXCEPTION_HANDLERS: dict[type[Exception], Callable[..., Response[bytes]]] = {
    RequestError: answer_request_error,
    HTTPException: answer_http_exception,
    Exception: answer_unexpected,
}
"""For Litestar; the most special class wins."""


def encode_error(path: str, error: RequestError, request_id: str) -> tuple[dict[str, str], bytes]:
    """Tell an error in the envelope of the service that owns the path: its headers and its body.

    Args:
        path: the request's path; only its beginning matters.
        error: what happened.
        request_id: joins the answer with the log.
    """
    envelope = next((envelope for prefix, envelope in _SERVICES if path.startswith(prefix)), _tell_problem)
    content = envelope(error)
    if error.field is not None:
        content["field"] = error.field
    content |= error.members
    content["request_id"] = request_id
    headers = {"content-type": "application/problem+json" if envelope is _tell_problem else "application/json"}
    if error.retry_after_s is not None:
        headers["retry-after"] = str(error.retry_after_s)
    if error.code in CLOSING_CODES:
        headers["connection"] = "close"
    if error.code == "upgrade_required":
        headers |= {"upgrade": "websocket", "connection": "Upgrade", "sec-websocket-version": "13"}
    if error.status == 401:
        headers["www-authenticate"] = "auth_token"
    return headers, msgspec.json.encode(content)


def _answer(request: Request[Any, Any, Any], error: RequestError, more_headers: dict[str, str]) -> Response[bytes]:
    request_id = request.scope["state"].get("request_id", "")
    headers, body = encode_error(request.scope["path"], error, request_id)
    media_type = headers.pop("content-type")
    return Response(body, status_code=error.status, media_type=media_type, headers=headers | more_headers)


def _tell_user_error(error: RequestError) -> dict[str, Any]:
    return {"error": error.message, "errors": error.message, "code": error.code}


def _tell_account_error(error: RequestError) -> dict[str, Any]:
    """As the user service does otherwise, but for wrong fields: there ``errors`` tells them by name."""
    told = _tell_user_error(error)
    if error.status == 422 and error.field is not None:
        told["errors"] = {error.field: [error.message.removeprefix(error.field).strip()]}
    return told


def _tell_device_error(error: RequestError) -> dict[str, Any]:
    return {
        "error": {"code": error.status, "message": error.message},
        "errors": [{"code": str(error.status), "message": error.message}],
        "code": error.code,
    }


def _tell_stream_error(error: RequestError) -> dict[str, Any]:
    return {"errors": [{"code": error.code, "message": error.message}]}


def _tell_problem(error: RequestError) -> dict[str, Any]:
    kind = REQUEST_ERRORS[error.code]
    return {
        "type": "about:blank",
        "title": kind.meaning,
        "status": error.status,
        "detail": error.message,
        "code": error.code,
    }


_SERVICES: tuple[tuple[str, Callable[[RequestError], dict[str, Any]]], ...] = (
    ("/users/sign_", _tell_user_error),
    ("/users/refresh_token", _tell_user_error),
    ("/users/provider_auth", _tell_user_error),
    ("/users", _tell_account_error),
    ("/api/v1/users", _tell_user_error),
    ("/api/v1/token_sign_in", _tell_user_error),
    ("/api/v1/ssouser", _tell_user_error),
    ("/apiv1", _tell_device_error),
    ("/dev/v1", _tell_device_error),
    ("/devices", _tell_device_error),
    ("/dsns", _tell_device_error),
    ("/api/v1/subscriptions", _tell_stream_error),
    ("/api/v1/oemAccessRules", _tell_stream_error),
)
"""Whose path it is, by its beginning."""

_FRAMEWORK_CODES = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}
