"""Mail over SMTP, to a real server, and onto the terminal."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from twinstream.errors import RequestError
from twinstream.model.mail import Mail, write_password_reset
from twinstream.outbound.mail import ConsoleMailer, SmtpMailer, SmtpServer
from twinstream.ports.mail import MailError


class Postbox:
    """A mail server's mind: what it got, and what it answers next."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.answers: list[str] = []
        self.port = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take a mail or refuse it."""
        if self.answers:
            return self.answers.pop(0)
        self.envelopes.append(envelope)
        return "250 OK"

    def mailer(self, **more: Any) -> SmtpMailer:
        """A mailer that hands on to it."""
        return SmtpMailer(SmtpServer("127.0.0.1", self.port, "noreply@server.example", "none", **more))


@pytest.fixture
async def postbox() -> AsyncIterator[Postbox]:
    """A mail server on a free port."""
    postbox = Postbox()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(postbox, loop=loop, hostname="mail.example"), "127.0.0.1", 0)
    postbox.port = server.sockets[0].getsockname()[1]
    yield postbox
    server.close()
    await server.wait_closed()


async def test_a_mail_arrives(postbox: Postbox) -> None:
    """From the server's address, to the recipient alone, with its subject and its text."""
    await postbox.mailer().send(write_password_reset("ana@a.example", "t0ken"))
    (envelope,) = postbox.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("noreply@server.example", ["ana@a.example"])
    assert isinstance(envelope.content, bytes)
    assert b"Subject: Set a new password" in envelope.content
    assert b"t0ken" in envelope.content


@pytest.mark.parametrize(("answer", "lasting"), [("451 later", False), ("554 never", True)])
async def test_refusals_say_whether_to_try_again(postbox: Postbox, answer: str, lasting: bool) -> None:
    """4xx: later; 5xx: never."""
    postbox.answers = [answer]
    with pytest.raises(MailError) as caught:
        await postbox.mailer().send(Mail("ana@a.example", "x", "y"))
    assert caught.value.lasting is lasting


async def test_a_server_that_is_away_may_come() -> None:
    """A refused connection is no lasting failure."""
    with pytest.raises(MailError) as caught:
        await SmtpMailer(SmtpServer("127.0.0.1", 1, "a@b.example", "none")).send(Mail("ana@a.example", "x", "y"))
    assert not caught.value.lasting


async def test_without_starttls_nothing_is_sent(postbox: Postbox) -> None:
    """TLS is demanded by default."""
    mailer = SmtpMailer(SmtpServer("127.0.0.1", postbox.port, "a@b.example"))
    with pytest.raises(MailError) as caught:
        await mailer.send(Mail("ana@a.example", "x", "y"))
    assert caught.value.lasting
    assert postbox.envelopes == []


@pytest.mark.parametrize("bad", ["a@b.example\r\nBcc: all@b.example", "a@b.example\n"])
def test_a_header_cannot_become_two(bad: str) -> None:
    """Line ends are refused in recipient and subject."""
    with pytest.raises(RequestError):
        Mail(bad, "x", "y")
    with pytest.raises(RequestError):
        Mail("ana@a.example", bad, "y")


async def test_the_terminal_shows_the_whole_mail() -> None:
    """Token included, without what could steer the terminal."""
    out = io.StringIO()
    await ConsoleMailer(out).send(Mail("ana@a.example", "Subject", "t0ken\x1b[2J\n"))
    assert out.getvalue() == "--- mail to ana@a.example: Subject\nt0ken?[2J\n---\n"
