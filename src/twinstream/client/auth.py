"""The tokens of a caller: put on requests, and replaced when it is time.

Owns when and how tokens are replaced; knows one call, the refresh. Invariant: of all callers that find the token stale
one refreshes it, since a refresh token is good for once.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Callable, Generator

import httpx
import msgspec

from twinstream.client.call import ask_refresh, refresh
from twinstream.client.clock import Clock
from twinstream.client.resource import Tokens

RENEW_AHEAD_S = 600.0
"""So long before it expires an access token is replaced, at most half its life. Source: what public clients do."""


class TokenAuth(httpx.Auth):
    """Puts the access token on requests, and replaces it when it is about to expire or was refused."""

    def __init__(
        self, users: str | None, tokens: Tokens | None, clock: Clock, on_tokens: Callable[[Tokens], None] | None
    ) -> None:
        self.tokens: Tokens | None = None
        self._users = users
        self._clock = clock
        self._on_tokens = on_tokens
        self._lock = threading.Lock()
        self._async_lock = asyncio.Lock()
        self._renew_at_s = float("inf")
        if tokens is not None:
            self.tokens = tokens  # how long they are still good for is not known: a refusal will tell

    def keep(self, tokens: Tokens | None) -> None:
        """Use these from now on."""
        if tokens is not None and self.tokens is not None and not tokens.refresh_token:
            tokens = msgspec.structs.replace(tokens, refresh_token=self.tokens.refresh_token)
        self.tokens = tokens
        if tokens is None:
            return
        ahead_s = min(RENEW_AHEAD_S, tokens.expires_in / 2)
        self._renew_at_s = self._clock.monotonic_s() + tokens.expires_in - ahead_s
        if self._on_tokens is not None:
            self._on_tokens(tokens)

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """See `httpx.Auth`."""
        if self._is_due():
            with self._lock:
                if self._is_due():
                    response = yield self._ask()
                    response.read()
                    self._take(response)
        used = self._sign(request)
        response = yield request
        if response.status_code == 401 and self._can_refresh():
            with self._lock:
                if self._is_used(used):
                    renewal = yield self._ask()
                    renewal.read()
                    self._take(renewal)
            if not self._is_used(used):
                self._sign(request)
                yield request

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """See `httpx.Auth`. The same as `sync_auth_flow`, step by step."""
        if self._is_due():
            async with self._async_lock:
                if self._is_due():
                    response = yield self._ask()
                    await response.aread()
                    self._take(response)
        used = self._sign(request)
        response = yield request
        if response.status_code == 401 and self._can_refresh():
            async with self._async_lock:
                if self._is_used(used):
                    renewal = yield self._ask()
                    await renewal.aread()
                    self._take(renewal)
            if not self._is_used(used):
                self._sign(request)
                yield request

    def _is_due(self) -> bool:
        return self._can_refresh() and self._clock.monotonic_s() >= self._renew_at_s

    def _can_refresh(self) -> bool:
        return self.tokens is not None and bool(self.tokens.refresh_token) and self._users is not None

    def _is_used(self, access_token: str) -> bool:
        return self.tokens is not None and self.tokens.access_token == access_token

    def _sign(self, request: httpx.Request) -> str:
        access_token = self.tokens.access_token if self.tokens is not None else ""
        request.headers["Authorization"] = f"auth_token {access_token}"
        return access_token

    def _ask(self) -> httpx.Request:
        asked = refresh()
        body = None if self.tokens is None else msgspec.json.encode(ask_refresh(self.tokens))
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        return httpx.Request(asked.method, f"{self._users}{asked.path}", headers=headers, content=body)

    def _take(self, response: httpx.Response) -> None:
        tokens: Tokens | None = None
        if response.is_success:
            with contextlib.suppress(msgspec.MsgspecError, KeyError, TypeError):  # a proxy's page is no pair of tokens
                tokens = refresh().read(response.content)
        if tokens is not None:
            self.keep(tokens)
        else:
            self._renew_at_s = float("inf")  # do not ask before each call; a refusal will ask once more
