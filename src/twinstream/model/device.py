"""Devices and their twins: the attributes, who may see and steer one, and what may be written into them.

Owns these checks; knows no storage and no JSON. Invariant: who may see a device is its owner and the holders of shares
that count at the moment asked, and nobody else; `Audience` is read in the transaction whose outcome depends on it.
"""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec

from twinstream.errors import RequestError
from twinstream.model.check import must
from twinstream.model.location import Place
from twinstream.model.share import Operation


class RegistrationType(StrEnum):
    """How a device is bound to a user, as ``registration_type`` spells it."""

    SAME_LAN = "Same-LAN"
    BUTTON_PUSH = "Button-Push"
    AP_MODE = "AP-Mode"
    DISPLAY = "Display"
    DSN = "Dsn"
    NODE = "Node"


class ConnectionStatus(StrEnum):
    """Whether a device talks, as ``connection_status`` and connectivity events spell it."""

    ONLINE = "Online"
    OFFLINE = "Offline"


class NodeType(StrEnum):
    """What a gateway's node is, as ``node_type`` spells it (ayla-facts 3.2)."""

    GENERIC = "Generic"
    ZIGBEE = "Zigbee"


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A device with the attributes of its twin. Times are seconds since 1970, ``lat`` and ``lng`` degrees.

    ``user_uuid`` and ``user_id`` name the owner, None while nobody has registered it. ``regtoken`` is the token that
    its display or LAN shows, ``setup_token`` the one that an app gave it in Wi-Fi set-up. ``presence_epoch`` counts
    how often it came online; ``network`` is that of ``ip`` (`model.registration.find_network`). A node has the gateway
    that it is behind (None once it has left), and from its gateway ``node_type``, ``power``, ``ntwkaddr`` and
    ``address``. The owner said ``time_zone`` and, ``street`` to ``zip``, the postal address.
    """

    key: int
    dsn: str
    oem: str
    oem_model: str
    model: str
    product_name: str
    device_type: str
    sw_version: str | None
    mac: str | None
    hwsig: str | None
    ip: str | None
    network: str | None
    lan_ip: str | None
    ssid: str | None
    lat: float | None
    lng: float | None
    user_uuid: str | None
    user_id: int | None
    registration_type: RegistrationType
    registered_at: float | None
    regtoken: str | None
    regtoken_at: float | None
    setup_token: str | None
    setup_token_at: float | None
    button_at: float | None
    join_ends_at: float | None
    gateway_key: int | None
    gateway_dsn: str | None
    node_type: NodeType | None
    power: str | None
    ntwkaddr: str | None
    address: str | None
    time_zone: str | None
    street: str | None
    city: str | None
    state: str | None
    country: str | None
    zip: str | None
    connection_status: ConnectionStatus
    connected_at: float | None
    presence_epoch: int
    activated_at: float | None
    created_at: float
    updated_at: float
    has_properties: bool
    lan_enabled: bool
    template_id: int | None
    template_version: str | None


class Report(msgspec.Struct, frozen=True):
    """What a device says of itself: ``attributes`` of `Device` by name, its set-up token, its place, its model.

    ``oem`` is whose it says it is, ``oem_model`` and ``template_version`` which template it asks for.
    """

    attributes: dict[str, str]
    setup_token: str | None = None
    place: Place | None = None
    oem: str | None = None
    oem_model: str | None = None
    template_version: str | None = None


class Grant(msgspec.Struct, frozen=True):
    """By which share a user who is not the owner sees a device; ``user_id`` is the holder's, times are of the share."""

    user_id: int
    operation: Operation
    start_at: float | None
    end_at: float | None


class Sight(msgspec.Struct, frozen=True):
    """A device as one user sees it: by a share (``grant``), or as its owner (None)."""

    device: Device
    grant: Grant | None


class Audience(msgspec.Struct, frozen=True):
    """Who may see a device at this moment: its owner, and the holders of shares that count, each with their right."""

    owner: str | None
    holders: dict[str, Operation]

    @property
    def readers(self) -> tuple[str, ...]:
        """The readers of an event that is committed now; none while the device has no owner."""
        return () if self.owner is None else (self.owner, *self.holders)


DeviceRef = str | int
"""How a path names a device: a DSN (text) or a key (number)."""


def check_steering(audience: Audience, user_uuid: str) -> None:
    """Let the owner and the holders of a share for writing set a device's properties and place.

    Raises:
        RequestError: ``forbidden`` for the holder of a share for reading, ``not_found`` for everyone else.
    """
    if audience.owner is None or user_uuid == audience.owner:
        if audience.owner is None:
            raise RequestError("not_found")
        return
    operation = audience.holders.get(user_uuid)
    if operation is None:
        raise RequestError("not_found")
    if operation is not Operation.WRITE:
        raise RequestError("forbidden", "The device is shared with you for reading only.")


def check_grant(grant: Grant | None) -> None:
    """Let the owner (None) and a share for writing change the twin. Raises RequestError ``forbidden`` otherwise."""
    if grant is not None and grant.operation is not Operation.WRITE:
        raise RequestError("forbidden", "The device is shared with you for reading only.")


def check_dsn(text: str) -> str:
    """Answer the DSN: 1 to 32 letters, digits, ``-`` and ``_``. Raises RequestError ``invalid``, naming ``dsn``."""
    if _DSN.fullmatch(text) is None:
        raise must("dsn", "be 1 to 32 letters, digits, - and _")
    return text


_DSN = re.compile(r"[A-Za-z0-9_-]{1,32}", re.ASCII)
