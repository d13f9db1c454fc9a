"""Files and messages: their bytes come, are complete, are read, and go.

A datapoint of such a property is opened without a value (`service.creation`). Its bytes are put to a signed address of
`web.content`, in one part or several; when all are there it is closed: it gets its value, where it can be read, and
becomes the property's newest. A message is read as often as anybody likes. A file is read until somebody says that it
was fetched; the device is not given the next one before. What an owner left unread ends with their ownership.

Invariant: the bytes are on the disk before the event that tells of them commits.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import msgspec

from twinstream.errors import RequestError
from twinstream.model.check import invalid, must
from twinstream.model.content import NOT_YET, TOO_LATE, WHOLE, Part, check_size, locate
from twinstream.model.datapoint import Content, Datapoint
from twinstream.model.device import Audience, check_steering
from twinstream.model.principal import Device, User
from twinstream.model.property import Direction
from twinstream.model.value import BaseType
from twinstream.ports.clock import Clock
from twinstream.ports.command import NewValue
from twinstream.ports.content import Blobs
from twinstream.ports.datapoint import AcknowledgedDatapoint, PropertyState
from twinstream.ports.seal import Sealer
from twinstream.ports.work import Store, UnitOfWork
from twinstream.service.command import Deliveries
from twinstream.service.event import make_datapoint_event

SIGNATURE_LIFETIME_S = 3600
"""How long a signed address is good."""

SWEEP_AGE_S = 3600.0
"""Bytes that nobody wants are deleted once they are so old: before, their datapoint may still be on its way."""


class ContentService:
    """Use cases of whoever sends and reads files and messages."""

    def __init__(self, store: Store, clock: Clock, sealer: Sealer, blobs: Blobs, deliveries: Deliveries) -> None:
        self._store = store
        self._clock = clock
        self._sealer = sealer
        self._blobs = blobs
        self._deliveries = deliveries
        self._uploading: set[str] = set()

    def sign(self, method: str, datapoint_id: str) -> tuple[int, str]:
        """Answer until when (seconds since 1970) and with which signature the method may be used on the bytes."""
        expires = int(self._clock.now_s()) + SIGNATURE_LIFETIME_S
        return expires, self._sealer.sign(f"{method} {datapoint_id} {expires}")

    def check_signature(self, method: str, datapoint_id: str, expires: str, signature: str) -> None:
        """Let whoever shows a signature that holds. Raises RequestError ``forbidden``."""
        wanted = self._sealer.sign(f"{method} {datapoint_id} {expires}")
        if not hmac.compare_digest(wanted.encode(), signature.encode()) or int(expires) < self._clock.now_s():
            raise RequestError("forbidden", "The address has expired, or is not signed.")

    async def upload(self, datapoint_id: str, part: Part, chunks: AsyncIterator[bytes]) -> None:
        """Take bytes of an open one; with the last of them it is complete.

        Raises:
            RequestError: ``incomplete`` if it is complete or discarded, ``invalid`` for a part that leaves a gap,
                ``conflict`` while others upload it, ``body_too_large``, ``not_found``, and what ``chunks`` raises.
        """
        with self._alone(datapoint_id):
            found = await self._find(datapoint_id)
            if found.datapoint.closed or _content(found).discarded:
                raise RequestError("incomplete", TOO_LATE)
            at = part.start
            if at > await asyncio.to_thread(self._blobs.size, datapoint_id):
                raise must("Content-Range", "begin where the last part ended")
            async for chunk in chunks:
                check_size(at + len(chunk), is_message=found.state.base_type is BaseType.MESSAGE)
                try:
                    await asyncio.to_thread(self._blobs.append, datapoint_id, at, chunk)
                except ValueError:  # Why: it was discarded meanwhile, and what had come is gone
                    raise RequestError("incomplete", TOO_LATE) from None
                at += len(chunk)
            if part is WHOLE or at == part.total:
                await self._close(datapoint_id)

    async def complete(self, caller: User | Device, datapoint_id: str) -> Datapoint:
        """Say that all bytes have come; one that is complete stays so.

        Raises:
            RequestError: ``not_found``, ``forbidden``; ``conflict`` while somebody uploads it.
        """
        _check(await self._find(datapoint_id), caller)
        with self._alone(datapoint_id):
            return await self._close(datapoint_id)

    async def finish(self, caller: User | Device, datapoint_id: str, *, discard: bool) -> Datapoint:
        """Say that a complete one was fetched, or that one is given up: its bytes go, and the next is delivered.

        Raises:
            RequestError: ``incomplete`` for what is not complete and was not to be discarded; ``not_found``,
                ``forbidden``; ``invalid`` to say of a message that it was fetched.
        """

        def mark(work: UnitOfWork) -> Datapoint:
            found = work.contents.find(datapoint_id)
            if found is None:
                raise RequestError("not_found")
            _check(found, caller)
            if not discard and found.state.base_type is BaseType.MESSAGE:
                raise invalid("fetched", "is for files: messages are read as often as you like")
            if not (found.datapoint.closed or discard):
                raise RequestError("incomplete", NOT_YET)
            work.contents.mark(datapoint_id, fetched=not discard, discarded=discard)
            work.commands.remove_values([(found.state.property_key, datapoint_id)])
            self._deliver(work, found.state)
            marked = work.contents.find(datapoint_id)
            return found.datapoint if marked is None else marked.datapoint

        datapoint = await self._store.run(mark)
        await asyncio.to_thread(self._blobs.remove, datapoint_id)
        return datapoint

    async def read(self, datapoint_id: str) -> tuple[Content, bytes]:
        """Read the bytes of a complete one.

        Raises RequestError ``incomplete``; ``not_found``, also for a file that was fetched or discarded.
        """
        found = await self._find(datapoint_id)
        if not found.datapoint.closed:
            raise RequestError("incomplete", NOT_YET)
        content = await asyncio.to_thread(self._blobs.read, datapoint_id)
        if content is None or _content(found).fetched or _content(found).discarded:
            raise RequestError("not_found")
        return _content(found), content

    async def find_own(self, device: Device, datapoint_id: str) -> Datapoint:
        """Find one of a device's own. Raises RequestError ``not_found``; ``incomplete`` while it is open."""
        found = await self._find(datapoint_id)
        _check(found, device)
        if not found.datapoint.closed:
            raise RequestError("incomplete", NOT_YET)
        return found.datapoint

    async def require_own(self, device: Device, of: str, datapoint_id: str) -> None:
        """Refuse a device what is not its own, ``of`` a property by key or name. Raises RequestError ``not_found``."""
        found = await self._find(datapoint_id)
        _check(found, device)
        if of not in (str(found.state.property_key), found.state.name):
            raise RequestError("not_found")

    async def sweep(self) -> None:
        """Delete bytes that belong to no datapoint, or to one that was fetched or discarded."""
        old = await asyncio.to_thread(self._blobs.list_older, SWEEP_AGE_S)
        if not old:
            return
        kept = set(await self._store.query(lambda view: view.contents.list_kept(old)))
        for datapoint_id in old:
            if datapoint_id not in kept:
                await asyncio.to_thread(self._blobs.remove, datapoint_id)

    @contextmanager
    def _alone(self, datapoint_id: str) -> Iterator[None]:
        """Let one at a time change the bytes. Raises RequestError ``conflict``."""
        if datapoint_id in self._uploading:
            raise RequestError("conflict", "Another request uploads it.")
        self._uploading.add(datapoint_id)
        try:
            yield
        finally:
            self._uploading.discard(datapoint_id)

    async def _find(self, datapoint_id: str) -> AcknowledgedDatapoint:
        found: AcknowledgedDatapoint | None = await self._store.query(lambda view: view.contents.find(datapoint_id))
        if found is None:
            raise RequestError("not_found")
        return found

    async def _close(self, datapoint_id: str) -> Datapoint:
        await asyncio.to_thread(self._blobs.finish, datapoint_id)

        def close(work: UnitOfWork) -> Datapoint:
            found = work.contents.find(datapoint_id)
            if found is None:
                raise RequestError("not_found")
            if found.datapoint.closed:
                return found.datapoint
            if _content(found).discarded:
                raise RequestError("incomplete", TOO_LATE)
            state, value = found.state, locate(found.state.property_key, datapoint_id)
            work.contents.close(state.property_key, datapoint_id, value)
            closed = msgspec.structs.replace(found.datapoint, closed=True, value=value, updated_at=work.now_s)
            work.log.append(make_datapoint_event(state, closed))
            self._deliver(work, state, closed)
            return closed

        return await self._store.run(close)

    def _deliver(self, work: UnitOfWork, state: PropertyState, closed: Datapoint | None = None) -> None:
        """Let what is next wait for the device: of files the oldest that nobody has fetched, of messages the newest."""
        if state.direction is not Direction.INPUT:
            return
        due = closed if state.base_type is BaseType.MESSAGE else work.contents.find_next(state.property_key)
        if due is None or (closed is not None and due.id != closed.id):
            return
        work.commands.add_values([NewValue(state.property_key, state.device_key, due.id, due.value)])
        self._deliveries.expect(state.device_key)
        if state.gateway_key is not None:
            self._deliveries.expect(state.gateway_key)


def _check(found: AcknowledgedDatapoint, caller: User | Device) -> None:
    state = found.state
    if isinstance(caller, Device):
        if caller.key not in (state.device_key, state.gateway_key):
            raise RequestError("not_found")
        return
    if state.oem != caller.oem or caller.uuid in state.hidden_from:
        raise RequestError("not_found")
    check_steering(Audience(state.owner, state.holders), caller.uuid)


def _content(found: AcknowledgedDatapoint) -> Content:
    return found.datapoint.content or Content(found.state.property_key, None)
