"""Metadata of devices: whoever sees a device reads it, whoever may steer it writes it.

Invariant: a device's metadata ends with its owner's ownership (`service.registration`).
"""

from __future__ import annotations

from collections.abc import Sequence

from twinstream.errors import RequestError
from twinstream.model.check import invalid
from twinstream.model.datum import MOST, Datum, check_datum, pick
from twinstream.model.device import DeviceRef
from twinstream.model.principal import User
from twinstream.ports.work import Store, UnitOfWork, View
from twinstream.service.sight import require_sight, require_steering


class DatumService:
    """Use cases of users."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def list_of_device(self, user: User, ref: DeviceRef, patterns: Sequence[str]) -> list[Datum]:
        """List a device's data by key, those that a pattern names (`model.datum.pick`). Raises ``not_found``."""

        def read(view: View) -> Sequence[Datum]:
            return view.device_data.list_all(require_sight(view, user, ref).device.key)

        return pick(await self._store.query(read), patterns)

    async def find(self, user: User, ref: DeviceRef, key: str) -> Datum:
        """Find one. Raises RequestError ``not_found``."""

        def read(view: View) -> Datum:
            return _require(view, require_sight(view, user, ref).device.key, key)

        return await self._store.query(read)

    async def create(self, user: User, ref: DeviceRef, key: str, value: str) -> Datum:
        """Store a value under a new key.

        Raises:
            RequestError: ``invalid``, also for the 257th; ``conflict`` if the key is there; ``not_found``,
                ``forbidden`` for the holder of a share for reading.
        """
        check_datum(key, value)

        def store(work: UnitOfWork) -> Datum:
            device_key = require_steering(work, user, ref).key
            present = work.device_data.list_all(device_key)
            if any(datum.key == key for datum in present):
                raise RequestError("conflict", "There is a datum with this key already.", field="key")
            if len(present) >= MOST:
                raise invalid("key", f"is one too many: a device has at most {MOST}")
            work.device_data.put(device_key, key, value)
            return _require(work, device_key, key)

        return await self._store.run(store)

    async def update(self, user: User, ref: DeviceRef, key: str, value: str) -> Datum:
        """Store another value under a key.

        Raises:
            RequestError: ``invalid``; ``not_found``; ``forbidden`` for the holder of a share for reading.
        """
        check_datum(key, value)

        def store(work: UnitOfWork) -> Datum:
            device_key = require_steering(work, user, ref).key
            _require(work, device_key, key)
            work.device_data.put(device_key, key, value)
            return _require(work, device_key, key)

        return await self._store.run(store)

    async def delete(self, user: User, ref: DeviceRef, key: str) -> None:
        """Delete one. Raises RequestError ``not_found``; ``forbidden`` for the holder of a share for reading."""

        def store(work: UnitOfWork) -> None:
            device_key = require_steering(work, user, ref).key
            _require(work, device_key, key)
            work.device_data.remove(device_key, key)

        await self._store.run(store)


def _require(view: View, device_key: int, key: str) -> Datum:
    found = view.device_data.find(device_key, key)
    if found is None:
        raise RequestError("not_found")
    return found
