"""Bodies of locations, and places in what devices report."""

from __future__ import annotations

from typing import Any

import msgspec

from twinstream.model.check import must
from twinstream.model.location import Place, check_place
from twinstream.wire.body import read_body


class LocationFields(msgspec.Struct, frozen=True):
    """Latitude and longitude in degrees, as text or number."""

    lat: Any = None
    long: Any = None


class LocationRequest(msgspec.Struct, frozen=True):
    """``{"location": {"lat": "48.86", "long": "2.34"}}``."""

    location: LocationFields


class LocationFieldsReply(msgspec.Struct, frozen=True):
    """A place, as text with six decimals."""

    lat: str
    long: str


class LocationReply(msgspec.Struct, frozen=True):
    """``{"location": {...}}``."""

    location: LocationFieldsReply


def read_location(body: object) -> Place:
    """Read a place. Raises RequestError ``invalid``."""
    fields = read_body(body, LocationRequest).location
    return check_place(fields.lat, fields.long)


def show_location(place: Place) -> LocationReply:
    """Write a place."""
    return LocationReply(LocationFieldsReply(show_degrees(place.lat), show_degrees(place.lng)))


def read_setup_location(text: str) -> Place:
    """Read ``44.7695,-69.4283``, the form in which devices report a place. Raises RequestError ``invalid``."""
    lat, comma, lng = text.partition(",")
    if not comma:
        raise must("setup_location", "be a latitude, a comma and a longitude")
    return check_place(lat, lng)


def show_degrees(degrees: float) -> str:
    """Write degrees as the REST APIs do: text with six decimals, no blank in front."""
    return f"{degrees:.6f}"
