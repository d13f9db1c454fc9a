"""Receipts of requests in SQLite: the table `receipt`."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from twinstream.model.receipt import KEEP_S, Receipt
from twinstream.sqlite.device import encode
from twinstream.sqlite.repository import Repository


class Receipts(Repository):
    """See `ports.receipt.Receipts`."""

    def find(self, ids: Sequence[str]) -> dict[str, Receipt]:
        """Find those that hold still."""
        rows = self._run(
            "SELECT id, receipt FROM receipt WHERE id IN (SELECT value FROM json_each(?)) AND created_at > ?",
            (encode(ids), self._now_s - KEEP_S),
        )
        return {id_: _RECEIPT.decode(text) for id_, text in rows}

    def put(self, id_: str, receipt: Receipt) -> None:
        """Keep one."""
        self._run("INSERT OR REPLACE INTO receipt VALUES (?, ?, ?)", (id_, encode(receipt), self._now_s))

    def remove_old(self, limit: int) -> int:
        """Delete some that hold no more."""
        removed = self._run(
            """DELETE FROM receipt WHERE id IN (SELECT id FROM receipt WHERE created_at <= ? LIMIT ?) RETURNING 1""",
            (self._now_s - KEEP_S, limit),
        )
        return len(removed)


_RECEIPT = msgspec.json.Decoder(Receipt)
