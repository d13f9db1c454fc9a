"""Faults between sessions and sockets: the I/O around `stream.fault`, and which subscriptions have any.

Owns the outlets that stand between while faults are allowed. Knows no route. What is set lives in memory: a restart of
the server ends it. Without `--allow-faults` nothing of this exists, and sessions send to their sockets directly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from math import inf

import msgspec
import structlog

from twinstream.errors import CLOSE_CODES, Disconnect
from twinstream.model.fault import FaultCounts, Faults
from twinstream.ports.clock import Clock
from twinstream.ports.log import PageRequest
from twinstream.service.fault import FaultStatus
from twinstream.stream.fault import FaultLine
from twinstream.stream.session import Session
from twinstream.stream.state import State
from twinstream.web.shell import Shell, SocketOutlet

HIGH_WATER_BYTES = 256 * 1024
"""So much may be held back of one socket; then its session is full, as if the peer did not read."""

LOW_WATER_BYTES = 32 * 1024

_NONE = msgspec.structs.asdict(Faults())
_log = structlog.get_logger(__name__)


def _flat(faults: Faults) -> dict[str, object]:
    """Name what is set, for the log."""
    fields = {name: value for name, value in msgspec.structs.asdict(faults).items() if value != _NONE[name]}
    close = fields.pop("close", None)
    least_most = fields.pop("delay_ms", None)
    return {
        **fields,
        **({"delay_ms": "{} to {}".format(*least_most)} if least_most else {}),
        **({f"close_{name}": value for name, value in msgspec.structs.asdict(close).items()} if close else {}),
    }


class _Set:
    """The faults of one subscription, and what they have done."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.counts = FaultCounts()


class FaultBoard:
    """Which subscriptions have faults. Implements `service.fault.FaultBoard` and `web.shell.Interposer`."""

    def __init__(self, shell: Shell, clock: Clock) -> None:
        self.shell = shell
        self.clock = clock
        self._sets: dict[int, _Set] = {}
        self._outlets: dict[int, list[FaultyOutlet]] = {}
        self._past: Counter[str] = Counter()
        shell.interposer = self
        _log.info("faults can be set")

    @property
    def active(self) -> int:
        """How many subscriptions have faults."""
        return len(self._sets)

    def totals(self) -> Mapping[str, int]:
        """Count what was done since the process started, by kind."""
        totals = Counter(dict.fromkeys(FaultCounts.__struct_fields__, 0))
        totals.update(self._past)
        for present in self._sets.values():
            totals.update(msgspec.structs.asdict(present.counts))
        del totals["connections"]
        return totals

    def set(self, subscription_id: int, faults: Faults) -> None:
        """See `service.fault.FaultBoard`."""
        self._retire(subscription_id)
        present = self._sets[subscription_id] = _Set(faults)
        for outlet in self._living(subscription_id):
            outlet.begin(self._make_line(present))
        self.shell.flush()
        _log.warning("faults set", subscription_id=subscription_id, **_flat(faults))

    def clear(self, subscription_id: int) -> bool:
        """See `service.fault.FaultBoard`."""
        if subscription_id not in self._sets:
            return False
        self._retire(subscription_id)
        for outlet in self._living(subscription_id):
            outlet.begin(None)
        self.shell.flush()
        _log.warning("faults cleared", subscription_id=subscription_id)
        return True

    def show(self, subscription_id: int) -> FaultStatus:
        """See `service.fault.FaultBoard`."""
        present = self._sets.get(subscription_id)
        if present is None:
            return FaultStatus(subscription_id, None, FaultCounts())
        return FaultStatus(subscription_id, present.faults, msgspec.structs.replace(present.counts))

    def list_all(self) -> list[FaultStatus]:
        """See `service.fault.FaultBoard`."""
        return [self.show(subscription_id) for subscription_id in sorted(self._sets)]

    def wrap(self, subscription_id: int, outlet: SocketOutlet) -> FaultyOutlet:
        """See `web.shell.Interposer`."""
        between = FaultyOutlet(outlet, self)
        present = self._sets.get(subscription_id)
        if present is not None:
            between.line = self._make_line(present)
            self.shell.call(between, between.line.due_s())
        self._outlets[subscription_id] = [*self._living(subscription_id), between]
        return between

    def _make_line(self, present: _Set) -> FaultLine:
        present.counts.connections += 1
        return FaultLine(present.faults, present.counts.connections, present.counts, self.clock.monotonic_s())

    def _retire(self, subscription_id: int) -> None:
        former = self._sets.pop(subscription_id, None)
        if former is not None:
            self._past.update(msgspec.structs.asdict(former.counts))

    def _living(self, subscription_id: int) -> list[FaultyOutlet]:
        """Answer the outlets whose session is open, in the order of their opening, and let the others go."""
        living: list[FaultyOutlet] = []
        for outlet in self._outlets.pop(subscription_id, ()):
            if outlet.session.state is State.CLOSED:
                self.shell.call(outlet, inf)
            else:
                living.append(outlet)
        if living:
            self._outlets[subscription_id] = living
        return living


class FaultyOutlet:
    """Implements `web.shell.Between` and `stream.agenda.Timed`. Without a ``line`` it only hands on."""

    __slots__ = ("_board", "_inner", "_is_full", "due_s", "line", "session")

    session: Session
    line: FaultLine | None

    def __init__(self, inner: SocketOutlet, board: FaultBoard) -> None:
        self._inner = inner
        self._board = board
        self._is_full = False
        self.line = None
        self.due_s = inf

    def begin(self, line: FaultLine | None) -> None:
        """Send what is held, and let other faults hold from now on, or none."""
        former, self.line = self.line, None
        if former is not None:
            for message in former.empty(self._board.clock.monotonic_s()):
                self._inner.send(message)
        self.line = line
        self._board.shell.call(self, self._board.clock.monotonic_s())  # Why: the new line may have a time to keep

    def send(self, message: bytes) -> None:
        """See `Outlet`."""
        line = self.line
        if line is None:
            self._inner.send(message)
            return
        now_s = self._board.clock.monotonic_s()
        line.take(message, now_s)
        if line.first_dropped is not None:
            self.session.acknowledges_below = min(self.session.acknowledges_below, line.first_dropped)
        self._release(line, now_s)
        if not self._is_closed():
            if line.held_bytes > HIGH_WATER_BYTES and not self._is_full:
                self._is_full = True
                self.session.on_full(now_s)
            self._board.shell.call(self, now_s if self._is_full and self._is_low(line) else line.due_s())

    def ping(self) -> None:
        """See `Outlet`."""
        if self.line is None or not self.line.mutes_ping():
            self._inner.ping()

    def read(self, request: PageRequest) -> None:
        """See `Outlet`."""
        self._inner.read(request)

    def backlog_bytes(self) -> int:
        """See `Outlet`."""
        return self._inner.backlog_bytes() + (self.line.held_bytes if self.line is not None else 0)

    def close(self, disconnect: Disconnect) -> None:
        """See `Outlet`; what is held goes first."""
        line, self.line = self.line, None
        if line is not None:
            for message in line.empty(self._board.clock.monotonic_s()):
                self._inner.send(message)
        self._inner.close(disconnect)

    def on_time(self, now_s: float) -> float:
        """See `Timed`: send what is due, and read on if little is held."""
        if self._is_closed():
            return inf
        if self.line is not None:
            self._release(self.line, now_s)
        if self._is_full and self._is_low(self.line):
            self._is_full = False
            self.session.on_drained()
        return inf if self.line is None or self._is_closed() else self.line.due_s()

    def _release(self, line: FaultLine, now_s: float) -> None:
        for message in line.release(now_s):
            self._inner.send(message)
        if line.closes(now_s) and not self._is_closed():
            line.count_close()
            self._close(line.faults.close.code if line.faults.close else None)

    def _close(self, code: int | None) -> None:
        """End the connection; what is held is lost, as it would be."""
        self.line = None
        self.session.on_closed(1006 if code is None else code)
        if code is None:
            self._inner.hang_up()
        else:
            self._inner.close(Disconnect(code, f"{CLOSE_CODES[code].meaning} (fault)"))

    def _is_closed(self) -> bool:
        return self.session.state is State.CLOSED

    def _is_low(self, line: FaultLine | None) -> bool:
        """Tell whether the session may read on; if the socket itself is full, that says so when it has drained."""
        held_bytes = line.held_bytes if line is not None else 0
        return held_bytes < LOW_WATER_BYTES and self._inner.backlog_bytes() < LOW_WATER_BYTES
