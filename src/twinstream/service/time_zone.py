"""Time zones of devices: who sees a device reads its zone, who may steer it sets it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from twinstream.model.check import must
from twinstream.model.device import Device, DeviceRef
from twinstream.model.principal import User
from twinstream.model.time_zone import DEFAULT, TimeZone
from twinstream.ports.clock import Clock
from twinstream.ports.work import Store, UnitOfWork, View
from twinstream.service.sight import require_sight, require_steering

_SEASONS_DAYS = 183
"""Half a year on it is summer where it is winter now."""


class TimeZoneService:
    """Use cases of users."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def find(self, user: User, ref: DeviceRef) -> TimeZone:
        """Answer a device's zone. Raises RequestError ``not_found``."""

        def read(view: View) -> Device:
            return require_sight(view, user, ref).device

        device = await self._store.query(read)
        return self._describe(device, device.time_zone)

    async def change(self, user: User, ref: DeviceRef, tz_id: str) -> TimeZone:
        """Set a device's zone.

        Raises:
            RequestError: ``invalid`` for a name that the tz database does not have; ``not_found``; ``forbidden`` for
                the holder of a share for reading.
        """
        if tz_id not in _list_names():
            raise must("tz_id", "be a name of the tz database, like Europe/Berlin")

        def store(work: UnitOfWork) -> Device:
            device = require_steering(work, user, ref)
            work.devices.change(device.key, time_zone=tz_id)
            return device

        return self._describe(await self._store.run(store), tz_id)

    def _describe(self, device: Device, tz_id: str | None) -> TimeZone:
        zone = ZoneInfo(tz_id or DEFAULT)
        now = datetime.fromtimestamp(self._clock.now_s(), UTC)
        later = now + timedelta(days=_SEASONS_DAYS)
        summer, other = (moment.astimezone(zone).dst() or timedelta(0) for moment in (now, later))
        offset = now.astimezone(zone).utcoffset() or timedelta(0)
        return TimeZone(
            device.key if tz_id else None,
            tz_id or DEFAULT,
            int(offset.total_seconds()),
            dst=bool(summer or other),
            dst_active=bool(summer),
        )


@lru_cache(maxsize=1)
def _list_names() -> frozenset[str]:
    """Why cached: it goes through some thousand files."""
    return frozenset(available_timezones())
