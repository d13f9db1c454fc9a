"""Metadata. A device's: whoever sees the device reads it, whoever may steer it writes it. A user's: the user alone.

Invariant: a device's metadata ends with its owner's ownership (`service.registration`).
"""

from __future__ import annotations

from collections.abc import Sequence

from twinstream.errors import RequestError
from twinstream.model.check import invalid
from twinstream.model.datum import MOST, Datum, check_datum, pick
from twinstream.model.device import DeviceRef
from twinstream.model.principal import User
from twinstream.ports.datum import Data
from twinstream.ports.work import Store, UnitOfWork, View
from twinstream.service.sight import require_sight, require_steering


class DatumService:
    """Use cases of users. ``ref`` names a device; None stands for the user's own metadata."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def list_all(self, user: User, ref: DeviceRef | None, patterns: Sequence[str]) -> list[Datum]:
        """List data by key, those that a pattern names (`model.datum.pick`). Raises ``not_found``."""

        def read(view: View) -> Sequence[Datum]:
            data, owner = _seen(view, user, ref)
            return data.list_all(owner)

        return pick(await self._store.query(read), patterns)

    async def find(self, user: User, ref: DeviceRef | None, key: str) -> Datum:
        """Find one. Raises RequestError ``not_found``."""

        def read(view: View) -> Datum:
            return _require(*_seen(view, user, ref), key)

        return await self._store.query(read)

    async def create(self, user: User, ref: DeviceRef | None, key: str, value: str) -> Datum:
        """Store a value under a new key.

        Raises:
            RequestError: ``invalid``, also for the 257th; ``conflict`` if the key is there; ``not_found``,
                ``forbidden`` for the holder of a share for reading.
        """
        check_datum(key, value)

        def store(work: UnitOfWork) -> Datum:
            data, owner = _steered(work, user, ref)
            present = data.list_all(owner)
            if any(datum.key == key for datum in present):
                raise RequestError("conflict", "There is a datum with this key already.", field="key")
            if len(present) >= MOST:
                raise invalid("key", f"is one too many: there are at most {MOST}")
            data.put(owner, key, value)
            return _require(data, owner, key)

        return await self._store.run(store)

    async def update(self, user: User, ref: DeviceRef | None, key: str, value: str) -> Datum:
        """Store another value under a key.

        Raises:
            RequestError: ``invalid``; ``not_found``; ``forbidden`` for the holder of a share for reading.
        """
        check_datum(key, value)

        def store(work: UnitOfWork) -> Datum:
            data, owner = _steered(work, user, ref)
            _require(data, owner, key)
            data.put(owner, key, value)
            return _require(data, owner, key)

        return await self._store.run(store)

    async def delete(self, user: User, ref: DeviceRef | None, key: str) -> None:
        """Delete one. Raises RequestError ``not_found``; ``forbidden`` for the holder of a share for reading."""

        def store(work: UnitOfWork) -> None:
            data, owner = _steered(work, user, ref)
            _require(data, owner, key)
            data.remove(owner, key)

        await self._store.run(store)


def _seen(view: View, user: User, ref: DeviceRef | None) -> tuple[Data, int]:
    if ref is None:
        return view.user_data, user.id
    return view.device_data, require_sight(view, user, ref).device.key


def _steered(work: UnitOfWork, user: User, ref: DeviceRef | None) -> tuple[Data, int]:
    if ref is None:
        if work.users.profile(user) is None:  # deleted since the token was looked up
            raise RequestError("unauthorized")
        return work.user_data, user.id
    return work.device_data, require_steering(work, user, ref).key


def _require(data: Data, owner: int, key: str) -> Datum:
    found = data.find(owner, key)
    if found is None:
        raise RequestError("not_found")
    return found
