"""How long `verify` waits, by a clock that the test turns."""

from __future__ import annotations

from pathlib import Path

import pytest

from twinstream.truth.journal import TruthFile
from twinstream.truth.verdict import Verdict
from twinstream.truth.verify import verify


class Clock:
    """Time that passes in sleeps, and in looks at a table: each takes ``look_s``."""

    def __init__(self, look_s: float) -> None:
        self.slept_s: list[float] = []
        self.looks = 0
        self._look_s = look_s
        self._now_s = 1000.0

    def sleep(self, time_s: float) -> None:
        """Let it pass."""
        self.slept_s.append(time_s)
        self._now_s += time_s

    def monotonic_s(self) -> float:
        """Tell the time; it is asked for once after each look."""
        self.looks += 1
        self._now_s += self._look_s
        return self._now_s


@pytest.mark.parametrize(
    ("look_s", "slept_s"),
    [(0.0, [0.5] * 6), (0.5, [0.5] * 3), (1.0, [0.5] * 2), (2.25, [0.5, 0.25]), (100.0, [0.5])],
)
def test_the_time_that_looking_takes_is_waited_too(tmp_path: Path, look_s: float, slept_s: list[float]) -> None:
    """From the first verdict on, no look begins later than was said."""
    with TruthFile(tmp_path / "truth.jsonl", "test", 1, "2026-11-21T05:00:00Z") as truth:
        truth.accept(truth.send("A", "A", "level", 1), "id-1")
    (tmp_path / "events.jsonl").touch()
    clock = Clock(look_s)
    told: list[Verdict] = []
    verdict = verify(
        tmp_path / "truth.jsonl",
        f"jsonl:{tmp_path / 'events.jsonl'}",
        wait_s=3.0,
        sleep=clock.sleep,
        monotonic_s=clock.monotonic_s,
        notify=told.append,
    )
    assert verdict.findings["missing"].count == 1
    assert clock.slept_s == slept_s
    assert (len(told), clock.looks) == (len(slept_s), len(slept_s) + 1)
