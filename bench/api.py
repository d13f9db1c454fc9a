"""The server's REST APIs as a benchmark needs them: thousands of set-up requests, many under way at a time.

Knows HTTP and JSON and no scenario. Invariant: an answer that is not 2xx ends the benchmark and is shown.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.message import Message
from http.client import HTTPConnection
from types import TracebackType
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from bench.tool import BenchError

CONNECTIONS = 32
"""Requests under way at a time: what waits goes into one commit."""


@dataclass(frozen=True)
class Call:
    """One request; ``body`` is what `json.dumps` takes, None for none."""

    method: str
    path: str
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


class Api:
    """Keep-alive connections to one server. Leaving the context closes them."""

    def __init__(self, port: int) -> None:
        self._connections = [HTTPConnection("127.0.0.1", port, timeout=30) for _ in range(CONNECTIONS)]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for connection in self._connections:
            connection.close()

    def call(self, call: Call, token: str | None = None) -> Any:
        """Make one request and return the JSON of its answer."""
        (answer,) = self.call_all([call], token)
        return answer

    def call_all(self, calls: Sequence[Call], token: str | None = None) -> list[Any]:
        """Make requests, as many at a time as there are connections, and return the JSON of the answers, in order."""
        return [json.loads(body) if body else None for _, body in self._exchange(calls, token)]

    def device_key(self, dsn: str, public_key: str) -> str:
        """Have a device prove itself with the key it was made with, and return the authentication key that it gets."""
        path = f"/dsns/{dsn}.json"
        key = load_pem_public_key(public_key.encode("ascii"))
        if not isinstance(key, rsa.RSAPublicKey):
            raise BenchError("a device's key is no RSA key")
        claim = f"{int(time.time())} GET {path}\n".encode("ascii")
        proof = base64.b64encode(key.encrypt(claim, padding.PKCS1v15())).decode("ascii")
        ((headers, _),) = self._exchange([Call("GET", path, headers={"x-Ayla-client-auth": f"Ayla1.0 {proof}"})], None)
        auth_key = headers["x-Ayla-auth-key"]
        if auth_key is None:
            raise BenchError("a device proved itself and got no authentication key")
        return str(auth_key)

    def _exchange(self, calls: Sequence[Call], token: str | None) -> list[tuple[Message, bytes]]:
        authorization = {"Authorization": f"auth_token {token}"} if token else {}
        exchanged: list[tuple[Message, bytes]] = []
        for first in range(0, len(calls), CONNECTIONS):
            pairs = list(zip(calls[first : first + CONNECTIONS], self._connections, strict=False))
            for call, connection in pairs:
                body = None if call.body is None else json.dumps(call.body)
                content = {"Content-Type": "application/json"} if body else {}
                connection.request(call.method, call.path, body, {**content, **authorization, **call.headers})
            for call, connection in pairs:
                response = connection.getresponse()
                answer = response.read()
                if not 200 <= response.status < 300:
                    raise BenchError(f"{call.method} {call.path}: {response.status} {answer[:300]!r}")
                exchanged.append((response.headers, answer))
        return exchanged
