"""Time zones of devices, by their names in the tz database."""

from __future__ import annotations

import msgspec


class TimeZone(msgspec.Struct, frozen=True):
    """A zone as it is at one moment: ``offset_s`` is what its clocks are ahead of UTC by, ``dst`` of that in summer.

    ``key`` is that of the device; None if nobody has set its zone: it is UTC then.
    """

    key: int | None
    tz_id: str
    offset_s: int
    dst: bool
    dst_active: bool


DEFAULT = "UTC"
