"""Events and states in words."""

from __future__ import annotations

import json

import pytest

from twinstream.client.event import decode_event
from twinstream.client.line import describe_counters, describe_event, describe_state
from twinstream.client.state import Connected, Counters, Gap, Reconnecting, Resumed, State

METADATA = {"dsn": "AC000W005606115", "property_name": "Blue_LED"}
AT = "2018-09-24T10:25:14Z"
LINES = [
    ("connectivity", "connection", {"event_time": AT, "status": "Online"}, "Online"),
    ("datapoint", "datapoint", {"created_at": AT, "echo": True, "value": 0}, "Blue_LED = 0 (echo)"),
    ("datapoint", "datapoint", {"created_at": AT, "echo": False, "value": "a\nb"}, 'Blue_LED = "a\\nb"'),
    (
        "datapointack",
        "datapoint",
        {"acked_at": AT, "value": 1, "ack_status": 200, "ack_message": 0},
        "Blue_LED = 1 acknowledged (200, message 0)",
    ),
    (
        "location",
        "location_event",
        {"created_at": AT, "lat": " 44.769500", "long": "-69.428300", "provider": "ip-based"},
        "44.769500, -69.428300 (ip-based)",
    ),
    (
        "registration",
        "registration_event",
        {"unregistered_at": AT, "registered": False, "registration_type": "AP-Mode"},
        "unregistered (AP-Mode)",
    ),
]


@pytest.mark.parametrize(("kind", "body_key", "body", "what"), LINES)
def test_each_type_of_event_has_its_line(kind: str, body_key: str, body: dict[str, object], what: str) -> None:
    """Time, type, device and what happened stand in one line."""
    event = {"seq": "7", "metadata": {**METADATA, "event_type": kind}, body_key: body}
    assert describe_event(decode_event(json.dumps(event))) == f"{AT}  {kind:<12}  AC000W005606115  {what}  #7"


@pytest.mark.parametrize(
    "event",
    [
        {"seq": "7"},
        {"seq": "7", "metadata": []},
        {"seq": "7", "metadata": {"event_type": "datapoint"}, "datapoint": 5},
        {"seq": "7", "metadata": {"event_type": "location", "dsn": "\x1b[2J\u202e"}},
        {"seq": "7", "metadata": {"event_type": "connectivity"}, "connection": {"status": "\x1b[2J"}},
    ],
)
def test_no_event_breaks_a_line(event: dict[str, object]) -> None:
    """What is missing or of another type is shown all the same, and nothing steers the terminal."""
    assert describe_event(decode_event(json.dumps(event, ensure_ascii=False).replace("\x1b", "\\u001b"))).isprintable()


@pytest.mark.parametrize(
    ("state", "line"),
    [
        (Connected(True), "connected"),
        (Connected(False), "connected again"),
        (Reconnecting("no \x1b answer", 1.25, 1), "no \\x1b answer; trying again in 1.2 s"),
        (Reconnecting("no answer", 8.0, 3), "no answer; trying again in 8.0 s (attempt 3)"),
        (Resumed(None), "going on where the server says"),
        (Resumed(6), "going on after 6"),
        (Gap(7, 7), "event 7 is missing"),
        (Gap(7, 8), "events 7 to 8 are missing"),
    ],
)
def test_each_state_has_its_line(state: State, line: str) -> None:
    """What happens to a stream is told in a line that steers nothing."""
    assert describe_state(state) == line


def test_counters_are_told_in_words() -> None:
    """One is one, and none are none."""
    assert describe_counters(Counters(events=1, heartbeats=2)) == (
        "1 event, 2 heartbeats answered, 0 reconnects, 0 duplicates dropped, 0 gaps, 0 events missing"
    )


def test_a_reason_that_is_a_sentence_loses_its_full_stop() -> None:
    """The line goes on behind it."""
    assert describe_state(Reconnecting("Going down.", 6.5, 1)) == "Going down; trying again in 6.5 s"
