"""Mails on their way out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from twinstream.errors import RequestError
from twinstream.model.mail import Mail
from twinstream.ports.mail import MailError
from twinstream.service.outbox import MOST, Outbox


class Refusing:
    """A mailer that refuses the first few."""

    def __init__(self, *refusals: MailError) -> None:
        self.refusals = list(refusals)
        self.sent: list[str] = []

    async def send(self, mail: Mail) -> None:
        """See `ports.mail.Mailer`."""
        if self.refusals:
            raise self.refusals.pop(0)
        self.sent.append(mail.subject)


def _mail(subject: str) -> Mail:
    return Mail("ana@a.example", subject, "text")


@asynccontextmanager
async def _running(outbox: Outbox) -> AsyncIterator[None]:
    task = asyncio.create_task(outbox.run())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_mails_leave_in_order_and_are_tried_again() -> None:
    """A refusal that may pass is followed by another attempt, before the next mail."""
    mailer = Refusing(MailError("later", lasting=False), MailError("later", lasting=False))
    outbox = Outbox(mailer, (0, 0))
    async with _running(outbox):
        outbox.post(_mail("first"))
        outbox.post(_mail("second"))
        await outbox.drain()
    assert mailer.sent == ["first", "second"]


@pytest.mark.parametrize("lasting", [True, False])
async def test_some_mails_are_given_up(lasting: bool) -> None:
    """At once if it is in vain, else after the last attempt; the next one is sent all the same."""
    mailer = Refusing(*[MailError("no", lasting=lasting)] * (1 if lasting else 3))
    outbox = Outbox(mailer, (0, 0))
    async with _running(outbox):
        outbox.post(_mail("first"))
        outbox.post(_mail("second"))
        await outbox.drain()
    assert mailer.sent == ["second"]


async def test_the_queue_is_bounded() -> None:
    """One more is refused, with a time to come back."""
    outbox = Outbox(Refusing())
    for number in range(MOST):
        outbox.post(_mail(str(number)))
    with pytest.raises(RequestError) as caught:
        outbox.post(_mail("one more"))
    assert (caught.value.status, caught.value.retry_after_s) == (429, 60)
