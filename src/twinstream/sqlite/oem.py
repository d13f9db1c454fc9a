"""OEMs in SQLite: the table `oem`."""

from __future__ import annotations

from collections.abc import Sequence

from twinstream.errors import RequestError
from twinstream.model.oem import Oem, Retention
from twinstream.model.principal import Operator
from twinstream.sqlite.repository import Repository, Row

_COLUMNS = "id, name, created_at, retention_age_s, retention_size_bytes"


class Oems(Repository):
    """See `ports.oem.Oems`."""

    def add(self, operator: Operator, oem: str, name: str) -> Oem:
        """Add an OEM."""
        row = self._first(
            f"INSERT INTO oem (id, name, created_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING RETURNING {_COLUMNS}",
            (oem, name, self._now_s),
        )
        if row is None:
            raise RequestError("conflict", "An OEM with this id exists.")
        return _read_row(row)

    def find(self, operator: Operator, oem: str) -> Oem | None:
        """Find an OEM."""
        row = self._first(f"SELECT {_COLUMNS} FROM oem WHERE id = ?", (oem,))
        return _read_row(row) if row else None

    def list_all(self, operator: Operator) -> Sequence[Oem]:
        """List OEMs."""
        return [_read_row(row) for row in self._run(f"SELECT {_COLUMNS} FROM oem ORDER BY id")]

    def set_retention(self, operator: Operator, oem: str, retention: Retention) -> Oem | None:
        """Replace an OEM's limits."""
        row = self._first(
            f"UPDATE oem SET retention_age_s = ?, retention_size_bytes = ? WHERE id = ? RETURNING {_COLUMNS}",
            (retention.age_s, retention.size_bytes, oem),
        )
        return _read_row(row) if row else None


def _read_row(row: Row) -> Oem:
    oem, name, created_at, age_s, size_bytes = row
    return Oem(oem, name, created_at, Retention(age_s, size_bytes))
