"""Where devices are: changing the place of a twin, and telling it.

Invariant: a place that is the same to six decimals is no change, and makes no event.
"""

from __future__ import annotations

from twinstream.errors import RequestError
from twinstream.model.device import Device, DeviceRef, check_grant
from twinstream.model.location import Place, Provider
from twinstream.model.principal import User
from twinstream.ports.work import Store, UnitOfWork
from twinstream.service.event import make_location_event


class LocationService:
    """Use cases of users who say where a device is."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def move(self, user: User, ref: DeviceRef, place: Place) -> None:
        """Put a device in a place.

        Raises:
            RequestError: ``not_found``; ``forbidden`` for the holder of a share for reading.
        """

        def store(work: UnitOfWork) -> None:
            sight = work.devices.find_visible(user, ref)
            if sight is None:
                raise RequestError("not_found")
            check_grant(sight.grant)
            move_device(work, sight.device, place, Provider.USER_BASED)

        await self._store.run(store)


def move_device(work: UnitOfWork, device: Device, place: Place, provider: Provider) -> None:
    """Store a device's place and tell it, if it is another one. ``device`` is as this transaction sees it."""
    if (device.lat, device.lng) == (place.lat, place.lng):
        return
    work.devices.change(device.key, lat=place.lat, lng=place.lng)
    audience = work.devices.find_audiences([device.key])[device.key]
    work.log.append(make_location_event(device, audience, place, provider, work.now_s))
