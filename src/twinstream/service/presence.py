"""Presence: who talks is Online, who has not talked for a while is Offline.

A device talks with any authenticated request. When it last did is only remembered (no write per poll); what is stored
is that it came and that it went, each with its event. Rules:

* Each coming raises the device's epoch; a going carries the epoch that it ends. So a late Offline never overwrites a
  newer Online, whichever process either comes from.
* After a start every device that is stored as Online has a full time-out before it is called Offline.
* Only devices that somebody owns make events.

Invariant: every device that this process knows to be Online has exactly one entry in the heap of deadlines.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Sequence

import structlog

from twinstream.errors import RequestError
from twinstream.model.device import Audience, ConnectionStatus
from twinstream.ports.clock import Clock
from twinstream.ports.device import PresenceMark
from twinstream.ports.work import Store, UnitOfWork
from twinstream.service.event import make_connectivity_event

LEAVE_LIMIT = 500
"""Most devices that one tick calls Offline: the rest follow with the next ticks."""

RETRY_S = 5.0
"""When to try again to store what could not be stored."""

_log = structlog.get_logger(__name__)


class PresenceService:
    """See the module. One per process; call on the event loop, and `tick` about once a second."""

    def __init__(self, store: Store, clock: Clock, *, timeout_s: float) -> None:
        self._store = store
        self._clock = clock
        self._timeout_s = timeout_s
        self._talked: dict[int, float] = {}
        self._epochs: dict[int, int] = {}
        self._deadlines: list[tuple[float, int]] = []
        self._arrivals: dict[int, asyncio.Task[None]] = {}

    @property
    def online(self) -> int:
        """How many devices are Online, as far as this process knows."""
        return len(self._epochs)

    async def start(self) -> None:
        """Learn from the store who was Online. Before the first request is served."""
        deadline = self._clock.monotonic_s() + self._timeout_s
        for mark in await self._store.query(lambda view: view.devices.list_present()):
            self._epochs[mark.key] = mark.epoch
            heapq.heappush(self._deadlines, (deadline, mark.key))

    async def close(self) -> None:
        """Wait for what is under way."""
        await asyncio.gather(*self._arrivals.values())

    async def touch(self, key: int) -> None:
        """Note that the device talks; if it was Offline, answer when its Online is stored (or could not be)."""
        self._talked[key] = self._clock.monotonic_s()
        if key in self._epochs:
            return
        arrival = self._arrivals.get(key)
        if arrival is None:
            arrival = self._arrivals[key] = asyncio.create_task(self._arrive(key))
        await asyncio.shield(arrival)  # Why: if the caller goes away, what is stored must still be remembered

    def last_talk_s(self, key: int) -> float | None:
        """Answer when the device last talked, in seconds since 1970; None: not since the start of this process."""
        talked = self._talked.get(key)
        return None if talked is None else self._clock.now_s() - (self._clock.monotonic_s() - talked)

    async def tick(self) -> None:
        """Call Offline who has not talked for the time-out."""
        now = self._clock.monotonic_s()
        silent: list[PresenceMark] = []
        while self._deadlines and self._deadlines[0][0] <= now and len(silent) < LEAVE_LIMIT:
            _, key = heapq.heappop(self._deadlines)
            if self._is_fresh(key, now):
                heapq.heappush(self._deadlines, (self._talked[key] + self._timeout_s, key))
            else:
                silent.append(PresenceMark(key, self._epochs.pop(key)))
        if not silent:
            return
        try:
            await self._store.run(lambda work: self._leave(work, silent))
        except RequestError as error:
            _log.warning("going offline could not be stored", devices=len(silent), reason=error.code)
            for mark in silent:
                if mark.key not in self._epochs:  # else it came again meanwhile
                    self._remember(mark, now + RETRY_S)

    async def _arrive(self, key: int) -> None:
        try:
            mark: PresenceMark | None = await self._store.run(lambda work: _store_arrival(work, key))
            if mark is not None:
                self._remember(mark, self._talked[key] + self._timeout_s)
        except RequestError as error:  # the device's next request tries again
            _log.warning("coming online could not be stored", device=key, reason=error.code)
        finally:
            del self._arrivals[key]

    def _remember(self, mark: PresenceMark, deadline: float) -> None:
        if mark.key not in self._epochs:  # the entry of one that is known already looks again when its time has come
            heapq.heappush(self._deadlines, (deadline, mark.key))
        self._epochs[mark.key] = mark.epoch

    def _is_fresh(self, key: int, now: float) -> bool:
        talked = self._talked.get(key)
        return talked is not None and talked + self._timeout_s > now

    def _leave(self, work: UnitOfWork, silent: Sequence[PresenceMark]) -> None:
        """Store goings. On the writer's thread; who has talked meanwhile stays, since its `touch` found it gone."""
        now = self._clock.monotonic_s()
        gone = work.devices.leave([mark for mark in silent if not self._is_fresh(mark.key, now)])
        tell_connectivity(work, gone, ConnectionStatus.OFFLINE)


def _store_arrival(work: UnitOfWork, key: int) -> PresenceMark | None:
    arrived = work.devices.arrive(key)
    if arrived is None:
        return None
    mark, was_offline = arrived
    if was_offline:
        tell_connectivity(work, [key], ConnectionStatus.ONLINE)
    return mark


def tell_connectivity(work: UnitOfWork, keys: Sequence[int], status: ConnectionStatus) -> None:
    """Tell that devices came or went, which is stored already; and remember it."""
    work.connections.add(keys, status)
    audiences = work.devices.find_audiences(keys)
    for device in work.devices.find_many(keys):
        audience = audiences.get(device.key, Audience(None, {}))
        if audience.owner is not None:
            work.log.append(make_connectivity_event(device, audience, status, work.now_s))
