"""Pages of devices."""

from __future__ import annotations

import msgspec

from twinstream.wire.device import DeviceReply


class DevicePageReply(msgspec.Struct, frozen=True):
    """A page of devices; how its size and place are told is our own design."""

    devices: list[DeviceReply]
    current_page_number: int
    per_page: int
    num_pages: int
    total: int
