"""Stored devices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from twinstream.model import principal
from twinstream.model.device import Audience, Device, DeviceRef, RegistrationType, Sight


class NewDevice(msgspec.Struct, frozen=True, kw_only=True):
    """What makes a device."""

    dsn: str
    oem: str
    oem_model: str
    model: str
    product_name: str
    registration_type: RegistrationType


class PresenceMark(msgspec.Struct, frozen=True):
    """A device's presence: it went online for the ``epoch``-th time (and has perhaps gone offline since)."""

    key: int
    epoch: int


class Devices(Protocol):
    """Devices and the attributes of their twins. A DSN is unique over all OEMs; a key is never used again."""

    def add(self, device: NewDevice) -> int:
        """Add a device, offline and without an owner; answer its key. The DSN must be new."""

    def find(self, ref: DeviceRef) -> Device | None:
        """Find a device, whoever asks: for the device itself, and for decisions that check rights themselves."""

    def find_by_regtoken(self, oem: str, regtoken: str) -> Device | None:
        """Find the one device of the OEM that shows this registration token; None too if several do."""

    def list_free(self, oem: str, network: str, since_s: float) -> Sequence[Device]:
        """List the Same-LAN devices in this network that nobody owns and were given a token since, the latest first."""

    def list_pushed(self, oem: str, network: str, since_s: float) -> Sequence[Device]:
        """List the Button-Push devices in this network whose button was pushed since, the latest first."""

    def list_nodes(self, gateway_key: int) -> Sequence[Device]:
        """List the nodes that are behind a gateway, by key, whoever owns them."""

    def find_visible(self, user: principal.User, ref: DeviceRef) -> Sight | None:
        """Find a device that the user owns or holds a share of."""

    def list_visible(self, user: principal.User) -> Sequence[Sight]:
        """List the devices that the user owns or holds a share of that counts now, by key."""

    def list_of_oem(self, operator: principal.Operator, oem: str) -> Sequence[Device]:
        """List an OEM's devices, by key."""

    def find_audiences(self, keys: Sequence[int]) -> dict[int, Audience]:
        """Find who may see these devices now, by key. Devices that don't exist are missing."""

    def change(self, key: int, **values: object) -> None:
        """Set attributes of `Device` by name, and when it was changed. The caller has checked names and values."""

    def find_principal(self, auth_hash: str) -> principal.Device | None:
        """Find the device whose authentication key in force has this hash."""

    def find_private_key(self, ref: DeviceRef) -> tuple[principal.Device, str] | None:
        """Find a device and its sealed private key; None too if it has none."""

    def store_private_key(self, key: int, private_key: str) -> None:
        """Give a device that has none its private key, sealed (`ports.seal`); one that has keeps its own."""

    def store_auth_hash(self, key: int, auth_hash: str) -> None:
        """Put a device's new authentication key in force; the one before is worth nothing from then on."""

    def arrive(self, key: int) -> tuple[PresenceMark, bool] | None:
        """Make a device Online under a new epoch; answer the mark, and whether it was Offline. None if it is gone."""

    def leave(self, marks: Sequence[PresenceMark]) -> Sequence[int]:
        """Make those of the devices Offline that are Online under these very epochs; answer their keys."""

    def list_present(self) -> Sequence[PresenceMark]:
        """List the devices that are Online, without nodes: whether these talk, their gateways say."""

    def find_many(self, keys: Sequence[int]) -> Sequence[Device]:
        """Find devices by key, in the order of keys."""
