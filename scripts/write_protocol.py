"""Write the tables of docs/protocol.md from the code: `make docs`."""

from __future__ import annotations

import re
from pathlib import Path

from twinstream.errors import CLOSE_CODES, REQUEST_ERRORS

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


def render_page(page: str) -> str:
    """Return the page with its tables made anew."""
    refusals = "| status | code | meaning |\n|---|---|---|\n" + "".join(
        f"| {REQUEST_ERRORS[code].status} | `{code}` | {_cell(REQUEST_ERRORS[code].meaning)} |\n" for code in REFUSALS
    )
    closes = "| code | meaning | reconnect | what to do |\n|---|---|---|---|\n" + "".join(
        f"| {number} | {_cell(code.meaning)} | {'yes' if code.reconnect else 'no'} | {_cell(code.remedy)} |\n"
        for number, code in CLOSE_CODES.items()
    )
    return _replace(_replace(page, "refusals", refusals), "close codes", closes)


def _replace(page: str, name: str, table: str) -> str:
    marked = re.compile(f"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    return marked.sub(lambda found: found.group(1) + "\n" + table + "\n" + found.group(2), page)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(render_page(PAGE.read_text()))
