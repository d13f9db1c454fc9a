"""Which event is played when, as which number, with which times in it."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.recording.tapes import AT_S, datapoint, tape
from twinstream.recording.file import EventLine
from twinstream.recording.reel import Reel, read_speed

NOW_S = 1_800_000_000.0
"""2027-01-15T08:00:00Z"""


def test_events_come_as_they_came() -> None:
    """With their distances, numbers and texts."""
    reel = Reel(tape(3, apart_s=10))
    assert [reel.event(index, NOW_S) for index in range(3)] == [
        (10.0 * index, index + 1, datapoint(index + 1, f"v{index}")) for index in range(3)
    ]
    assert not reel.has(3)
    assert reel.duration_s == 20


@pytest.mark.parametrize(("text", "speed"), [("10x", 10), ("0.5x", 0.5), ("3", 3), ("max", math.inf)])
def test_speeds(text: str, speed: float) -> None:
    """A factor, with or without x, or max."""
    assert read_speed(text) == speed
    assert Reel(tape(3), speed=read_speed(text)).event(2, NOW_S).due_s == 2 / speed


@pytest.mark.parametrize("text", ["0", "-1x", "fast", "inf", "nan", ""])
def test_what_is_no_speed(text: str) -> None:
    """Is refused."""
    with pytest.raises(ValueError):
        read_speed(text)


def test_a_loop_goes_on_with_its_numbers() -> None:
    """The second round begins a second after the first, behind its last number; texts differ in the number alone."""
    reel = Reel([*tape(2), EventLine(AT_S + 5, 7, datapoint(7, '"seq":"7"'))], loop=True)
    shown = [reel.event(index, NOW_S) for index in range(7)]
    assert [event.seq for event in shown] == [1, 2, 7, 8, 9, 14, 15]
    assert [event.due_s for event in shown] == [0, 1, 5, 6, 7, 11, 12]
    assert shown[5].text == datapoint(14, '"seq":"7"')
    assert reel.has(10**9)


@pytest.mark.parametrize(
    "text",
    [
        '{"seq":"%s","metadata":{"seq":"1"}}',
        '{"metadata":{"seq":"1","resource_tags":[{"seq":1}]},"seq":"%s"}',
        '{"datapoint":{"value":"{\\"seq\\":\\"1\\"}"},"key":"seq","is":"\\"seq\\":1", "seq" : %s}',
        '[{"seq":"1"}]',
    ],
)
def test_of_all_numbers_that_of_the_event_alone_is_written_anew(text: str) -> None:
    """Not one in its metadata, in a value, or in JSON within a value, even if it comes first."""
    first, again = text.replace("%s", "1"), text.replace("%s", "2")
    reel = Reel([EventLine(AT_S, 1, first)], loop=True)
    assert [reel.event(index, NOW_S).text for index in (0, 1)] == [first, again]


@given(
    st.lists(st.integers(0, 60), unique=True, min_size=1, max_size=8).map(sorted), st.booleans(), st.integers(0, 200)
)
def test_a_number_is_found(seqs: list[int], loop: bool, seq: int) -> None:
    """The first event that is numbered so or higher, in any round."""
    reel = Reel([EventLine(AT_S, number, datapoint(number)) for number in seqs], loop=loop)
    index = reel.find(seq)
    if reel.has(index):
        assert reel.event(index, NOW_S).seq >= seq
    else:
        assert seq > seqs[-1]
        assert index == len(seqs)
    assert index == 0 or reel.event(index - 1, NOW_S).seq < seq


def test_times_are_those_of_playing() -> None:
    """Each time in an event keeps its distance to the event's arrival, at any speed; the form stays."""
    event = json.loads(datapoint(2, "2018-09-24T10:25:14Z"))
    event["datapoint"]["created_at_from_device"] = "2018-09-24T10:25:04.250+00:00"
    event["datapoint"]["updated_at"] = "soon"
    reel = Reel([*tape(1), EventLine(AT_S + 100, 2, json.dumps(event))], speed=10, shift=True)
    shown = json.loads(reel.event(1, NOW_S).text)["datapoint"]
    assert shown["created_at"] == "2027-01-15T07:58:30Z"  # 10 s after the start, 100 s before its arrival
    assert shown["created_at_from_device"] == "2027-01-15T07:58:20.250+00:00"
    assert shown["updated_at"] == "soon"
    assert shown["value"] == "2018-09-24T10:25:14Z"


def test_at_full_speed_the_last_event_is_of_now() -> None:
    """Those before keep their distance to it."""
    reel = Reel(tape(3, apart_s=60), speed=math.inf, shift=True)
    created = [json.loads(reel.event(index, NOW_S).text)["datapoint"]["created_at"] for index in range(3)]
    assert created[0] == "2027-01-15T07:58:00Z"
    assert created[2] == "2027-01-15T07:58:00Z"  # it was recorded two minutes after what it tells of


def test_a_clock_that_was_set_back_holds_nothing_up() -> None:
    """Times of arrival that go back count as the latest before."""
    events = [EventLine(AT_S + at, seq, datapoint(seq)) for seq, at in enumerate((0, 50, -3000, 60))]
    assert [Reel(events).event(index, NOW_S).due_s for index in range(4)] == [0, 50, 50, 60]


def test_an_empty_recording_has_no_event() -> None:
    """Also in a loop."""
    reel = Reel([], loop=True)
    assert (reel.size, reel.duration_s, reel.has(0), reel.find(5)) == (0, 0, False, 0)
