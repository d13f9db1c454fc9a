"""Postal addresses of devices: the owner's business alone, for they tell where somebody lives."""

from __future__ import annotations

import msgspec

from twinstream.model.device import Device, DeviceRef
from twinstream.model.postal import PostalAddress
from twinstream.model.principal import User
from twinstream.ports.work import Store, UnitOfWork, View
from twinstream.service.sight import require_ownership


class PostalService:
    """Use cases of owners."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def find(self, user: User, ref: DeviceRef) -> PostalAddress:
        """Answer where a device is. Raises RequestError ``not_found``; ``forbidden`` for the holder of a share."""

        def read(view: View) -> Device:
            return require_ownership(view, user, ref)

        device = await self._store.query(read)
        return PostalAddress(device.street, device.city, device.state, device.country, device.zip)

    async def change(self, user: User, ref: DeviceRef, address: PostalAddress) -> PostalAddress:
        """Say where a device is, whole. Raises RequestError ``not_found``; ``forbidden`` for the holder of a share."""

        def store(work: UnitOfWork) -> PostalAddress:
            work.devices.change(require_ownership(work, user, ref).key, **msgspec.structs.asdict(address))
            return address

        return await self._store.run(store)
