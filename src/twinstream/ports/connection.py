"""Stored changes of devices' presence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from twinstream.model.connection import Connection
from twinstream.model.device import ConnectionStatus


class Connections(Protocol):
    """The newest changes of each device's presence: at most `KEPT`."""

    def add(self, device_keys: Sequence[int], status: ConnectionStatus) -> None:
        """Store that devices came or went, and forget what is too old. Two statements, whatever the number."""

    def list_newest(self, device_key: int, since_s: float, before: int | None, limit: int) -> Sequence[Connection]:
        """List a device's changes since a time, the newest first; ``before`` excludes that number and all above."""


KEPT = 500
"""Changes kept of each device: some weeks of one that restarts every hour."""
