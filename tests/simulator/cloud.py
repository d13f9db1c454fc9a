"""The server as one device or user sees it, small enough to be made to fail: answers are scripted, proofs are checked.

What the real server makes of the same calls is tested in `tests/live`; here it is about what callers do with the
answers.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import httpx
import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PRIVATE_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC_KEY_PEM = PRIVATE_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

Waiting = dict[str, list[dict[str, Any]]]


class Cloud:
    """Answers devices. ``calls`` lists method and target of every request, ``bodies`` their bodies.

    ``trouble`` is asked first: a status or an exception instead of the answer, None for the answer. ``polls`` are what
    the next polls bring, each but the last as 206. Each authentication gives a new token; `forget` makes the last one
    invalid.
    """

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.bodies: list[Any] = []
        self.trouble: Callable[[httpx.Request], int | Exception | None] = lambda request: None
        self.polls: list[Waiting] = []
        self.proofs: list[str] = []
        self._token_count = 0
        self._token = ""

    def client(self) -> httpx.AsyncClient:
        """A client that reaches this cloud and nothing else."""
        return httpx.AsyncClient(transport=httpx.MockTransport(self._answer), base_url="http://cloud")

    def forget(self) -> None:
        """Let the token that is in force be so no longer."""
        self._token = ""

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(f"{request.method} {request.url.raw_path.decode()}")
        is_json = request.headers.get("Content-Type") == "application/json"
        self.bodies.append(msgspec.json.decode(request.content) if is_json else request.content or None)
        trouble = self.trouble(request)
        if isinstance(trouble, Exception):
            raise trouble
        if trouble is not None:
            return httpx.Response(trouble, headers={"Retry-After": "40"} if trouble == 429 else {})
        if "x-Ayla-client-auth" in request.headers:
            return self._admit(request.headers["x-Ayla-client-auth"])
        if not self._token or request.headers.get("x-Ayla-auth-key") != f"Ayla1.0 {self._token}":
            return httpx.Response(401)
        if request.url.path.endswith("/commands.json"):
            waiting = self.polls.pop(0) if self.polls else {}
            return httpx.Response(
                206 if self.polls else 200,
                json={"commands": {"cmds": [], "properties": [], "schedules": [], **waiting}},
            )
        opened = {"id": "d1", "file": "http://elsewhere/files/d1?expires=5&signature=s"}
        return httpx.Response(201 if request.method == "POST" else 200, json={"datapoint": opened})

    def _admit(self, header: str) -> httpx.Response:
        proof = base64.b64decode(header.removeprefix("Ayla1.0 "))
        self.proofs.append(PRIVATE_KEY.decrypt(proof, PKCS1v15()).decode())
        self._token_count += 1
        self._token = f"token{self._token_count}"
        return httpx.Response(200, json={"device": {"key": 12}}, headers={"x-Ayla-auth-key": self._token})
