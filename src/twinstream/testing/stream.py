"""A subscription of a test's cloud: its address for the client under test, and what the server did and knows."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from twinstream.errors import Disconnect
from twinstream.model.fault import FaultCounts
from twinstream.model.principal import Operator
from twinstream.parts import Parts
from twinstream.wire.fault import read_faults

if TYPE_CHECKING:
    from twinstream.testing.clock import TurnedClock
    from twinstream.testing.cloud import Cloud
    from twinstream.testing.twin import User

WAIT_S = 10.0
"""How long a test waits for a client by default, in real time."""


class Stream:
    """See the module. ``url`` has the key in it: ``ws://…/stream?stream_key=…``."""

    def __init__(self, cloud: Cloud, owner: User, subscription_id: int, key: str) -> None:
        self.id = subscription_id
        self.key = key
        self._cloud = cloud
        self._owner = owner
        self._seen = cloud.taps.seen[subscription_id]

    @property
    def url(self) -> str:
        """The address for a client; it stays the same when the server is restarted."""
        return f"{self._cloud.ws_url}/stream?stream_key={self.key}"

    @property
    def clock(self) -> TurnedClock:
        """The server's clock."""
        return self._cloud.clock

    # What the server did

    @property
    def heartbeats(self) -> int:
        """How many heartbeats were sent, to all its sockets together."""
        return self._seen.heartbeats

    @property
    def sent(self) -> list[int]:
        """The numbers of the events that were sent, in the order of sending, to all its sockets together."""
        return list(self._seen.sent)

    @property
    def opened(self) -> int:
        """How many sockets were opened so far."""
        return self._seen.opened

    @property
    def close_codes(self) -> list[int]:
        """How the server closed sockets, in order; 1006 is without a close frame."""
        return list(self._seen.close_codes)

    @property
    def connected(self) -> int:
        """How many sockets are open."""

        async def count(parts: Parts) -> int:
            return len(parts.hub.sessions_of(self.id))

        return self._cloud.server.call(count)

    @property
    def acknowledged(self) -> int:
        """The number up to which clients have acknowledged; 0 at the beginning."""

        async def find(parts: Parts) -> int:
            lately = parts.hub.find_acknowledged(self.id)
            point = await parts.store.log.start_point(self.id, 1)
            stored = 0 if point is None else point.acknowledged.seq
            return max(stored, 0 if lately is None else lately.seq)

        return self._cloud.server.call(find)

    @property
    def last_seq(self) -> int:
        """The number of the newest event."""

        async def count(services: Any) -> int:
            newest: int = (await services["numbering"].count(self.id)).last
            return newest

        return self._cloud.call(count)

    def wait_connected(self, count: int = 1, timeout_s: float = WAIT_S) -> None:
        """Wait, in real time, until so many sockets are open. Raises TimeoutError."""
        self.wait_until(lambda: self.connected == count, timeout_s)

    def wait_acknowledged(self, seq: int, timeout_s: float = WAIT_S) -> None:
        """Wait, in real time, until a client has acknowledged this number. Raises TimeoutError."""
        self.wait_until(lambda: self.acknowledged >= seq, timeout_s)

    def wait_until(self, condition: Callable[[], bool], timeout_s: float = WAIT_S) -> None:
        """Wait, in real time, for something that the server or a client does. Raises TimeoutError."""
        ends_s = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > ends_s:
                raise TimeoutError(
                    f"not within {timeout_s:g} s; stream {self.id}: sockets open {self.connected}, "
                    f"opened in all {self.opened}; events sent {len(self.sent)}, heartbeats sent {self.heartbeats}; "
                    f"closed with {self.close_codes or 'none'}"
                )
            time.sleep(0.002)

    # What a test does to it

    def drop(self, code: int | None = None) -> int:
        """Close all its sockets, with a close code or, None, without a close frame; answer how many there were."""

        async def close(parts: Parts) -> int:
            count = 0
            for tap in self._seen.taps:
                session = tap.between.session
                if session in parts.hub.sessions_of(self.id):
                    count += 1
                    if code is None:
                        session.on_closed()
                        tap.hang_up()
                    else:
                        session.end(Disconnect(code))
            parts.shell.flush()
            return count

        return self._cloud.server.call(close)

    def faults(self, **faults: Any) -> None:
        """Set faults, as `PUT …/faults` takes them: ``stream.faults(profile="bad-proxy", seed=7, drop=0.1)``."""

        async def put(services: Any) -> None:
            await services["faults"].set(self._owner.principal, self.id, read_faults(faults))

        self._cloud.call(put)

    def clear_faults(self) -> None:
        """Set no faults any more."""

        async def clear(services: Any) -> None:
            await services["faults"].clear(self._owner.principal, self.id)

        self._cloud.call(clear)

    @property
    def fault_counts(self) -> dict[str, int]:
        """What the faults have done since they were set: ``dropped``, ``duplicated`` …"""

        async def show(services: Any) -> FaultCounts:
            counts: FaultCounts = (await services["faults"].show(self._owner.principal, self.id)).counts
            return counts

        return msgspec.structs.asdict(self._cloud.call(show))

    def suspend(self) -> None:
        """Suspend the subscription, as the operator does: sockets are closed with 4403, new ones refused with 403."""
        self._set_suspended(True)

    def resume(self) -> None:
        """Let sockets in again."""
        self._set_suspended(False)

    def delete(self) -> None:
        """Delete the subscription: sockets are closed with 4403, new ones refused with 401."""

        async def delete(services: Any) -> None:
            await services["subscriptions"].delete(self._owner.principal, self.id)

        self._cloud.call(delete)

    def _set_suspended(self, suspended: bool) -> None:
        async def change(services: Any) -> None:
            await services["subscriptions"].set_suspended(Operator(), self.id, suspended)

        self._cloud.call(change)
