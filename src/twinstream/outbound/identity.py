"""Identity providers over HTTP (ayla-facts 2.7): one signed GET, 15 seconds, no second attempt.

Invariant: an answer is only ever read up to a limit, redirects are not followed, and the token stands in no log.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx
import msgspec
import structlog

from twinstream.errors import RequestError
from twinstream.ports.clock import Clock
from twinstream.wire.sso import Identity, IdentityReply, Signed, write_headers
from twinstream.wire.time import format_time

TIMEOUT_S = 15.0
"""Source: the documentation of single sign-on."""

LONGEST_ANSWER_BYTES = 64 * 1024

_log = structlog.get_logger(__name__)


class HttpIdentityProviders:
    """Implements `ports.identity.IdentityProviders`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def validate(self, url: str, token: str, app_id: str, app_secret: str) -> Identity | None:
        """Ask whose token this is."""
        parts = urlsplit(url)
        date = format_time(self._clock.now_s()).replace("-", "").replace(":", "")
        signed = Signed("GET", parts.path or "/", (("token", token),), parts.netloc, date)
        headers = {"accept": "application/json", **write_headers(signed, app_id, app_secret)}
        try:
            status, body = await self._get(url, token, headers)
            if status == 401:
                return None
            if status != 200:
                raise RequestError("identity_provider_failed")
            reply = msgspec.json.decode(body, type=IdentityReply).response
        except (httpx.HTTPError, msgspec.DecodeError) as error:
            _log.warning("identity provider failed", host=parts.netloc, reason=type(error).__name__)
            raise RequestError("identity_provider_failed") from None
        return reply.user if reply.status == 1 else None

    async def _get(self, url: str, token: str, headers: dict[str, str]) -> tuple[int, bytes]:
        body = b""
        async with (
            httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as client,
            client.stream("GET", url, params={"token": token}, headers=headers) as answer,
        ):
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > LONGEST_ANSWER_BYTES:
                    raise RequestError("identity_provider_failed")
        return answer.status_code, body
