"""Write the tables of docs/protocol.md and docs/errors.md from the code: `make docs`."""

from __future__ import annotations

import json
import re
from pathlib import Path

from twinstream.errors import CLOSE_CODES, REQUEST_ERRORS, RequestError
from twinstream.web.error import _SERVICES, encode_error

ERRORS_PAGE = Path(__file__).parents[1] / "docs" / "errors.md"
PAGE = Path(__file__).parents[1] / "docs" / "protocol.md"

REFUSALS = (
    "bad_request",
    "bad_query",
    "duplicate_parameter",
    "bad_seq_start",
    "bad_seq_end",
    "unknown_key",
    "suspended",
    "origin_refused",
    "method_not_allowed",
    "request_timeout",
    "seq_expired",
    "uri_too_long",
    "seq_ahead",
    "upgrade_required",
    "too_many_sessions",
    "too_many_requests",
    "headers_too_large",
    "internal",
    "shutting_down",
    "too_many_connections",
    "http_version",
)
"""The codes that `/stream` answers before the upgrade."""

RESERVED = " (reserved: this server does not send it)"

TITLES = {
    "/users/sign_": "Signing in, tokens and users that the OEM looks after",
    "/users": "The user's own account",
    "/apiv1": "Devices",
    "/api/v1/subscriptions": "Subscriptions and access rules",
    "/stream": "Everything else: problem details (RFC 9457, `application/problem+json`)",
}
"""The shapes of errors, each by the path of which its sample is made."""


def render_page(page: str) -> str:
    """Return the page with its tables made anew."""
    refusals = "| status | code | meaning |\n|---|---|---|\n" + "".join(
        f"| {REQUEST_ERRORS[code].status} | `{code}` | {_cell(REQUEST_ERRORS[code].meaning)} |\n" for code in REFUSALS
    )
    closes = "| code | meaning | reconnect | what to do |\n|---|---|---|---|\n" + "".join(
        f"| {number} | {_cell(code.meaning)}{'' if code.sent else RESERVED} |"
        f" {'yes' if code.reconnect else 'no'} | {_cell(code.remedy)} |\n"
        for number, code in CLOSE_CODES.items()
    )
    return _replace(_replace(page, "refusals", refusals), "close codes", closes)


def render_errors(page: str) -> str:
    """Return the page of errors with its tables made anew."""
    error = RequestError("invalid", "name has 1 to 255 characters.", field="name")
    shapes = "\n".join(
        f"### {title}\n\n{', '.join(f'`{other}…`' for other in list_paths(path))}\n\n```json\n"
        + json.dumps(json.loads(encode_error(path, error, "5f0c…")[1]), indent=2, ensure_ascii=False)
        + "\n```\n"
        for path, title in TITLES.items()
    )
    codes = "| status | code | meaning |\n|---|---|---|\n" + "".join(
        f"| {kind.status} | `{code}` | {_cell(kind.meaning)} |\n" for code, kind in REQUEST_ERRORS.items()
    )
    return _replace(_replace(page, "shapes", shapes), "codes", codes)


def list_paths(path: str) -> list[str]:
    """List the beginnings of paths that have the same shape of errors as this one, itself among them."""
    envelope = dict(_SERVICES).get(path)
    return [other for other, shape in _SERVICES if shape is envelope] or [path]


def _replace(page: str, name: str, table: str) -> str:
    marked = re.compile(f"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    return marked.sub(lambda found: found.group(1) + "\n" + table + "\n" + found.group(2), page)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(render_page(PAGE.read_text()))
    ERRORS_PAGE.write_text(render_errors(ERRORS_PAGE.read_text()))
