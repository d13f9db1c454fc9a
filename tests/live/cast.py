"""The cast of a crash run: producers, subscribers and people who change things, all living through kills of the server.

Each member runs until told to stop, keeps its own journal in memory (the driver is not the one that is killed), and
comes back by itself whenever the server does. The journals go to `checker.judge`.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import httpx
import websockets
from websockets.asyncio.client import connect

from tests.live.checker import Journal, Received, Sent, Shift

RETRY_S = 0.03
FAULTS = (httpx.TransportError, OSError, websockets.WebSocketException, asyncio.TimeoutError)


@dataclass
class Stage:
    """Where the play happens: the server's address, and whether everybody still acts."""

    http: str
    quiet: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def ws(self) -> str:
        """The same address for WebSockets."""
        return self.http.replace("http", "ws", 1)


@dataclass
class Producer:
    """Posts datapoints one after the other (a closed loop), now and then as a batch; every value is unique."""

    stage: Stage
    name: str
    token: str
    targets: list[tuple[str, str]]
    pause_s: float = 0.004
    sent: list[Sent] = field(default_factory=list)

    async def run(self) -> None:
        """Post until the stage is quiet."""
        counter = 0
        chance = random.Random(self.name)
        async with httpx.AsyncClient(
            base_url=self.stage.http, headers={"Authorization": f"auth_token {self.token}"}, timeout=10
        ) as client:
            while not self.stage.quiet.is_set():
                size = 20 if chance.random() < 0.1 else 1
                picks = [chance.choice(self.targets) for _ in range(size)]
                items = []
                for dsn, property_name in picks:
                    counter += 1
                    items.append((f"{self.name}-{counter}", counter, dsn, property_name))
                at = time.monotonic()
                statuses = await self._post(client, items)
                answered = time.monotonic()
                for (value, number, dsn, property_name), status in zip(items, statuses, strict=True):
                    when = None if status is None else answered
                    self.sent.append(Sent(value, self.name, number, dsn, property_name, at, when, status))
                await asyncio.sleep(RETRY_S if statuses[0] is None else self.pause_s)

    async def _post(self, client: httpx.AsyncClient, items: list[tuple[str, int, str, str]]) -> list[int | None]:
        try:
            if len(items) == 1:
                value, _, dsn, name = items[0]
                reply = await client.post(
                    f"/apiv1/dsns/{dsn}/properties/{name}/datapoints.json", json={"datapoint": {"value": value}}
                )
                return [reply.status_code]
            body = [{"datapoint": {"value": value}, "dsn": dsn, "name": name} for value, _, dsn, name in items]
            reply = await client.post("/apiv1/batch_datapoints.json", json={"batch_datapoints": body})
            if reply.is_success:
                return [row["status"] for row in reply.json()]
            return [reply.status_code] * len(items)
        except FAULTS:
            return [None] * len(items)


@dataclass
class Subscriber:
    """Reads one stream through all crashes.

    ``resume`` says how it comes back: "number" passes seq_start = last + 1; "answer" passes nothing and trusts the
    heartbeat answers; ``restless`` also hangs up by itself every so often.
    """

    stage: Stage
    stream_key: str
    journal: Journal
    resume: str = "number"
    restless: bool = False
    observe: bool = False
    start: int | None = None
    connections: int = 0
    last: int = 0
    statuses: list[int] = field(default_factory=list)

    async def run(self) -> None:
        """Read until cancelled."""
        chance = random.Random(self.journal.name)
        while True:
            with contextlib.suppress(*FAULTS):
                await self._read(chance)
            await asyncio.sleep(RETRY_S)

    async def _read(self, chance: random.Random) -> None:
        url = f"{self.stage.ws}/stream?stream_key={self.stream_key}"
        wanted = None
        if self.resume == "number" and (self.last or self.start is not None):
            wanted = self.last + 1 if self.last else self.start
            url += f"&seq_start={wanted}"
        if self.observe:
            url += "&observe=1"
        try:
            async with connect(
                url, compression=None, ping_interval=None, open_timeout=10, close_timeout=1, proxy=None
            ) as socket:
                self.connections += 1
                if wanted:
                    self.journal.starts[self.connections] = wanted
                lifetime_s = chance.uniform(0.2, 1.0) if self.restless else None
                with contextlib.suppress(asyncio.TimeoutError):
                    async with asyncio.timeout(lifetime_s):
                        async for message in socket:
                            assert isinstance(message, str)
                            if message == "1|Z":
                                await socket.send(chance.choice(["Z", "1|Z"]))
                            else:
                                self._take(message)
        except websockets.InvalidStatus as refusal:
            self.statuses.append(refusal.response.status_code)
            raise

    def _take(self, message: str) -> None:
        while message:
            length, _, rest = message.partition("|")
            text, message = rest[: int(length)], rest[int(length) :]
            event = json.loads(text)
            self.last = int(event["seq"])
            digest = hashlib.sha256(text.encode()).digest()
            self.journal.received.append(
                Received(self.connections, self.last, digest, str(event["datapoint"]["value"]))
            )


@dataclass
class Changer:
    """Changes one thing again and again over HTTP, and notes in the journals concerned when it may have taken effect.

    ``change(client, state)`` makes one attempt and answers whether it was accepted.
    """

    stage: Stage
    token: str
    states: list[str]
    change: Callable[[httpx.AsyncClient, str], Awaitable[bool]]
    journals: list[Journal]
    pause_s: float = 0.15

    async def run(self) -> None:
        """Change until the stage is quiet."""
        chance = random.Random(repr(self.states))
        async with httpx.AsyncClient(
            base_url=self.stage.http, headers={"Authorization": f"auth_token {self.token}"}, timeout=10
        ) as client:
            while not self.stage.quiet.is_set():
                state = chance.choice(self.states)
                at = time.monotonic()
                answered: float | None = None
                with contextlib.suppress(*FAULTS):
                    if await self.change(client, state):
                        answered = time.monotonic()
                for journal in self.journals:
                    journal.shifts.append(Shift(state, at, answered))
                await asyncio.sleep(self.pause_s * chance.random())
