"""Sending mail."""

from __future__ import annotations

from typing import Protocol

from twinstream.errors import TwinstreamError
from twinstream.model.mail import Mail


class MailError(TwinstreamError):
    """A mail was not taken. ``lasting`` means that trying again is in vain; the text holds nothing of the mail."""

    def __init__(self, reason: str, *, lasting: bool) -> None:
        self.lasting = lasting
        super().__init__(reason)


class Mailer(Protocol):
    """Hands mails on, one at a time."""

    async def send(self, mail: Mail) -> None:
        """Hand a mail on. It has been taken once this returns, which may take seconds; it may then arrive or not.

        Raises:
            MailError: it was not taken.
        """
