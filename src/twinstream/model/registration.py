"""Registration: what a user must show to become a device's owner.

Owns the methods of ayla-facts 3.3 as one table; knows no storage. Invariant: who may not register a device learns
nothing about it: every refusal is the same ``not_found``.
"""

from __future__ import annotations

import hmac

import msgspec

from twinstream.errors import RequestError
from twinstream.model.device import Device, RegistrationType

WINDOW_S = 3600.0
"""How long a set-up token counts after the device sent it. Source: ayla-facts 3.3, AP-Mode."""


class Claim(msgspec.Struct, frozen=True):
    """What a user shows. ``ip`` is the address that the request came from."""

    dsn: str | None
    regtoken: str | None
    setup_token: str | None
    ip: str | None


class _Method(msgspec.Struct, frozen=True):
    """What a registration type asks for, and whether it may take a device from its owner without their doing."""

    dsn: bool
    regtoken: bool
    setup_token: bool
    same_ip: bool
    transfers: bool


_METHODS: dict[RegistrationType, _Method] = {
    RegistrationType.SAME_LAN: _Method(dsn=True, regtoken=True, setup_token=False, same_ip=True, transfers=False),
    RegistrationType.AP_MODE: _Method(dsn=True, regtoken=False, setup_token=True, same_ip=False, transfers=True),
    RegistrationType.DISPLAY: _Method(dsn=False, regtoken=True, setup_token=False, same_ip=False, transfers=True),
    RegistrationType.DSN: _Method(dsn=True, regtoken=False, setup_token=False, same_ip=False, transfers=False),
}
"""The types that are served; a device of another type can't be registered yet."""


def check_claim(device: Device | None, claim: Claim, user_uuid: str, now_s: float) -> Device:
    """Answer the device if the claim entitles the user to it; None stands for a device that was not found.

    A device that is the user's already needs no token: repeating a registration is harmless.

    Raises:
        RequestError: ``not_found`` otherwise.
    """
    if device is not None and (device.user_uuid == user_uuid or _holds(device, claim, now_s)):
        return device
    raise RequestError("not_found")


def _holds(device: Device, claim: Claim, now_s: float) -> bool:
    method = _METHODS.get(device.registration_type)
    if method is None or (device.user_uuid is not None and not method.transfers):
        return False
    if method.setup_token and (device.setup_token_at is None or now_s - device.setup_token_at > WINDOW_S):
        return False
    return (
        (not method.dsn or claim.dsn == device.dsn)
        and (not method.regtoken or _equal(claim.regtoken, device.regtoken))
        and (not method.setup_token or _equal(claim.setup_token, device.setup_token))
        and (not method.same_ip or (claim.ip is not None and claim.ip == device.ip))
    )


def _equal(shown: str | None, wanted: str | None) -> bool:
    return bool(shown and wanted) and hmac.compare_digest((shown or "").encode(), (wanted or "").encode())
