"""The checker of crash runs is itself checked: every kind of fault, made by hand, is found."""

from __future__ import annotations

import pytest

from tests.live.checker import Journal, Received, Sent, Shift, Timeline, judge


def sent(counter: int, *, status: int | None = 201, at: float | None = None) -> Sent:
    """A datapoint sent at its counter's time and answered half a second later."""
    start = float(counter) if at is None else at
    return Sent(f"p-{counter}", "p", counter, "AC1", "note", start, None if status is None else start + 0.5, status)


def got(seq: int, counter: int, *, connection: int = 1, digest: bytes = b"") -> Received:
    """A record as a subscriber saw it."""
    return Received(connection, seq, digest or b"%d" % counter, f"p-{counter}")


def journal(*received: Received, **more: object) -> Journal:
    """The journal of a subscriber that sees everything from the start."""
    return Journal("all", lambda state, _: state == "on", [Shift("on", 0.0, 0.0)], list(received), **more)  # type: ignore[arg-type]


def test_a_clean_run_has_no_faults() -> None:
    """Everything accepted is received once, in order; what was never answered may be missing."""
    verdict = judge([sent(1), sent(2), sent(3, status=None)], [journal(got(1, 1), got(2, 2))])
    assert verdict.faults == {}
    assert (verdict.sent, verdict.accepted, verdict.received) == (3, 2, 2)


@pytest.mark.parametrize(
    ("kind", "events", "received"),
    [
        ("lost", [sent(1), sent(2)], [got(1, 1)]),
        ("phantom", [sent(1)], [got(1, 1), got(2, 7)]),
        ("phantom", [sent(1), sent(2, status=422)], [got(1, 1), got(2, 2)]),
        ("divergent", [sent(1)], [got(1, 1), got(1, 1, connection=2, digest=b"other")]),
        ("doubled", [sent(1)], [got(1, 1), got(2, 1, connection=2)]),
        ("gap", [sent(1), sent(2)], [got(1, 1), got(3, 2, connection=2)]),
        ("not consecutive", [sent(1), sent(2)], [got(1, 1), got(3, 2)]),
        ("not consecutive", [sent(1)], [got(1, 1), got(1, 1)]),
        ("reordered", [sent(1), sent(2)], [got(1, 2), got(2, 1)]),
    ],
)
def test_every_kind_of_fault_is_found(kind: str, events: list[Sent], received: list[Received]) -> None:
    """Each fault made by hand shows under its name."""
    assert kind in judge(events, [journal(*received)]).faults


def test_a_resume_that_starts_elsewhere_is_found() -> None:
    """A connection that asked for a number and got another one is a fault."""
    rows = journal(got(1, 1), got(2, 2), got(2, 2, connection=2), starts={2: 3})
    assert "wrong start" in judge([sent(1), sent(2)], [rows]).faults


def test_an_event_outside_of_the_filter_is_a_stray() -> None:
    """What certainly did not match must not arrive; what perhaps matched may."""
    shifts = [Shift("on", 0.0, 0.0), Shift("off", 10.0, 11.0)]
    rows = Journal("changing", lambda state, _: state == "on", shifts, [got(1, 1), got(2, 20)])
    assert judge([sent(1), sent(10), sent(20)], [rows]).faults.keys() == {"stray"}


def test_an_unanswered_change_leaves_both_states_possible() -> None:
    """Until the next answered change both the old and the new state may be in force."""
    shifts = [Shift("a", 0.0, 0.0), Shift("b", 5.0, None), Shift("c", 8.0, 9.0)]
    timeline = Timeline(shifts)
    assert timeline.possible(1.0, 2.0) == {"a"}
    assert timeline.possible(6.0, 7.0) == {"a", "b"}
    assert timeline.possible(8.5, 8.6) == {"a", "b", "c"}
    assert timeline.possible(9.5, 9.6) == {"c"}
