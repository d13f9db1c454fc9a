"""Where a device is: latitude and longitude in degrees, and what counts as another place.

Invariant: a place has six decimals, as the documents write it, so two equal places are equal numbers.
"""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec

from twinstream.model.check import must


class Provider(StrEnum):
    """Who told the place, as location events spell it: the device's address on the Internet, or a user."""

    IP_BASED = "ip-based"
    USER_BASED = "user-based"


class Place(msgspec.Struct, frozen=True):
    """Degrees, positive to the north and to the east, with six decimals."""

    lat: float
    lng: float


def check_place(lat: object, lng: object, *, lng_field: str = "long") -> Place:
    """Answer the place that two texts or numbers name. Raises RequestError ``invalid``, naming the field."""
    return Place(_check_degrees(lat, "lat", 90), _check_degrees(lng, lng_field, 180))


def _check_degrees(given: object, field: str, limit: int) -> float:
    if isinstance(given, str) and len(given) <= 32 and _DEGREES.fullmatch(given.strip(" ")) is not None:
        given = float(given)
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not -limit <= given <= limit:
        raise must(field, f"be a number of degrees from -{limit} to {limit}")
    return round(float(given), 6) + 0.0  # turns -0.0 into 0.0


_DEGREES = re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?", re.ASCII)
