"""Stored receipts of requests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from twinstream.model.receipt import Receipt


class Receipts(Protocol):
    """What `model.receipt` describes, by the request's id."""

    def find(self, ids: Sequence[str]) -> dict[str, Receipt]:
        """Find those that hold still."""

    def put(self, id_: str, receipt: Receipt) -> None:
        """Keep one, in place of one that holds no more."""

    def remove_old(self, limit: int) -> int:
        """Delete up to so many that hold no more; answer how many."""
