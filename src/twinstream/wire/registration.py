"""The body that asks for a device."""

from __future__ import annotations

import msgspec

from twinstream.model.registration import Claim
from twinstream.wire.body import read_body


class RegistrationFields(msgspec.Struct, frozen=True):
    """What the user shows; what is needed depends on the device's registration type (ayla-facts 3.3)."""

    dsn: str | None = None
    regtoken: str | None = None
    setup_token: str | None = None


class RegistrationRequest(msgspec.Struct, frozen=True):
    """``{"device": {"dsn": "...", ...}}``."""

    device: RegistrationFields


def read_claim(body: object, ip: str | None) -> Claim:
    """Read what a user shows from the address ``ip``; empty texts are none. Raises RequestError ``invalid``."""
    fields = read_body(body, RegistrationRequest).device
    return Claim(fields.dsn or None, fields.regtoken or None, fields.setup_token or None, ip)
