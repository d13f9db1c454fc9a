"""What is to be told of a running collector: how its routes are, and what has happened to them.

Owns the form of the status, and when something is worth a notice. Knows nothing of terminals, logs and sockets.
Invariant: every gap becomes exactly one notice, and so does every state that is another than at the last look.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from math import inf
from typing import NamedTuple

import msgspec

from twinstream import __version__
from twinstream.client.event import read_time
from twinstream.collector.progress import Progress, State
from twinstream.collector.route import Route

RATE_WINDOW_S = 10.0
REMINDER_S = 15.0
"""Where somebody waits for the end, what it waits for is told again so often."""
HEALTHY = frozenset({State.STARTING, State.STREAMING, State.ENDED})
"""States in which nobody needs to do anything."""
_WAITING = frozenset({State.STARTING, State.RECONNECTING, State.SINK_AWAY, State.SINK_FULL})
NOT_RUNNING = "not running"
"""The state of a route that only its output tells of."""


class RouteStatus(msgspec.Struct, frozen=True):
    """One stream on its way into one output.

    Times are UTC, ``rate`` is events written per second over the last ten; ``waiting`` events are read and not yet
    written. ``lag_s``: so old is the oldest of those, or so long after it had happened the last event was written,
    whichever is more; by the clocks of both machines.
    ``gaps`` are the newest ranges (first, last; both included) that did not come in their turn since the start, and
    ``missing`` counts the events in all of them. ``last_error`` stays when it is over.
    """

    stream: str
    output: str
    state: str
    is_healthy: bool
    reason: str = ""
    seq: int | None = None
    written: int = 0
    rate: float = 0.0
    waiting: int = 0
    lag_s: float | None = None
    missing: int = 0
    gaps: tuple[tuple[int, int], ...] = ()
    reconnects: int = 0
    retries: int = 0
    last_error: str | None = None
    last_error_at: str | None = None
    written_at: str | None = None


class CollectorStatus(msgspec.Struct, frozen=True):
    """One collector and its routes; ``pid`` is None where none is running, ``config`` is the file that it was started
    with.
    """

    pid: int | None
    version: str
    started_at: str | None
    routes: tuple[RouteStatus, ...]
    config: str | None = None

    @property
    def is_healthy(self) -> bool:
        """Whether nobody needs to do anything."""
        return all(route.is_healthy for route in self.routes)


class Notice(NamedTuple):
    """Something that happened: a line of the log. ``level`` is info, warning or error."""

    level: str
    event: str
    route: Route
    details: dict[str, str | int | float]


class Watch:
    """Looks at the routes now and then; ``config`` is the file that they come from. ``reminds``: what is waited for is
    told every `REMINDER_S`.
    """

    def __init__(
        self, routes: Sequence[Route], now_s: float, *, config: str | None = None, reminds: bool = False
    ) -> None:
        self._watched = [_Watched(route, now_s, REMINDER_S if reminds else inf) for route in routes]
        self._started_at_s = now_s
        self._config = config

    def look(self, now_s: float) -> Iterator[Notice]:
        """Yield what has happened since the last look."""
        for watched in self._watched:
            yield from watched.look(now_s)

    def status(self) -> CollectorStatus:
        """Say how everything was at the last look."""
        routes = tuple(watched.status for watched in self._watched)
        return CollectorStatus(os.getpid(), __version__, format_utc(self._started_at_s), routes, self._config)


class _Watched:
    """One route, and what was already told of it; ``status`` is how it was at the last look."""

    def __init__(self, route: Route, now_s: float, reminder_s: float) -> None:
        self._reminder_s = reminder_s
        self._told_at_s = now_s
        self._route = route
        self._state = State.STARTING
        self._missing = 0
        self._samples: deque[tuple[float, int]] = deque()
        self._error: tuple[str, float] | None = None
        self.status = self._sum_up(now_s)

    def look(self, now_s: float) -> Iterator[Notice]:
        progress = self._route.progress
        self._samples.append((now_s, progress.written))
        while len(self._samples) > 2 and self._samples[1][0] <= now_s - RATE_WINDOW_S:
            self._samples.popleft()
        if progress.missing > self._missing:
            new, self._missing = progress.missing - self._missing, progress.missing
            for first, last in _newest(progress.gaps, new):
                yield Notice("warning", "gap", self._route, {"first": first, "last": last, "events": last - first + 1})
        if progress.state is not self._state:
            self._state, self._told_at_s = progress.state, now_s
            if progress.state not in HEALTHY:
                self._error = (progress.reason, now_s)
            yield self._describe(progress)
        elif progress.state in _WAITING and now_s - self._told_at_s >= self._reminder_s:
            self._told_at_s = now_s
            reason = {"reason": progress.reason} if progress.reason else {}
            yield Notice("info", "waiting", self._route, {"state": str(progress.state), **reason})
        self.status = self._sum_up(now_s)

    def _sum_up(self, now_s: float) -> RouteStatus:
        progress = self._route.progress
        text, at_s = self._error or (None, None)
        return RouteStatus(
            stream=progress.name,
            output=self._route.output.label,
            state=progress.state,
            is_healthy=progress.state in HEALTHY,
            reason=progress.reason,
            seq=progress.seq,
            written=progress.written,
            rate=self._rate(),
            waiting=progress.read - progress.written,
            lag_s=_lag_s(progress, now_s),
            missing=progress.missing,
            gaps=tuple(progress.gaps),
            reconnects=progress.reconnects,
            retries=progress.sink_retries,
            last_error=text,
            last_error_at=format_utc(at_s),
            written_at=format_utc(progress.written_at),
        )

    def _describe(self, progress: Progress) -> Notice:
        level = "error" if progress.state is State.FAILED else "info" if progress.state in HEALTHY else "warning"
        details: dict[str, str | int | float] = {}
        if progress.seq is not None:
            details["seq"] = progress.seq
        if progress.state is State.ENDED:
            details["written"] = progress.written
        if progress.reason:
            details["reason"] = progress.reason
        return Notice(level, str(progress.state), self._route, details)

    def _rate(self) -> float:
        if len(self._samples) < 2 or self._samples[-1][0] <= self._samples[0][0]:
            return 0.0
        (since_s, before), (now_s, after) = self._samples[0], self._samples[-1]
        return round((after - before) / (now_s - since_s), 1)


def format_utc(at_s: float | None) -> str | None:
    """Write a time as the wire does; None for none."""
    return None if at_s is None else datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _newest(gaps: Sequence[tuple[int, int]], missing: int) -> list[tuple[int, int]]:
    """Return the gaps at the end that have so many events in all."""
    found: list[tuple[int, int]] = []
    for first, last in reversed(gaps):
        if missing <= 0:
            break
        found.insert(0, (first, last))
        missing -= last - first + 1
    return found


def _lag_s(progress: Progress, now_s: float) -> float | None:
    happened_at = read_time(progress.event_time)
    lags = [] if progress.oldest_at is None else [now_s - progress.oldest_at]
    if progress.written_at is not None and happened_at is not None:
        lags.append(progress.written_at - happened_at.timestamp())
    return round(max(0.0, *lags), 3) if lags else None
