"""What a caller of REST APIs is, whether it awaits or not: addresses, tokens, and the way from a call to its outcome.

Owns what is sent and what an answer means; sending is `cloud`'s business. Invariant: a caller gets a typed answer or a
`CloudError`.
"""

from __future__ import annotations

import ssl
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, TypeVar

import httpx
import msgspec

from twinstream.client.address import is_local
from twinstream.client.auth import TokenAuth
from twinstream.client.call import Call, Session
from twinstream.client.clock import Clock, SystemClock
from twinstream.client.cloud_error import read_cloud_error, signed_out, unreachable, unreadable
from twinstream.client.link import read_retry_after_s
from twinstream.client.regions import Hosts, find_hosts, hosts_of
from twinstream.client.resource import Tokens

T = TypeVar("T")

TIMEOUT_S = 10.0
_SIGN_IN = ("/users/sign_in", "/api/v1/token_sign_in")


class Caller(ABC):
    """What both forms have in common."""

    def __init__(
        self,
        url: str | None = None,
        *,
        region: str | None = None,
        deployment: str = "field",
        client_type: str = "cloud",
        tokens: Tokens | None = None,
        on_tokens: Callable[[Tokens], None] | None = None,
        timeout_s: float = TIMEOUT_S,
        tls: ssl.SSLContext | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Make a caller of a server (``http[s]://host``), or of the cloud that a row of `regions.REGIONS` names.

        ``tokens``: of an earlier sign-in. ``on_tokens`` is told each new pair, to keep it.

        Raises:
            ValueError: the address is none, or there is no such region.
        """
        if url is not None and region is not None:
            raise ValueError("a cloud has a URL or a region, not both")
        self.hosts: Hosts = hosts_of(url) if url is not None else find_hosts(region, deployment, client_type)
        self._clock = clock or SystemClock()
        self._auth = TokenAuth(self.hosts.users, tokens, self._clock, on_tokens)
        options: dict[str, Any] = {
            "timeout": timeout_s,
            "verify": tls
            or ssl.create_default_context(),  # Why: trusts what streams trust; httpx knows other authorities
            "trust_env": not is_local(self.hosts.stream),
            "headers": {"Accept": "application/json"},
        }
        self._start(options)

    @abstractmethod
    def _start(self, options: dict[str, Any]) -> None:
        """Make the client that sends."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.hosts.subscriptions} {'signed in' if self.tokens else 'signed out'}>"

    @property
    def tokens(self) -> Tokens | None:
        """The tokens in use; None if nobody is signed in."""
        return self._auth.tokens

    def prepare(self, asked: Call[Any]) -> dict[str, Any]:
        """Return what `httpx` is to send. Raises CloudError if it cannot be asked: no host, no token."""
        base = getattr(self.hosts, asked.service)
        if base is None:
            raise unreachable(f"The host of the {asked.service} service is not known for this cloud.")
        body = asked.body
        if not asked.is_open or callable(body):
            if self.tokens is None:
                raise signed_out()
            body = body(self.tokens) if callable(body) else body
        return {
            "method": asked.method,
            "url": f"{base}{asked.path}",
            "params": list(asked.query),
            "headers": {} if body is None else {"Content-Type": "application/json"},
            "content": None if body is None else msgspec.json.encode(body),
            "auth": None if asked.is_open else self._auth,
        }

    def read(self, asked: Call[T], response: httpx.Response) -> T:
        """Return what was answered, and keep tokens that came. Raises CloudError."""
        if not response.is_success:
            wait_s = read_retry_after_s(response.headers.get("Retry-After", ""), self._clock)
            reason = response.reason_phrase or str(response.status_code)
            raise read_cloud_error(
                response.status_code, reason, response.content, wait_s, is_sign_in=asked.path.startswith(_SIGN_IN)
            ) from None
        try:
            read = asked.read(response.content)
        except (msgspec.MsgspecError, KeyError, TypeError):
            raise unreadable(response.status_code) from None
        if isinstance(read, Tokens):
            self._auth.keep(read)
        elif isinstance(read, Session):
            self._auth.keep(None)
        return read
