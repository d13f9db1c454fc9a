"""Tickets in SQLite: the table `ticket`."""

from __future__ import annotations

from twinstream.ports.ticket import Purpose, Ticket
from twinstream.sqlite.repository import Repository


class Tickets(Repository):
    """See `ports.ticket.Tickets`."""

    def add(self, user_id: int, purpose: Purpose, ticket_hash: str, email: str, expires_at: float) -> None:
        """Add a ticket."""
        self._run("DELETE FROM ticket WHERE user_id = ? AND purpose = ?", (user_id, purpose))
        self._run("INSERT INTO ticket VALUES (?, ?, ?, ?, ?)", (ticket_hash, user_id, purpose, email, expires_at))

    def take(self, ticket_hash: str, purpose: Purpose) -> Ticket | None:
        """Use a ticket up."""
        row = self._first(
            "DELETE FROM ticket WHERE hash = ? AND purpose = ? AND expires_at > ?"
            " RETURNING (SELECT uuid FROM user WHERE user.id = ticket.user_id), email",
            (ticket_hash, purpose, self._now_s),
        )
        return Ticket(*row) if row else None

    def remove_all(self, user_id: int) -> None:
        """Delete a user's."""
        self._run("DELETE FROM ticket WHERE user_id = ?", (user_id,))

    def remove_expired(self) -> None:
        """Delete old ones."""
        self._run("DELETE FROM ticket WHERE expires_at <= ?", (self._now_s,))
