"""Stored applications."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from twinstream.model.application import Application
from twinstream.model.principal import Operator
from twinstream.ports.identity import IdentityProvider


class Applications(Protocol):
    """Applications of all OEMs; secrets are kept as SHA-256 in hex."""

    def add(self, operator: Operator, oem: str, app_id: str, name: str, secret_hash: str) -> Application:
        """Add one. Raises RequestError ``conflict`` if the app_id is taken, ``not_found`` if there is no such OEM."""

    def list_of_oem(self, operator: Operator, oem: str) -> Sequence[Application]:
        """List an OEM's, by app_id."""

    def find_by_secret(self, app_id: str, secret_hash: str) -> Application | None:
        """Find the one with this id and this secret. It takes no principal: it is part of finding out who calls."""

    def set_provider(self, operator: Operator, app_id: str, url: str, secret_sealed: str) -> None:
        """Name an application's identity provider, and keep the secret, sealed, that it signs with."""

    def find_provider(self, app_id: str) -> IdentityProvider | None:
        """Find an application's identity provider. It takes no principal: it is part of finding out who calls."""
