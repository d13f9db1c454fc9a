"""Associations: a user tied to whoever has a role with a label, a dealer for one. A tie gives no access to anything."""

from __future__ import annotations

import msgspec

MOST_ASSOCIATIONS = 32
"""Of one user."""


class Association(msgspec.Struct, frozen=True):
    """A tied user, as both sides may see them, and the role and the label (key and value) that they are tied to."""

    user_id: int
    uuid: str
    email: str
    firstname: str
    lastname: str
    role: str
    key: str
    value: str
