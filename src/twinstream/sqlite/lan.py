"""Keys for the local network in SQLite: the table `lan_key`."""

from __future__ import annotations

from twinstream.ports.lan import SealedLanKey
from twinstream.sqlite.repository import Repository


class LanKeys(Repository):
    """See `ports.lan.LanKeys`."""

    def find(self, device_key: int) -> SealedLanKey | None:
        """Find a device's key."""
        row = self._first("SELECT id, key FROM lan_key WHERE device_key = ?", (device_key,))
        return None if row is None else SealedLanKey(*row)

    def add(self, device_key: int, lan_key: SealedLanKey) -> None:
        """Give a device its key."""
        self._run("INSERT INTO lan_key (device_key, id, key) VALUES (?, ?, ?)", (device_key, lan_key.id, lan_key.key))

    def remove(self, device_key: int) -> None:
        """Take a device's key."""
        self._run("DELETE FROM lan_key WHERE device_key = ?", (device_key,))
