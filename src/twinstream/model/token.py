"""What a signed-in client holds."""

from __future__ import annotations

import msgspec


class TokenTrio(msgspec.Struct, frozen=True):
    """What sign-in and refresh answer; ``expires_in_s`` is the life of the access token, from now on."""

    access_token: str
    refresh_token: str
    expires_in_s: int
    role: str
