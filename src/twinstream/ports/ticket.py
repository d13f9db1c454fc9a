"""Stored tickets: what a token in a mail is good for, once and for a while. They are kept as SHA-256 in hex."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

import msgspec


class Purpose(StrEnum):
    """What a ticket lets its bearer do."""

    CONFIRM_EMAIL = "confirm_email"
    SET_PASSWORD = "set_password"  # noqa: S105


class Ticket(msgspec.Struct, frozen=True):
    """A ticket taken: whose it was, and to which email it was sent."""

    user_uuid: str
    email: str


class Tickets(Protocol):
    """Tickets of all users. Its methods take no principal: whoever has a ticket has read the user's mail."""

    def add(self, user_id: int, purpose: Purpose, ticket_hash: str, email: str, expires_at: float) -> None:
        """Add one; earlier ones of the user for this purpose are void."""

    def take(self, ticket_hash: str, purpose: Purpose) -> Ticket | None:
        """Find one that is in force, and delete it. None if it is unknown, taken already or too old."""

    def remove_all(self, user_id: int) -> None:
        """Delete all of a user."""

    def remove_expired(self) -> None:
        """Delete those that are too old."""
