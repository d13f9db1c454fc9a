"""The bodies that ask for a device, give one away, or open a window for nodes."""

from __future__ import annotations

import msgspec

from twinstream.errors import RequestError
from twinstream.model.check import check_text, invalid, must
from twinstream.model.device import RegistrationType
from twinstream.model.registration import JOIN_WINDOW_S, Claim
from twinstream.wire.body import read_body


class RegistrationFields(msgspec.Struct, frozen=True):
    """What the user shows; what is needed depends on the device's registration type."""

    dsn: str | None = None
    regtoken: str | None = None
    setup_token: str | None = None


class RegistrationRequest(msgspec.Struct, frozen=True):
    """``{"device": {"dsn": "...", ...}}``."""

    device: RegistrationFields


class TransferFields(msgspec.Struct, frozen=True):
    """To whom a device goes."""

    email: str


class TransferRequest(msgspec.Struct, frozen=True):
    """``{"device": {"email": "..."}}``; our own design, for the service's is not known."""

    device: TransferFields


class WindowRequest(msgspec.Struct, frozen=True):
    """``{"duration": "200"}``: seconds, as text or number."""

    duration: str | int | None = None


def read_claim(body: object, ip: str | None) -> Claim:
    """Read what a user shows from the address ``ip``; empty texts are none.

    Raises RequestError ``invalid``, also if neither ``dsn`` nor ``regtoken`` names a device.
    """
    fields = read_body(body, RegistrationRequest).device
    if not (fields.dsn or fields.regtoken):
        raise invalid("dsn", "is missing")
    return Claim(fields.dsn or None, fields.regtoken or None, fields.setup_token or None, ip)


def read_transfer(body: object) -> str:
    """Read to whom a device goes. Raises RequestError ``invalid``."""
    return check_text(read_body(body, TransferRequest).device.email, field="email", shortest=1)


def read_duration(body: object) -> int:
    """Read how long a window is to be open, in seconds; 200 if it is not said. Raises RequestError ``invalid``."""
    return parse_duration(read_body(body, WindowRequest).duration)


def parse_duration(duration: str | int | None) -> int:
    """Read seconds out of a body or a query. Raises RequestError ``invalid``, naming ``duration``."""
    if duration is None or duration == "":
        return JOIN_WINDOW_S
    text = str(duration)
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise must("duration", "be a number of seconds")
    return int(text)


def read_type(text: str | None) -> RegistrationType:
    """Read ``regtype`` of a query, Same-LAN if it is absent. Raises RequestError ``bad_query``."""
    try:
        return RegistrationType(text or RegistrationType.SAME_LAN)
    except ValueError:
        raise RequestError("bad_query", "regtype is no registration type.", field="regtype") from None
