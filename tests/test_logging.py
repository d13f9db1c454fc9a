"""Log lines: their form, and what never stands in one."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from twinstream.logging import configure_logging

CANARY = "0123456789abcdef0123456789ABCDEF"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """What was logged; the set-up is undone afterwards."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:], root.level = before
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    """Parse JSON lines."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_json_lines(stream: io.StringIO) -> None:
    """A line is one JSON object with time, level, event and what was bound; lines of libraries too."""
    configure_logging("info", "json", stream)
    structlog.get_logger("ours").info("stream refused", code="unknown_key", count=3)
    logging.getLogger("theirs").warning("careful %s", "now")
    ours, theirs = lines(stream)
    assert (ours["event"], ours["level"], ours["code"], ours["count"]) == ("stream refused", "info", "unknown_key", 3)
    assert ours["timestamp"].endswith("Z")
    assert (theirs["event"], theirs["level"]) == ("careful now", "warning")


def test_levels(stream: io.StringIO) -> None:
    """What is below the level is not written, and talkative libraries start at warning."""
    configure_logging("info", "json", stream)
    structlog.get_logger().debug("hidden")
    logging.getLogger("uvicorn.error").info("hidden")
    assert stream.getvalue() == ""


@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.parametrize(
    "values",
    [
        {"stream_key": CANARY},
        {"path": f"/stream?stream_key={CANARY}&x=1"},
        {"path": f"/stream?stream_key={CANARY[:31]}"},
        {"header": f"Authorization: auth_token {CANARY}"},
        {"anything": CANARY},
        {"body": {"user": {"password": CANARY[:20], "refresh_token": CANARY}}},
        {"body": f'{{"password":"{CANARY[:12]}"}}'},
        {"access_token": "short"},
        {"key": "x-Ayla: Ayla1.0 " + CANARY[:22]},
    ],
)
def test_secrets_never_appear(stream: io.StringIO, form: str, values: dict[str, Any]) -> None:
    """Keys, tokens and passwords are replaced, whether a value is one or holds one."""
    configure_logging("info", form, stream)
    structlog.get_logger().info("something", **values)
    logging.getLogger("theirs").warning("%r", values)
    for piece in (CANARY, CANARY[:31], CANARY[:22], CANARY[:20], CANARY[:12], "short"):
        assert piece not in stream.getvalue()
    assert "[redacted]" in stream.getvalue()


def test_traces_are_redacted_too(stream: io.StringIO) -> None:
    """A trace keeps its lines and loses its secrets."""
    configure_logging("info", "json", stream)
    try:
        raise ValueError(f"bad key {CANARY}")
    except ValueError as error:
        structlog.get_logger().error("failed", exc_info=error)
    (line,) = lines(stream)
    assert "Traceback" in line["exception"]
    assert CANARY not in line["exception"]


@pytest.mark.parametrize("form", ["json", "text"])
def test_one_event_is_one_line(stream: io.StringIO, form: str) -> None:
    """Line ends and control characters in a value are escaped; long values are cut."""
    configure_logging("info", form, stream)
    structlog.get_logger().info("refused", value="a\r\nb\x1b[31m\x85" + "x" * 5000)
    assert stream.getvalue().count("\n") == 1
    assert not set("\r\x1b\x85") & set(stream.getvalue())
    assert len(stream.getvalue()) < 1200


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("plain", "plain"),
        ("a b", '"a b"'),
        ('say "hi" now', r'"say \"hi\" now"'),
        ('"', r'"\""'),
        ("c:\\ d\\", r'"c:\\ d\\"'),
        ("", '""'),
        (7, "7"),
    ],
)
def test_a_value_for_people_ends_where_it_ends(stream: io.StringIO, value: object, shown: str) -> None:
    """With a space or a quote in it, it stands in quotes, in which those of its own are escaped."""
    configure_logging("info", "text", stream)
    structlog.get_logger().info("told", value=value, then=1)
    assert f" value={shown} then=1\n" in stream.getvalue()


def test_identifiers_stay(stream: io.StringIO) -> None:
    """UUIDs, DSNs and addresses are not secrets."""
    configure_logging("info", "text", stream)
    structlog.get_logger().info("x", user="11111111-2222-3333-4444-555555555555", dsn="AC000W000340649", ip="::1")
    for piece in ("11111111-2222-3333-4444-555555555555", "AC000W000340649", "::1"):
        assert piece in stream.getvalue()
