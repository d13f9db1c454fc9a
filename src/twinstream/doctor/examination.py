"""One case under way: a stage, a client in front of it, and what is found.

Owns the steps that cases are made of, and how they end early. Knows processes and sockets by their own modules alone.
Invariant: every wait is bounded by the examination's patience, and ends at once when the client has ended.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from twinstream.doctor.sight import Habit, Sight
from twinstream.doctor.stage import Socket, Stage
from twinstream.doctor.subject import Subject, describe_exit
from twinstream.doctor.traffic import ANY_VALUE, Sample, Traffic
from twinstream.doctor.verdict import Finding, Grade

SETTLE_S = 0.3
"""Where nothing tells that a client is done with what it got, it has so long to fall over."""
CRASH_S = 3.0
"""Between the end of a client's connection and its own end lies at most so long."""

STAY_ALIVE = (
    "Catch what goes wrong with one event around that event alone, tell it, and go on: "
    "`try { process(event) } catch (error) { console.error(error) }`."
)
PRINT_EVENTS = (
    "Print a line with the event's seq, dsn or datapoint id to the standard output when it is processed, and flush it; "
    "or append such lines to a file and say --processed FILE; or say --wire-only."
)

SHOW_EVENTS = (
    "Leave --wire-only out, and let the client show what it has processed, as `twinstream doctor --help` says."
)


class Pace(msgspec.Struct, frozen=True):
    """How time passes in an examination, in seconds.

    ``interval_s`` lies between two heartbeats; ``patience_s`` is the longest that anything is waited for; for
    ``stop_s`` a client is watched that should have stopped. ``is_real``: the interval is that of a real server.
    """

    interval_s: float
    patience_s: float
    stop_s: float
    is_real: bool


FAST = Pace(interval_s=1.0, patience_s=15.0, stop_s=4.0, is_real=False)
"""A thirtieth of the true interval."""
REAL_TIME = Pace(interval_s=30.0, patience_s=180.0, stop_s=35.0, is_real=True)


class StopCaseError(Exception):
    """A case cannot go on; the findings say why."""


class Examination:
    """What a case plays with. ``habit`` is how the client shows what it has processed; None: it does not."""

    def __init__(self, traffic: Traffic, pace: Pace, habit: Habit | None) -> None:
        self.traffic = traffic
        self.pace = pace
        self.sees = habit is not None
        self.sight = Sight(habit)
        self.findings: list[Finding] = []
        self._bell = asyncio.Event()
        self.stage = Stage(pace.interval_s, self.ring)
        self.subject: Subject

    def ring(self) -> None:
        """Tell that something has happened."""
        self._bell.set()

    # Findings

    def fail(self, what: str, remedy: str, *, grade: Grade = Grade.FAIL) -> None:
        """Note that the client does something wrong."""
        finding = Finding(grade, what, remedy)
        if finding not in self.findings:
            self.findings.append(finding)

    def warn(self, what: str, remedy: str) -> None:
        """Note what works here and may not elsewhere."""
        self.fail(what, remedy, grade=Grade.WARN)

    def not_seen(self, what: str, remedy: str) -> None:
        """Note what could not be judged."""
        self.fail(what, remedy, grade=Grade.NOT_SEEN)

    # Waiting

    async def until(self, is_true: Callable[[], bool], within_s: float | None = None) -> bool:
        """Wait until something holds, at most ``within_s`` (by default the patience); tell whether it does."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.pace.patience_s if within_s is None else within_s):
                while not is_true():
                    self._bell.clear()
                    await self._bell.wait()
        return is_true()

    async def connect(self) -> Socket:
        """Wait for the client to connect.

        Raises:
            StopCaseError: it does not; a finding says so.
        """
        await self.until(lambda: bool(self.stage.waiting) or self.subject.has_ended)
        if self.stage.waiting:
            return self.stage.waiting.popleft()
        if self.subject.has_ended:
            raise self._stop(f"the client ended ({self.how_it_ended}) without connecting", _CONNECT)
        raise self._stop(f"the client did not connect within {self.pace.patience_s:g} s", _CONNECT)

    async def come_back(self, why: str, remedy: str = "", *, untold: str = "") -> Socket:
        """Wait for the client to connect again; the default remedy says how.

        ``untold`` is what the case is about and cannot judge if the client does not: it is told with that.

        Raises:
            StopCaseError: it does not; a finding says so.
        """
        await self.until(lambda: bool(self.stage.waiting) or self.subject.has_ended)
        if self.stage.waiting:
            return self.stage.waiting.popleft()
        rest = f", so {untold} could not be judged" if untold else ""
        if self.subject.has_ended:
            raise self._stop(
                f"the client ended ({self.how_it_ended}) instead of connecting again {why}{rest}", remedy or RECONNECT
            )
        raise self._stop(
            f"the client did not connect again within {self.pace.patience_s:g} s {why}{rest}",
            f"{remedy or RECONNECT} If it does so, only later: begin with a second, or give doctor a longer --timeout.",
        )

    async def settle(self, socket: Socket, last: Sample) -> None:
        """Wait until the client has processed ``last``, which was sent last, or shows that it will not any more."""
        if self.sees:
            await self.until(lambda: self.sight.lines(last) >= self.sight.habit.lines_each or self._is_over(socket))
        else:
            await socket.beat()
            await self.until(lambda: socket.answers >= socket.beats or self._is_over(socket))
            await self.until(lambda: self._is_over(socket), SETTLE_S)
        if not socket.is_open:
            await self.until(lambda: self.subject.has_ended, CRASH_S)

    def _is_over(self, socket: Socket) -> bool:
        return self.subject.has_ended or not socket.is_open

    # Checks

    def check_alive(self, socket: Socket, why: str, remedy: str, grade: Grade = Grade.FAIL) -> None:
        """Look whether the client is still there.

        Raises:
            StopCaseError: it is not; a finding says so.
        """
        if self.subject.has_ended:
            raise self._stop(f"the client ended ({self.how_it_ended}) {why}", remedy, grade)
        if not socket.is_open:
            raise self._stop(f"the client dropped the connection {why}", remedy, grade)

    def check_processed(self, samples: Sequence[Sample], remedy: str, grade: Grade = Grade.FAIL) -> None:
        """Look whether each sample was processed once, with its value as it was sent."""
        if not self.sees:
            self.not_seen("whether the events were processed cannot be seen on the wire", SHOW_EVENTS)
            return
        missing = [sample for sample in samples if not self.sight.lines(sample)]
        if missing:
            self.fail(f"{_name(missing)} never processed", remedy, grade=grade)
        for sample in samples:
            value = self.sight.altered(sample)
            if value is not ANY_VALUE:
                was = f"{_shorten(value)} instead of {_shorten(sample.value)}"
                self.fail(f"the value of event {sample.seq} came out as {was}", remedy, grade=grade)
        self.check_once(samples)

    def check_once(self, samples: Sequence[Sample]) -> None:
        """Look whether no sample was processed twice."""
        twice = [sample for sample in samples if self.sight.times(sample) > 1]
        if twice:
            self.fail(f"{_name(twice)} processed more than once", ONCE)

    @property
    def how_it_ended(self) -> str:
        """The client's exit code or signal, in words."""
        return describe_exit(self.subject.exit_code)

    def _stop(self, what: str, remedy: str, grade: Grade = Grade.FAIL) -> StopCaseError:
        self.fail(what, remedy, grade=grade)
        return StopCaseError(what)


_CONNECT = (
    "Let it connect to the address in {url}, or in the environment as TWINSTREAM_URL: "
    "`new WebSocket(process.env.TWINSTREAM_URL)`."
)
RECONNECT = (
    "Connect again whenever the connection ends or an attempt fails: after a second, then after twice as long each "
    "time, up to a minute, each wait multiplied by a random number from 0 to 1. Begin anew with a second once a "
    "connection has brought a message: `setTimeout(connect, Math.random() * Math.min(60000, 1000 * 2 ** n++))`, and "
    "`n = 0` where messages arrive."
)
ONCE = (
    "Remember the highest seq that was processed, as a number, and skip a record whose seq is not above it: that "
    "record alone, and not the rest of its message, which may be new. In a loop over the records of a message that is "
    "`if (BigInt(event.seq) <= last) continue`, not `return` or `break`."
)


def _name(samples: Sequence[Sample]) -> str:
    seqs = sorted({sample.seq for sample in samples})
    if len(seqs) == 1:
        return f"event {seqs[0]} was"
    return f"events {', '.join(map(str, seqs[:6]))}{' …' if len(seqs) > 6 else ''} were"


def _shorten(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:40]}… ({len(text) - 2} characters)"
