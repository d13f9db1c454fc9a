"""Mails on their way out, away from the requests that cause them.

Owns a bounded queue and its one sender. A mail that is not taken is tried again a few times, then given up; mails are
in memory alone, so those that wait when the server stops are lost: whoever misses one asks for it again. Invariant:
no line of a log holds a mail's text, which carries secrets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from twinstream.errors import RequestError
from twinstream.model.mail import Mail
from twinstream.ports.mail import Mailer, MailError

MOST = 1000
"""Most mails that wait."""

RETRIES_S: Sequence[float] = (1, 10, 60)
"""How long to wait before each further attempt; the mails behind wait too."""

_log = structlog.get_logger(__name__)


class Outbox:
    """Takes mails at once and sends them later. ``run`` it as one task; call ``post`` on the event loop."""

    def __init__(self, mailer: Mailer, retries_s: Sequence[float] = RETRIES_S) -> None:
        self._mailer = mailer
        self._retries_s = retries_s
        self._waiting: asyncio.Queue[Mail] = asyncio.Queue(MOST)

    def post(self, mail: Mail) -> None:
        """Take a mail. Raises RequestError ``too_many_requests`` if too many wait already."""
        try:
            self._waiting.put_nowait(mail)
        except asyncio.QueueFull:
            raise RequestError("too_many_requests", "Too much mail is on its way.", retry_after_s=60) from None

    async def run(self) -> None:
        """Send what is posted, in order, until cancelled."""
        while True:
            mail = await self._waiting.get()
            await self._send(mail)
            self._waiting.task_done()

    async def drain(self) -> None:
        """Wait until all that was posted is sent or given up; ``run`` must be running."""
        await self._waiting.join()

    async def _send(self, mail: Mail) -> None:
        for pause_s in (*self._retries_s, None):
            try:
                await self._mailer.send(mail)
            except MailError as error:
                if error.lasting or pause_s is None:
                    _log.error("mail given up", subject=mail.subject, reason=str(error))
                    return
                _log.warning("mail waits", subject=mail.subject, reason=str(error), retry_in_s=pause_s)
                await asyncio.sleep(pause_s)
            except Exception as error:  # one mail must not end the sending of all others
                _log.error("mail given up", subject=mail.subject, exc_info=error)
                return
            else:
                return
