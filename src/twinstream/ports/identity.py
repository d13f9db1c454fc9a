"""Identity providers of OEMs: who a token belongs to."""

from __future__ import annotations

from typing import Protocol

import msgspec

from twinstream.wire.sso import Identity


class IdentityProvider(msgspec.Struct, frozen=True):
    """Where an application's users are known: the OEM, the URL that validates tokens, and the secret, sealed."""

    oem: str
    url: str
    secret_sealed: str


class IdentityProviders(Protocol):
    """Asks identity providers."""

    async def validate(self, url: str, token: str, app_id: str, app_secret: str) -> Identity | None:
        """Ask whose token this is; None if the provider says that it is nobody's. Takes up to 15 s.

        Raises RequestError ``identity_provider_failed`` if there is no answer that can be read.
        """
