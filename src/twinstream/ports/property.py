"""Stored properties."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from twinstream.model import principal
from twinstream.model.device import DeviceRef
from twinstream.model.property import Property, PropertyPlan, PropertyRef
from twinstream.ports.command import NewValue


class Properties(Protocol):
    """Properties of devices: a name is unique within its device and case counts; a key is never used again."""

    def add(self, device_key: int, plans: Sequence[PropertyPlan]) -> Sequence[str]:
        """Give a device properties that it does not have yet, and answer their names, in the order of the plans.

        Plans for names that it has are passed over.
        """

    def list_inputs(self, device_key: int) -> Sequence[NewValue]:
        """List the present values of a device's input properties, but for files and messages."""

    def find_visible(self, user: principal.User, ref: PropertyRef) -> Property | None:
        """Find a property of a device that the user owns or holds a share of."""

    def list_visible(
        self, user: principal.User, device: DeviceRef, names: Sequence[str] | None
    ) -> Sequence[Property] | None:
        """List a device's properties by name; only the named ones unless ``names`` is None.

        None if the user neither owns the device nor holds a share of it. Unknown names are passed over.
        """
