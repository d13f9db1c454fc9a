"""Stored shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from twinstream.model.principal import User
from twinstream.model.share import Share, ShareTerms


class Shares(Protocol):
    """Shares of devices: at most one per device and holder. Every method sees only shares that the user gave or got.

    A share counts only while its giver owns the device. One that has ended is not listed, and a new one may replace it.
    """

    def add(self, owner: User, dsn: str, email: str, terms: ShareTerms) -> Share:
        """Add one.

        Raises:
            RequestError: ``not_found`` if the device is not the owner's, or nobody of the OEM has this email;
                ``invalid`` if it is the owner's own; ``conflict`` if the device is shared with that user already.
        """

    def find(self, user: User, share_id: int) -> Share | None:
        """Find one that the user gave or got and that has not ended."""

    def list_given(self, user: User) -> Sequence[Share]:
        """List the shares that the user gave, by id."""

    def list_received(self, user: User) -> Sequence[Share]:
        """List the shares that the user got, by id; also those that have not begun."""

    def amend(self, owner: User, share_id: int, terms: ShareTerms) -> Share | None:
        """Replace the terms of one that the owner gave. None if there is no such share."""

    def remove(self, user: User, share_id: int) -> bool:
        """Delete one that the user gave or got. False if there is no such share."""

    def remove_of_device(self, user: User, dsn: str) -> int:
        """Delete all of a device that the user gave or got; answer how many."""

    def end_all(self, dsn: str) -> None:
        """Delete all shares of a device, because it changes its owner. Call in the transaction of that change."""

    def find_holders(self, dsns: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """Find who has a share that counts now, by DSN: UUIDs in order. Devices without holders are missing.

        It takes no principal: it says who may see an event, whoever causes it.
        """
