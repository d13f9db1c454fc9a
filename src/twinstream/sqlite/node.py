"""Which node was behind which gateway, in SQLite: the table `node`."""

from __future__ import annotations

from twinstream.sqlite.repository import Repository


class Nodes(Repository):
    """See `ports.node.Nodes`."""

    def find(self, gateway_key: int, address: str) -> int | None:
        """Find a node's key."""
        row = self._first("SELECT device_key FROM node WHERE gateway_key = ? AND address = ?", (gateway_key, address))
        return None if row is None else int(row[0])

    def add(self, gateway_key: int, address: str, device_key: int) -> None:
        """Remember a node."""
        self._run(
            "INSERT INTO node (gateway_key, address, device_key) VALUES (?, ?, ?)", (gateway_key, address, device_key)
        )

    def count(self, gateway_key: int) -> int:
        """Count a gateway's addresses."""
        (row,) = self._run("SELECT count(*) FROM node WHERE gateway_key = ?", (gateway_key,))
        return int(row[0])
