"""What is stored for devices that have not fetched it yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from twinstream.model.command import Pending
from twinstream.model.value import Value


class NewValue(msgspec.Struct, frozen=True):
    """A value that was set from the cloud and is to reach the device."""

    property_key: int
    device_key: int
    datapoint_id: str
    value: Value | None


class Commands(Protocol):
    """Values and commands that wait for devices: of one property, and for one resource, only the newest."""

    def add_values(self, values: Sequence[NewValue]) -> None:
        """Let values wait, one of each property, in place of what waited. One statement, whatever the number."""

    def add_command(self, device_key: int, method: str, resource: str, uri: str, body: str) -> int:
        """Let a command wait; answer its id."""

    def list_pending(self, device_key: int, limit: int) -> Pending:
        """List what waits: at most ``limit`` values, by property key, and as many commands, by id.

        With the values that wait for nodes behind the device; their commands wait for themselves alone.
        """

    def remove_values(self, values: Sequence[tuple[int, str]]) -> None:
        """Let values wait no more: those of a property (by key) that this datapoint set, where they still do."""

    def remove_commands(self, device_key: int, command_ids: Sequence[int]) -> None:
        """Let commands of this device wait no more, where they still do."""

    def remove_all(self, device_key: int) -> None:
        """Let nothing wait for the device."""

    def list_waiting_devices(self) -> Sequence[int]:
        """List the keys of devices for which anything waits, and of the gateways of such nodes."""
