"""Applications: the app_id and app_secret that a client program signs users in with.

An application says which OEM a user who signs in belongs to. Its secret is known to its maker alone.
"""

from __future__ import annotations

import msgspec


class ApplicationKey(msgspec.Struct, frozen=True):
    """What a client program shows at sign-in."""

    app_id: str
    app_secret: str


class Application(msgspec.Struct, frozen=True):
    """An application of an OEM; ``created_at`` in seconds since 1970. The secret is kept as a hash elsewhere."""

    app_id: str
    oem: str
    name: str
    created_at: float
