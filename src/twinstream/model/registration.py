"""Registration: what a user must show to become a device's owner.

Owns the methods of ayla-facts 3.3 as one table; knows no storage. Invariant: who may not register a device learns
nothing about it: every refusal is the same ``not_found``.
"""

from __future__ import annotations

import hmac
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import msgspec

from twinstream.errors import RequestError
from twinstream.model.device import Device, RegistrationType

WINDOW_S = 3600.0
"""How long a registration token or a set-up token counts after the device was given it. Source: ayla-facts 3.3."""

BUTTON_WINDOW_S = 120.0
"""How long a device can be registered after its button was pushed. Source: ayla-facts 3.3."""

JOIN_WINDOW_S = 200
"""How long the nodes of a gateway can be registered if nothing else is asked for. Source: ayla-facts 3.1, D16."""

LONGEST_JOIN_WINDOW_S = 255
"""The longest that can be asked for. Source: ayla-facts 3.1, D16."""


class Claim(msgspec.Struct, frozen=True):
    """What a user shows. ``ip`` is the address that the request came from."""

    dsn: str | None
    regtoken: str | None
    setup_token: str | None
    ip: str | None


class _Method(msgspec.Struct, frozen=True, kw_only=True):
    """What a registration type asks for, and whether it may take a device from its owner without their doing.

    ``window`` is the time that begins it (an attribute of `Device`), and how long it is in seconds.
    """

    dsn: bool = True
    regtoken: bool = False
    setup_token: bool = False
    same_network: bool = False
    gateway: bool = False
    transfers: bool = False
    window: tuple[str, float] | None = None


_METHODS: dict[RegistrationType, _Method] = {
    RegistrationType.SAME_LAN: _Method(regtoken=True, same_network=True, window=("regtoken_at", WINDOW_S)),
    RegistrationType.BUTTON_PUSH: _Method(same_network=True, transfers=True, window=("button_at", BUTTON_WINDOW_S)),
    RegistrationType.AP_MODE: _Method(setup_token=True, transfers=True, window=("setup_token_at", WINDOW_S)),
    RegistrationType.DISPLAY: _Method(dsn=False, regtoken=True, transfers=True),
    RegistrationType.DSN: _Method(),
    RegistrationType.NODE: _Method(gateway=True),
}


def check_claim(device: Device | None, gateway: Device | None, claim: Claim, user_uuid: str, now_s: float) -> Device:
    """Answer the device if the claim entitles the user to it; None stands for a device that was not found.

    A device that is the user's already needs no token: repeating a registration is harmless. ``gateway`` is the one
    that a node is behind.

    Raises:
        RequestError: ``not_found`` otherwise.
    """
    if device is not None and (device.user_uuid == user_uuid or _holds(device, gateway, claim, user_uuid, now_s)):
        return device
    raise RequestError("not_found")


def is_open(gateway: Device | None, user_uuid: str, now_s: float) -> bool:
    """Tell whether the user can register nodes of this gateway now: it is theirs, and its join window is open."""
    return gateway is not None and gateway.user_uuid == user_uuid and (gateway.join_ends_at or 0.0) > now_s


def find_network(ip: str | None) -> str | None:
    """Name the network that an address is in, so that two addresses in one home have the same name.

    A public IPv4 address names a network by itself, for a home has one. An IPv6 address does by its first 64 bits.
    Private addresses are all in one: that of the server, as it would see no others.
    """
    try:
        address = ip_address((ip or "").partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return _name_network(mapped or address)


def _name_network(address: IPv4Address | IPv6Address) -> str:
    if any(address in network for network in _PRIVATE):
        return "private"
    return str(address) if isinstance(address, IPv4Address) else str(ip_network((address, 64), strict=False))


def _holds(device: Device, gateway: Device | None, claim: Claim, user_uuid: str, now_s: float) -> bool:
    method = _METHODS[device.registration_type]
    if device.user_uuid is not None and not method.transfers:
        return False
    if method.window is not None:
        name, length_s = method.window
        began_at: float | None = getattr(device, name)
        if began_at is None or now_s - began_at > length_s:
            return False
    network = find_network(claim.ip)
    return (
        (not method.dsn or claim.dsn == device.dsn)
        and (not method.regtoken or _equal(claim.regtoken, device.regtoken))
        and (not method.setup_token or _equal(claim.setup_token, device.setup_token))
        and (not method.same_network or (network is not None and network == device.network))
        and (not method.gateway or is_open(gateway, user_uuid, now_s))
    )


def _equal(shown: str | None, wanted: str | None) -> bool:
    return bool(shown and wanted) and hmac.compare_digest((shown or "").encode(), (wanted or "").encode())


_PRIVATE = [
    ip_network(network)
    for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16")
] + [ip_network(network) for network in ("::1/128", "fc00::/7", "fe80::/10")]
"""RFC 1918, RFC 4193, loopback and link-local. Not ``is_private``, which takes in much that no home has."""
