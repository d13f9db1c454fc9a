"""What is sent to the sockets of each subscription, counted where it leaves the server.

Owns the counts and the sockets themselves; stands inside of faults, so it sees what a client sees. Written on the
server's event loop, read by any thread: whole values are replaced, and lists only grow.
"""

from __future__ import annotations

from collections import defaultdict

from twinstream.errors import Disconnect
from twinstream.ports.log import PageRequest
from twinstream.stream.fault import split_message
from twinstream.web.fault_board import FaultBoard
from twinstream.web.shell import Between, SocketOutlet
from twinstream.wire.event import HEARTBEAT


class Seen:
    """What one subscription's sockets were sent.

    ``sent`` are numbers of events; ``close_codes`` are the server's, 1006 without a close frame.
    """

    def __init__(self) -> None:
        self.opened = 0
        self.heartbeats = 0
        self.sent: list[int] = []
        self.close_codes: list[int] = []
        self.taps: list[Tap] = []


class Tap:
    """Implements `web.shell.SocketOutlet` around a socket."""

    def __init__(self, inner: SocketOutlet, seen: Seen) -> None:
        self._inner = inner
        self._seen = seen
        self.between: Between

    def send(self, message: bytes) -> None:
        """See `Outlet`."""
        if message == HEARTBEAT:
            self._seen.heartbeats += 1
        else:
            self._seen.sent.extend(seq for seq, _ in split_message(message))
        self._inner.send(message)

    def ping(self) -> None:
        """See `Outlet`."""
        self._inner.ping()

    def read(self, request: PageRequest) -> None:
        """See `Outlet`."""
        self._inner.read(request)

    def backlog_bytes(self) -> int:
        """See `Outlet`."""
        return self._inner.backlog_bytes()

    def close(self, disconnect: Disconnect) -> None:
        """See `Outlet`."""
        self._seen.close_codes.append(disconnect.close_code)
        self._inner.close(disconnect)

    def hang_up(self) -> None:
        """See `SocketOutlet`."""
        self._seen.close_codes.append(1006)
        self._inner.hang_up()

    def accept(self, response: bytes) -> None:
        """See `SocketOutlet`."""
        self._inner.accept(response)

    def is_gone(self) -> bool:
        """See `SocketOutlet`."""
        return self._inner.is_gone()

    def flush(self) -> None:
        """See `SocketOutlet`."""
        self._inner.flush()


class Taps:
    """Implements `web.shell.Interposer`: taps inside of faults. It outlives the server that it is put into."""

    def __init__(self) -> None:
        self.seen: defaultdict[int, Seen] = defaultdict(Seen)
        self._faults: FaultBoard

    def join(self, faults: FaultBoard) -> None:
        """Stand between a server's sockets and its faults from now on."""
        self._faults = faults
        faults.shell.interposer = self

    def wrap(self, subscription_id: int, outlet: SocketOutlet) -> Between:
        """See `Interposer`."""
        seen = self.seen[subscription_id]
        tap = Tap(outlet, seen)
        tap.between = self._faults.wrap(subscription_id, tap)
        seen.opened += 1
        seen.taps = [*(one for one in seen.taps if not one.is_gone()), tap]
        return tap.between
