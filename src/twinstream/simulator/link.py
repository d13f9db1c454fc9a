"""Calls to the server that go on by themselves: authentication renewed, overload and lost connections waited out.

Owns when a call is repeated; whose credential it carries is told by a `Credential`, which does no I/O of its own. Knows
neither devices nor users.

Invariant: a call returns with a 2xx answer or raises `RefusalError`; there is no third end. So a server that is killed
and started again is a pause for whoever calls. A call whose answer was lost is repeated, so it may take effect twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from random import Random
from typing import Any, NamedTuple, Protocol

import httpx
import msgspec

from twinstream.client.back_off import back_off_s
from twinstream.errors import TwinstreamError
from twinstream.simulator.clock import Clock

LONGEST_OVERLOAD_WAIT_S = 120.0
"""Source: ayla-facts 4.1, like the statuses of `OVERLOAD`."""
LONGEST_LOST_WAIT_S = 8.0
"""A server that does not answer may be starting; ask more often than one that says it has too much to do."""
OVERLOAD = frozenset({408, 429, 500, 502, 503, 504})
MALFORMED = (msgspec.DecodeError, KeyError, TypeError)
"""What reading an answer raises that is not of the expected form."""


class RefusalError(TwinstreamError):
    """The server understood a call and said no: a status of 4xx that trying again does not mend."""

    def __init__(self, status: int, target: str) -> None:
        self.status = status
        super().__init__(f"HTTP {status} for {target}")


class Call(NamedTuple):
    """A request: ``path`` begins with a slash and holds no query; ``body`` is bytes, or anything that JSON can say."""

    method: str
    path: str
    headers: Mapping[str, str]
    params: Mapping[str, str] | None = None
    body: Any = None


Witness = Callable[[], Callable[[httpx.Response | None], None]]
"""Is told before each attempt to send a call, and then, by what it returned, of the answer (any status), or with None
that nothing was sent. Not told of either: the answer was lost, and what was asked for may have happened."""


class Credential(Protocol):
    """How a caller shows who it is."""

    attempts: int
    """So many authentications in a row may be in vain."""

    @property
    def headers(self) -> Mapping[str, str] | None:
        """What every call carries: the same object until the next `accept`; None before the first."""

    def ask(self) -> Call:
        """Make the call that authenticates, afresh each time."""

    def accept(self, answer: httpx.Response) -> None:
        """Take the new headers out of a 2xx answer to it."""


class Link:
    """One caller's way to the server. Any number of tasks may call at the same time; one of them authenticates."""

    def __init__(self, client: httpx.AsyncClient, credential: Credential, clock: Clock, random: Random) -> None:
        self._client = client
        self._credential = credential
        self._clock = clock
        self._random = random
        self._authenticating = asyncio.Lock()

    async def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        witness: Witness | None = None,
    ) -> httpx.Response:
        """Send a request under the caller's credential until it is answered, and return the 2xx answer.

        ``witness`` is told of every attempt.

        Raises:
            RefusalError: the server says no, to this call or, with status 401, to the caller.
        """
        in_vain = 0
        while True:
            headers = self._credential.headers
            if headers is not None:
                answer = await self._send(partial(Call, method, path, headers, params, body), witness)
                if answer.status_code != 401:
                    return _require_success(answer, method, path)
            if in_vain == self._credential.attempts:
                raise RefusalError(401, f"{method} {path}")
            in_vain += 1
            await self._renew(headers)

    async def authenticate(self) -> None:
        """Authenticate anew, also if the credential still holds. Raises RefusalError."""
        async with self._authenticating:
            for _ in range(self._credential.attempts):
                if await self._ask():
                    return
        raise RefusalError(401, self._credential.ask().path)

    async def _renew(self, stale: Mapping[str, str] | None) -> None:
        """Authenticate once, unless another task has done so since ``stale`` was in force."""
        async with self._authenticating:
            if self._credential.headers is stale:
                await self._ask()

    async def _ask(self) -> bool:
        answer = await self._send(self._credential.ask)
        if answer.status_code == 401:
            return False
        self._credential.accept(_require_success(answer, "authentication at", answer.url.path))
        return True

    async def _send(self, make: Callable[[], Call], witness: Witness | None = None) -> httpx.Response:
        """Send until there is an answer other than overload. The call is made anew each time: it may carry the time."""
        failures = 0
        while True:
            call = make()
            failures += 1
            tell = witness() if witness else None
            try:
                answer = await self._client.request(
                    call.method,
                    call.path,
                    params=call.params,
                    headers={**call.headers, **({} if call.body is None else {"Content-Type": _type_of(call.body)})},
                    content=_encode(call.body),
                )
            except httpx.RequestError as error:
                if tell and isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout)):
                    tell(None)
                wait_s = back_off_s(failures, cap_s=LONGEST_LOST_WAIT_S, random=self._random)
            else:
                if tell:
                    tell(answer)
                if answer.status_code not in OVERLOAD:
                    return answer
                wait_s = back_off_s(failures, cap_s=LONGEST_OVERLOAD_WAIT_S, random=self._random)
                wait_s = max(wait_s, read_retry_after_s(answer))
            await self._clock.sleep(wait_s)


def read_retry_after_s(answer: httpx.Response) -> float:
    """Return the seconds of ``Retry-After``, at most five minutes; 0 where there is none or it is no number."""
    text = answer.headers.get("Retry-After", "")
    return min(float(text), 300.0) if text.isascii() and text.isdigit() else 0.0


def _encode(body: Any) -> bytes | None:
    return body if body is None or isinstance(body, bytes) else msgspec.json.encode(body)


def _type_of(body: Any) -> str:
    return "application/octet-stream" if isinstance(body, bytes) else "application/json"


def _require_success(answer: httpx.Response, method: str, path: str) -> httpx.Response:
    if not answer.is_success:
        raise RefusalError(answer.status_code, f"{method} {path}")
    return answer
