"""Applications in SQLite: the table `application`."""

from __future__ import annotations

from collections.abc import Sequence

from twinstream.errors import RequestError
from twinstream.model.application import Application
from twinstream.model.principal import Operator
from twinstream.ports.identity import IdentityProvider
from twinstream.sqlite.repository import Repository

_COLUMNS = "app_id, oem, name, created_at"


class Applications(Repository):
    """See `ports.application.Applications`."""

    def add(self, operator: Operator, oem: str, app_id: str, name: str, secret_hash: str) -> Application:
        """Add an application."""
        if self._first("SELECT 1 FROM oem WHERE id = ?", (oem,)) is None:
            raise RequestError("not_found", "There is no such OEM.")
        row = self._first(
            "INSERT INTO application (app_id, app_secret_hash, oem, name, created_at) VALUES (?, ?, ?, ?, ?)"
            f" ON CONFLICT DO NOTHING RETURNING {_COLUMNS}",
            (app_id, secret_hash, oem, name, self._now_s),
        )
        if row is None:
            raise RequestError("conflict", "An application with this app_id exists.")
        return Application(*row)

    def list_of_oem(self, operator: Operator, oem: str) -> Sequence[Application]:
        """List an OEM's applications."""
        rows = self._run(f"SELECT {_COLUMNS} FROM application WHERE oem = ? ORDER BY app_id", (oem,))
        return [Application(*row) for row in rows]

    def find_by_secret(self, app_id: str, secret_hash: str) -> Application | None:
        """Find the application with this id and secret."""
        row = self._first(
            f"SELECT {_COLUMNS} FROM application WHERE app_id = ? AND app_secret_hash = ?", (app_id, secret_hash)
        )
        return Application(*row) if row else None

    def set_provider(self, operator: Operator, app_id: str, url: str, secret_sealed: str) -> None:
        """Name an identity provider."""
        self._run("UPDATE application SET sso_url = ?, sso_secret = ? WHERE app_id = ?", (url, secret_sealed, app_id))

    def find_provider(self, app_id: str) -> IdentityProvider | None:
        """Find an identity provider."""
        row = self._first(
            "SELECT oem, sso_url, sso_secret FROM application WHERE app_id = ? AND sso_url IS NOT NULL", (app_id,)
        )
        return IdentityProvider(*row) if row else None
