"""Stored applications."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from twinstream.model.application import Application
from twinstream.model.principal import Operator


class Applications(Protocol):
    """Applications of all OEMs; secrets are kept as SHA-256 in hex."""

    def add(self, operator: Operator, oem: str, app_id: str, name: str, secret_hash: str) -> Application:
        """Add one. Raises RequestError ``conflict`` if the app_id is taken, ``not_found`` if there is no such OEM."""

    def list_of_oem(self, operator: Operator, oem: str) -> Sequence[Application]:
        """List an OEM's, by app_id."""

    def find_by_secret(self, app_id: str, secret_hash: str) -> Application | None:
        """Find the one with this id and this secret. It takes no principal: it is part of finding out who calls."""
