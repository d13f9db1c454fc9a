"""Stored role labels of devices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from twinstream.model.device_role import DeviceRole


class DeviceRoles(Protocol):
    """Roles by device; names are unique per device. Whoever asks: the caller has looked whether it may."""

    def add(self, device_key: int, role_name: str, description: str) -> DeviceRole:
        """Add one without labels. Raises RequestError ``conflict`` if the device has one of this name."""

    def find(self, role_id: int) -> DeviceRole | None:
        """Find one by id."""

    def list_of(self, device_keys: Sequence[int]) -> Sequence[DeviceRole]:
        """List those of these devices, by id."""

    def change(self, role_id: int, role_name: str, description: str, labels: Mapping[str, str]) -> DeviceRole | None:
        """Replace what can change of one. None if it is not there.

        Raises RequestError ``conflict`` if the device has another one of this name.
        """

    def remove(self, role_id: int) -> None:
        """Delete one."""

    def remove_all(self, device_key: int) -> None:
        """Delete all of a device."""
