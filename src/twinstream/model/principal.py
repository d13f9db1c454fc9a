"""Who calls: a user, a device, or whoever runs the server.

Owns the three kinds of principal; knows neither credentials nor how one is told from them (that is `service.token` and
the device service). Invariant: a principal is made by authentication alone, never from a request's body, and every
access to stored things takes one, so that the conditions on OEM and owner stand in the query itself.
"""

from __future__ import annotations

import msgspec


class User(msgspec.Struct, frozen=True):
    """A signed-in user: ``id`` and ``uuid`` name the same one; ``oem`` is the tenant, ``role`` e.g. ``OEM::Admin``."""

    id: int
    uuid: str
    oem: str
    email: str
    role: str


class Device(msgspec.Struct, frozen=True):
    """A device that proved its identity. What can change, its owner for one, stands in the store alone."""

    key: int
    dsn: str
    oem: str
    oem_model: str


class Operator(msgspec.Struct, frozen=True):
    """Whoever runs the server: its administrator, and the server's own housekeeping. Stands above OEMs."""


Principal = User | Device | Operator
