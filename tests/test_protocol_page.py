"""docs/protocol.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from scripts.write_protocol import PAGE, REFUSALS, render_page
from tests.web.test_bad_requests import HANDSHAKES
from twinstream import errors
from twinstream.errors import CLOSE_CODES, REQUEST_ERRORS
from twinstream.settings import Settings
from twinstream.stream.batch import MAX_MESSAGE_BYTES as MAX_BATCH_BYTES
from twinstream.web.handshake import KNOWN_PARAMETERS
from twinstream.web.websocket import CLOSE_TIMEOUT_S, MESSAGE_RATE
from twinstream.wire.frame import MAX_FRAGMENTS, MAX_MESSAGE_BYTES

TEXT = " ".join(PAGE.read_text().split())


def test_tables() -> None:
    """The tables of refusals and close codes are those of the code (else: `make docs`)."""
    page = PAGE.read_text()
    assert page == render_page(page)
    for close_code, entry in CLOSE_CODES.items():
        assert f"| {close_code} | {entry.meaning} " in page


def test_close_codes_that_are_not_sent() -> None:
    """The table says of a close code that it is not sent exactly where no line of the server sends it."""
    sources = Path(errors.__file__).parent.rglob("*.py")
    sent = {int(code) for source in sources for code in re.findall(r"Disconnect\((\d+)", source.read_text())}
    assert {code for code, entry in CLOSE_CODES.items() if entry.sent} == sent
    told = re.findall(
        r"^\| (\d+) \| [^|]* \(reserved: this server does not send it\) \|", PAGE.read_text(), re.MULTILINE
    )
    assert {int(code) for code in told} == CLOSE_CODES.keys() - sent


def test_parameters() -> None:
    """Every parameter of the query is described, and none that is not known."""
    assert (
        set(re.findall(r"^\| `(\w+)` \| ", PAGE.read_text().partition("### Refusals")[0], re.MULTILINE))
        == KNOWN_PARAMETERS
    )


def test_statuses() -> None:
    """Every status that bad requests to `/stream` are tested to get is in the table of refusals."""
    told = {REQUEST_ERRORS[code].status for code in REFUSALS} | {101}
    tested = set().union(*(row[2] for row in HANDSHAKES if b"/stream?" in _as_bytes(row[1])))
    assert tested <= told


def test_numbers() -> None:
    """Limits and times in the text are the code's."""
    settings = Settings()
    for phrase in (
        f"at most {MAX_MESSAGE_BYTES} bytes in at most {MAX_FRAGMENTS} frames",
        f"at most {MESSAGE_RATE:g} messages a second",
        f"at most {MAX_BATCH_BYTES} bytes",
        f"cut {CLOSE_TIMEOUT_S:g} s after",
        f"Every {settings.heartbeat_interval_s:g} s the server sends",
        f"come for {settings.inbound_timeout_s:g} s",
        f"on one key, {settings.sessions_per_key} unless",
        f"over {settings.replace_silent_s:g} s (4409)",
        f"within {settings.ack_flush_s:g} s and at shutdown",
    ):
        assert phrase in TEXT


def _as_bytes(request: str | bytes) -> bytes:
    return request if isinstance(request, bytes) else request.encode("latin-1")
