"""Postal addresses of devices."""

from __future__ import annotations

import msgspec


class PostalAddress(msgspec.Struct, frozen=True):
    """Where a device is, in words; None for what was not said."""

    street: str | None
    city: str | None
    state: str | None
    country: str | None
    zip: str | None
