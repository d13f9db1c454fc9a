"""How a client's output is searched for what it has processed."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from twinstream.doctor.sight import Habit, Sight
from twinstream.doctor.traffic import ANY_VALUE, Traffic

SAMPLES = Traffic(9_000_001, "2026-09-24T10:26:37Z").datapoints(3)
FIRST, SECOND, THIRD = SAMPLES


def look(output: bytes) -> Sight:
    """Search some output for the samples."""
    sight = Sight()
    sight.watch_for(SAMPLES)
    sight.feed(output)
    return sight


def test_each_marker_counts_and_a_line_counts_once() -> None:
    """Number, DSN or datapoint id: one is enough, and all of them in a line are one sight."""
    sight = look(f"seq=9000001\n{SECOND.text}\n{' '.join(THIRD.markers)}\n".encode())
    assert [sight.lines(sample) for sample in SAMPLES] == [1, 1, 1]


def test_a_line_may_name_several() -> None:
    """As when a batch is printed as one list."""
    sight = look(f"[{FIRST.text},{SECOND.text}]\n".encode())
    assert [sight.lines(sample) for sample in SAMPLES] == [1, 1, 0]


def test_a_number_within_a_number_is_none() -> None:
    """Only whole words count."""
    sight = look(b"19000001 90000012 x9000001\n")
    assert [sight.lines(sample) for sample in SAMPLES] == [0, 0, 0]


def test_a_line_counts_when_it_is_whole() -> None:
    """Or when no more will come."""
    sight = look(b"9000001")
    assert sight.lines(FIRST) == 0
    sight.finish()
    assert sight.lines(FIRST) == 1


def test_a_line_about_an_event_is_none_of_it() -> None:
    """Where each event is shown with its DSN, a line that names but its number does not count; nor does half of what
    is shown for each.
    """
    output = "".join(f"{sample.text}\nstored {sample.markers[1]}\nplace {sample.seq}\n" for sample in SAMPLES)
    sight = look(output.encode())
    habit = sight.learn_habit(SAMPLES)
    assert habit == Habit(marker=1, lines_each=2)
    assert [sight.times(sample) for sample in SAMPLES] == [1, 1, 1]
    sight.feed(f"resumed after {FIRST.seq}\nstored {SECOND.markers[1]}\n".encode() + output.encode())
    assert [sight.times(sample) for sample in SAMPLES] == [2, 2, 2]
    assert look(b"nothing\n").learn_habit(SAMPLES) is None
    assert look(b"9000001\n9000002\n").learn_habit(SAMPLES) == Habit(marker=0, lines_each=1)


def test_another_value_is_told() -> None:
    """In an event's JSON, or where a line has a member `value`; the same number as text is the same."""
    sight = look(b'{"seq":9000001,"value":"open"}\n{"seq":9000002,"value":"1"}\nvalue 9000003\n')
    assert sight.altered(FIRST) == "open"
    assert sight.altered(SECOND) is ANY_VALUE
    assert sight.altered(THIRD) is ANY_VALUE


def test_talk_of_gaps_is_noticed() -> None:
    """In any line."""
    assert look(b"events 12 to 21 are no longer kept\n").tells_gap
    assert not look(FIRST.text.encode() + b"\n").tells_gap


@given(st.lists(st.sampled_from([*SAMPLES, None]), max_size=12), st.lists(st.integers(0, 4000), max_size=8))
def test_how_output_comes_in_pieces_does_not_matter(lines: list[object], cuts: list[int]) -> None:
    """The counts are the same however the bytes are cut."""
    output = b"".join(json.dumps(getattr(line, "text", "nothing")).encode() + b"\n" for line in lines)
    sight = Sight()
    sight.watch_for(SAMPLES)
    at = 0
    for cut in [*sorted({min(cut, len(output)) for cut in cuts}), len(output)]:
        sight.feed(output[at:cut])
        at = cut
    assert [sight.lines(sample) for sample in SAMPLES] == [lines.count(sample) for sample in SAMPLES]
