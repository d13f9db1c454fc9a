"""LAN mode: the secret that an app and its device share, so that they can talk without the server.

What they say to each other there is none of the server's business. Invariants: app and device are told the same key,
whoever asks first; a key is at rest sealed, and ends with its device's owner, whose apps know it
(`service.registration`).
"""

from __future__ import annotations

import msgspec

from twinstream.model.device import DeviceRef
from twinstream.model.principal import Device, User
from twinstream.ports.ids import NewId
from twinstream.ports.lan import SealedLanKey
from twinstream.ports.seal import Sealer
from twinstream.ports.work import Store, UnitOfWork
from twinstream.service.sight import require_steering

_ID_DIGITS = 4
"""Hex digits of a key's id. Apps keep it in 16 bits."""


class LanKey(msgspec.Struct, frozen=True):
    """A key and the number that names it."""

    id: int
    key: str


class LanService:
    """Use cases of apps and devices that want to talk to each other."""

    def __init__(self, store: Store, new_id: NewId, sealer: Sealer) -> None:
        self._store = store
        self._new_id = new_id
        self._sealer = sealer

    async def find(self, user: User, ref: DeviceRef) -> LanKey:
        """Answer a device's key; the first who asks makes it, which enables LAN mode.

        Raises:
            RequestError: ``not_found``; ``forbidden`` for the holder of a share for reading: the key lets them write.
        """
        new = self._make()
        sealed = await self._store.run(lambda work: _find_or_add(work, require_steering(work, user, ref).key, new))
        return self._open(sealed)

    async def find_own(self, device: Device) -> LanKey | None:
        """Answer the device's own key, made if nobody has asked before; None while the device has no owner."""
        new = self._make()

        def find_or_add(work: UnitOfWork) -> SealedLanKey | None:
            found = work.devices.find(device.key)
            return None if found is None or found.user_uuid is None else _find_or_add(work, device.key, new)

        sealed = await self._store.run(find_or_add)
        return None if sealed is None else self._open(sealed)

    def _make(self) -> SealedLanKey:
        return SealedLanKey(int(self._new_id.secret()[:_ID_DIGITS], 16), self._sealer.seal(self._new_id.secret()))

    def _open(self, sealed: SealedLanKey) -> LanKey:
        return LanKey(sealed.id, self._sealer.unseal(sealed.key))


def _find_or_add(work: UnitOfWork, device_key: int, new: SealedLanKey) -> SealedLanKey:
    if work.lan_keys.find(device_key) is None:
        work.lan_keys.add(device_key, new)
    return work.lan_keys.find(device_key) or new
