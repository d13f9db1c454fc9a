"""Stored OEMs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from twinstream.model.oem import Oem, Retention
from twinstream.model.principal import Operator


class Oems(Protocol):
    """All tenants; only the operator sees more than one."""

    def add(self, operator: Operator, oem: str, name: str) -> Oem:
        """Add one with the server's default retention. Raises RequestError ``conflict`` if the id is taken."""

    def find(self, operator: Operator, oem: str) -> Oem | None:
        """Find one by its id."""

    def list_all(self, operator: Operator) -> Sequence[Oem]:
        """List all, by id."""

    def set_retention(self, operator: Operator, oem: str, retention: Retention) -> Oem | None:
        """Replace both limits of its log; the next trimming obeys them. None if there is no such OEM."""
