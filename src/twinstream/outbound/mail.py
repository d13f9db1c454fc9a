"""Mail over SMTP, or onto the terminal where no mail server is named.

Owns how a mail looks on its way. The terminal shows whole mails on purpose, tokens included: that is how someone who
tries the server confirms an account; they do not go through the log. Invariant: a password is never sent in the clear
to another machine (`settings.check_settings`).
"""

from __future__ import annotations

import asyncio
import smtplib
import ssl
import sys
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Literal, TextIO

import msgspec

from twinstream.model.mail import Mail
from twinstream.ports.mail import MailError

TIMEOUT_S = 30.0
"""For each step of a conversation with a mail server."""


class SmtpServer(msgspec.Struct, frozen=True):
    """Which mail server, and how to talk to it."""

    host: str
    port: int
    sender: str
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password: str | None = None


class ConsoleMailer:
    """Implements `ports.mail.Mailer`: prints mails, to standard error if ``out`` is None."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out

    async def send(self, mail: Mail) -> None:
        """Print a mail. Nobody may be looking."""
        out = self._out or sys.stderr
        if out is not None:
            out.write(f"--- mail to {mail.recipient}: {mail.subject}\n{_make_printable(mail.text)}---\n")
            out.flush()


class SmtpMailer:
    """Implements `ports.mail.Mailer`: one conversation per mail, in a thread."""

    def __init__(self, server: SmtpServer, context: ssl.SSLContext | None = None) -> None:
        self._server = server
        self._context = context or ssl.create_default_context()

    async def send(self, mail: Mail) -> None:
        """Hand a mail to the server."""
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._server.sender, mail.recipient, mail.subject
        message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain=self._server.sender.rpartition("@")[2])
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text)
        try:
            await asyncio.to_thread(self._converse, message)
        except smtplib.SMTPRecipientsRefused as error:
            code = max(code for code, _ in error.recipients.values())
            raise MailError(f"the recipient was refused with {code}", lasting=code >= 500) from None
        except smtplib.SMTPResponseException as error:
            raise MailError(f"the mail server answered {error.smtp_code}", lasting=error.smtp_code >= 500) from None
        except smtplib.SMTPNotSupportedError as error:
            raise MailError(f"the mail server cannot do this: {error}", lasting=True) from None
        except (OSError, smtplib.SMTPException) as error:
            raise MailError(f"the mail server was not reached: {type(error).__name__}", lasting=False) from None

    def _converse(self, message: EmailMessage) -> None:
        server = self._server
        smtp: smtplib.SMTP
        if server.security == "tls":
            smtp = smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT_S, context=self._context)
        else:
            smtp = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_S)
        with smtp:
            if server.security == "starttls":
                smtp.starttls(context=self._context)
            if server.username is not None and server.password is not None:
                smtp.login(server.username, server.password)
            smtp.send_message(message)


def _make_printable(text: str) -> str:
    return "".join(character if character.isprintable() or character == "\n" else "?" for character in text)
