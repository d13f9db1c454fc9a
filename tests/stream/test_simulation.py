"""Thousands of random schedules keep every promise, and each rule taken out of the code breaks one.

``TWINSTREAM_SIMULATION_SEEDS=100000`` runs that many schedules; a failure names its seed, and
``TWINSTREAM_SIMULATION_FIRST_SEED`` begins there.
"""

from __future__ import annotations

import os

import pytest

from tests.stream.mutation import Bend, bend
from tests.stream.oracle import ViolationError
from tests.stream.simulation import Simulation
from twinstream.memory.log import MemoryLog
from twinstream.stream import opening, pulse, session
from twinstream.stream.batch import Batch
from twinstream.stream.hub import Hub
from twinstream.stream.pulse import Pulse
from twinstream.stream.session import Session
from twinstream.stream.state import IllegalMoveError

SEEDS = int(os.environ.get("TWINSTREAM_SIMULATION_SEEDS", "5000"))
FIRST_SEED = int(os.environ.get("TWINSTREAM_SIMULATION_FIRST_SEED", "0"))
MUTANT_SEEDS = 1500
"""Each mutant must be caught within so many schedules; most are within ten."""


@pytest.fixture(autouse=True)
def _small_constants(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reach in short schedules what takes a thousand events otherwise."""
    monkeypatch.setattr(session, "BOOKMARK_EVERY", 5)
    monkeypatch.setattr(pulse, "_REMEMBERED", 2)


@pytest.mark.timeout(0)
def test_no_schedule_breaks_a_promise() -> None:
    """Whatever happens in whatever order: right events, right numbers, no gap unsaid, nothing stuck, memory bounded."""
    delivered = demotions = 0
    closes: set[int] = set()
    for seed in range(FIRST_SEED, FIRST_SEED + SEEDS):
        simulation = Simulation(seed)
        try:
            simulation.run()
        except Exception as error:
            raise AssertionError(f"seed {seed}: {error}") from error
        delivered += simulation.delivered
        demotions += simulation.demotions
        closes |= simulation.closes
    if SEEDS >= 1000:  # the schedules reach what they are meant to test
        assert closes >= {1000, 1006, 4008, 4403, 4408, 4409, 4410}
        assert demotions > SEEDS / 4
        assert delivered > 20 * SEEDS


MUTANTS = {
    "R1: the cursor moves to the last match, not to what was scanned": [
        Bend(Session, "_pass_page", "self.position, self.seq =", "if page.tails: self.position, self.seq =")
    ],
    "R2: live although the ring does not reach": [
        Bend(
            Session,
            "_catch_up",
            "if records is None:\n        return False",
            "if records is None:\n        return True",
        )
    ],
    "R2: live without what is in the ring": [Bend(Session, "_catch_up", "for record in records:", "for record in ():")],
    "R2: the ring forgets its floor": [
        Bend(Hub, "_remember", "self._ring_floor = self._ring.popleft().position", "self._ring.popleft()")
    ],
    "R3: what a page has sent is sent again": [
        Bend(Hub, "_offer", " and position > session.position:", ":"),
        Bend(Session, "take", " or position <= self.position:", ":"),
    ],
    "R4: a full outlet is sent more": [Bend(Session, "on_full", "if self.state is State.LIVE:", "if False:")],
    "R4: a full outlet reads on": [Bend(Session, "_advance", " and not self._full", "")],
    "R4: stepping back goes too far back": [Bend(Session, "_step_back", "max(self.position, through)", "through")],
    "R5: a change does not send sessions back": [
        Bend(Session, "on_change", "if self.state is State.LIVE:", "if False:")
    ],
    "R5: a change is ignored in the ring": [
        Bend(Session, "_catch_up", "if self.subscription_id in entry.subscription_ids:", "if False:")
    ],
    "R5: after a change the old filter goes on": [Bend(Session, "on_change", "self._filter = None", "pass")],
    "resume: one event twice": [Bend(opening, "open_at", "point.oldest_seq) - 1", "point.oldest_seq) - 2")],
    "resume: one event missing": [Bend(opening, "open_at", "point.oldest_seq) - 1", "point.oldest_seq)")],
    "resume: one event missing behind an acknowledgement": [
        Bend(
            opening,
            "open_at",
            "skip_through, seq_end = (point.bookmark if live else point.acknowledged), 0,",
            "skip_through, seq_end = (point.bookmark if live else point.acknowledged), point.acknowledged.seq + 1,",
        )
    ],
    "live: one event missing": [
        Bend(Session, "_go_live", "self._skip_through = self.seq", "self._skip_through = self.seq + 1")
    ],
    "seq_end: one too few": [Bend(Session, "_send_page", "if seq > self._last_seq", "if seq >= self._last_seq")],
    "seq_end: never ends when live": [Bend(Session, "_count", "if seq == self._last_seq:", "if False:")],
    "batch: a partial one waits": [Bend(Hub, "_offer", "session.flush()", "pass")],
    "batch: overtaken by the close": [Bend(Session, "end", "self.flush()", "pass")],
    "batch: too many records": [
        Bend(Batch, "put", "len(self._records) == self._size", "len(self._records) > self._size")
    ],
    "bookmark: wrong number": [
        Bend(Session, "_offer_bookmark", "Cursor(self.position, self.seq)", "Cursor(self.position, self.seq + 1)")
    ],
    "bookmark: wrong position": [
        Bend(Session, "_offer_bookmark", "Cursor(self.position, self.seq)", "Cursor(self._tail.dispatched, self.seq)")
    ],
    "bookmark: lost when trimming, so numbers restart": [
        Bend(MemoryLog, "trim", "subscription.floor = Cursor(through, floor.seq + lost)", "pass")
    ],
    "bookmark: trimming forgets what was trimmed before": [
        Bend(MemoryLog, "trim", "Cursor(through, floor.seq + lost)", "Cursor(through, lost)")
    ],
    "bookmark: one from before a trim is counted on from": [
        Bend(MemoryLog, "page", "after, floor = request.after, subscription.floor", "after = floor = request.after")
    ],
    "trimming: counts with today's filter": [
        Bend(MemoryLog, "trim", "subscription.filters[subscription.stretch(position - 1)]", "subscription.filters[-1]")
    ],
    "stretches: reading goes on with the old filter": [
        Bend(
            MemoryLog,
            "page",
            "end = self._end if stretch == newest else subscription.starts[stretch + 1]",
            "end = self._end",
        )
    ],
    "retention overtakes in silence": [Bend(Session, "_outlives", "if self._touched:", "if False:")],
    "retention: the gap is not told": [
        Bend(Session, "_outlives", "self._tail.report_gap(self.subscription_id, first_lost, last_lost)", "pass")
    ],
    "acknowledged: what was never written": [
        Bend(Session, "on_text", "confirmed = self._pulse.answer()", "confirmed = self._pulse.answer() and self.cursor")
    ],
    "acknowledged: by a surplus answer": [
        Bend(Session, "on_text", "confirmed = self._pulse.answer()", "confirmed = self._pulse.answer() or self.cursor")
    ],
    "acknowledged: by the first of several answers": [
        Bend(Pulse, "answer", "cursor = self._waiting[0]", "cursor = self._waiting[-1]")
    ],
    "acknowledged: a later heartbeat joined to an earlier one": [
        Bend(Pulse, "heartbeat", "(self._waiting[-1][0] + 1, cursor)", "(self._waiting[-1][0], cursor)")
    ],
    "acknowledged: by anything that holds a Z": [
        Bend(Session, "on_text", '(text != b"Z" and text != HEARTBEAT)', 'b"Z" not in text')
    ],
    "acknowledged: by an observer": [Bend(Session, "on_text", "self._opening.observe or", "")],
    "acknowledged: by a bounded replay": [Bend(Session, "on_text", " or self._opening.seq_end is not None", "")],
    "acknowledged: what lies beyond the cursor of a reader": [
        Bend(Session, "cursor", "if self.state is State.LIVE:", "if True:")
    ],
    "suspended: sockets stay open": [Bend(Hub, "_apply", "session.end(", "(")],
}


@pytest.mark.parametrize("name", MUTANTS)
def test_each_mutant_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that is taken out of the code, or bent, is noticed."""
    for change in MUTANTS[name]:
        bend(monkeypatch, change)
    for seed in range(MUTANT_SEEDS):
        try:
            Simulation(seed).run()
        except (ViolationError, IllegalMoveError):
            return
    pytest.fail(f"not caught in {MUTANT_SEEDS} schedules")
