"""A server that is killed at random moments, with everybody at work: nothing that was answered 2xx may be missing.

While datapoints are posted, subscribers read, resume and acknowledge, filters change, shares come and go and
retention trims, the process gets SIGKILL again and again. `checker.judge` compares what producers were told with
what subscribers saw. The same play must fail against a server that answers before the commit
(`tests/live/hasty.py`): otherwise it would prove nothing.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.live.cast import Changer, Producer, Stage, Subscriber
from tests.live.checker import Journal, Sent, Shift, Verdict, judge
from tests.live.server import ServerProcess

OEM = "0dfc7900"
DSNS = [f"AC000W00000000{number}" for number in range(4)]
SHARED = DSNS[0]
SETTINGS: dict[str, Any] = {
    "heartbeat_interval_s": 0.2,
    "inbound_timeout_s": 45,
    "heartbeat_misses": 0,
    "ack_flush_s": 0.1,
    "retention_interval_s": 0.5,
    "log_level": "warning",
}
RETENTION_BYTES = 2_000_000
PASSWORD = "correct horse battery staple"
SEED = int(os.environ.get("TWINSTREAM_KILL_SEED", time.time_ns() % 1_000_000))


@pytest.mark.live
@pytest.mark.timeout(400)
async def test_nothing_answered_is_lost_over_25_kills(tmp_path: Path) -> None:
    """Every accepted event reaches every matching subscriber, in order, densely numbered, under one number for ever."""
    await _prove(tmp_path, kills=25)


@pytest.mark.live
@pytest.mark.soak
async def test_nothing_answered_is_lost_over_200_kills(tmp_path: Path) -> None:
    """The same over 200 kills."""
    await _prove(tmp_path, kills=200)


@pytest.mark.live
@pytest.mark.timeout(200)
async def test_a_server_that_answers_before_the_commit_is_caught(tmp_path: Path) -> None:
    """The play is able to fail: a build that answers first and commits then loses events, and the checker says so."""
    verdict = await play(tmp_path, kills=5, seed=1, command=[sys.executable, "-m", "tests.live.hasty"])
    assert {"lost"} & verdict.faults.keys(), f"not caught: {verdict}"


async def _prove(folder: Path, kills: int) -> None:
    verdict = await play(folder, kills, SEED)
    assert not verdict.faults, f"TWINSTREAM_KILL_SEED={SEED}: {verdict}"
    assert verdict.accepted > 20 * kills, f"too little happened to prove anything: {verdict}"


async def play(folder: Path, kills: int, seed: int, command: list[str] | None = None) -> Verdict:
    """Run the play and judge it."""
    chance = random.Random(seed)
    start = ServerProcess(folder / "data", command=command, **SETTINGS)
    stage = Stage(start.url)
    port = start.address[1]
    server = start
    try:
        producers, subscribers, changers = await _set_up(start, stage)
        feeding = asyncio.gather(*(one.run() for one in producers), *(one.run() for one in changers))
        reading = [asyncio.create_task(one.run()) for one in subscribers]
        for _ in range(kills):
            await asyncio.sleep(chance.uniform(0.1, 1.2))
            server.kill()
            server = await asyncio.to_thread(ServerProcess, folder / "data", command=command, port=port, **SETTINGS)
        await asyncio.sleep(1.0)
        stage.quiet.set()
        await asyncio.wait_for(feeding, 30)
        await _settle(subscribers)
        await _stop(reading)
        await _read_again(stage, subscribers)
    finally:
        stage.quiet.set()
        server.kill()
    sent = [one for producer in producers for one in producer.sent]
    return judge(sent, [subscriber.journal for subscriber in subscribers])


async def _stop(tasks: list[asyncio.Task[None]]) -> None:
    """End readers that would wait for more for ever; what they failed with before is raised."""
    for task in tasks:
        task.cancel()
    for ended in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(ended, BaseException) and not isinstance(ended, asyncio.CancelledError):
            raise ended


async def _settle(subscribers: list[Subscriber]) -> None:
    """Wait until nothing new has arrived anywhere for a while."""
    deadline = time.monotonic() + 40
    calm_since, seen = time.monotonic(), -1
    while time.monotonic() < deadline and time.monotonic() - calm_since < 2.5:
        count = sum(len(subscriber.journal.received) for subscriber in subscribers)
        if count != seen:
            calm_since, seen = time.monotonic(), count
        await asyncio.sleep(0.1)


async def _read_again(stage: Stage, subscribers: list[Subscriber]) -> None:
    """Have every stream read once more from the oldest event kept: the numbers must be the same as the first time."""
    readers = [
        Subscriber(
            stage,
            subscriber.stream_key,
            Journal(subscriber.journal.name, subscriber.journal.matches, [], complete=False),
            observe=True,
            start=0,
        )
        for subscriber in subscribers
    ]
    reading = [asyncio.create_task(reader.run()) for reader in readers]
    await _settle(readers)
    await _stop(reading)
    for subscriber, reader in zip(subscribers, readers, strict=True):
        records = [
            type(one)(10_000 + one.connection, one.seq, one.digest, one.value) for one in reader.journal.received
        ]
        assert not subscriber.journal.received or records, f"{subscriber.journal.name} could not be read again"
        subscriber.journal.received.extend(records)


async def _set_up(server: ServerProcess, stage: Stage) -> tuple[list[Producer], list[Subscriber], list[Changer]]:
    """Make the OEM, its people and devices, the streams; and cast the roles."""
    tokens = await asyncio.to_thread(populate, server)
    async with httpx.AsyncClient(base_url=stage.http, timeout=20) as client:
        everything = {"oem_model": "pad", "dsn": "*", "property_name": "*", "client_type": "cloud"}
        mobile = {"dsn": None, "property_name": "*", "client_type": "mobile", "batch_size": "1"}

        async def subscribe(name: str, who: str, matches: Any, state: str, **terms: Any) -> tuple[int, str, Journal]:
            at = time.monotonic()
            reply = await client.post(
                "/api/v1/subscriptions.json",
                json={"name": name, "subscription_type": "datapoint"} | terms,
                headers={"Authorization": f"auth_token {tokens[who]}"},
            )
            assert reply.status_code == 201, reply.text
            made = reply.json()["subscription"]
            journal = Journal(name, matches, [Shift(state, at, time.monotonic())])
            return made["id"], made["stream_key"], journal

        def always(_: str, __: Sent) -> bool:
            return True

        def on_property(state: str, one: Sent) -> bool:
            return state in ("*", one.property_name)

        def when_shared(state: str, one: Sent) -> bool:
            return state == "shared" and one.dsn == SHARED

        _, all_key, all_journal = await subscribe("all", "admin", always, "on", **everything)
        _, twin_key, twin_journal = await subscribe("twin", "admin", always, "on", **everything)
        _, batch_key, batch_journal = await subscribe("batch", "admin", always, "on", **everything, batch_size=50)
        _, own_key, own_journal = await subscribe("owner", "owner", always, "on", **mobile)
        _, device_key, device_journal = await subscribe(
            "device", "admin", lambda _, one: one.dsn == DSNS[1], "on", **everything | {"dsn": DSNS[1]}
        )
        changing, changing_key, changing_journal = await subscribe("changing", "admin", on_property, "*", **everything)
        _, guest_key, guest_journal = await subscribe("guest", "guest", when_shared, "not shared", **mobile)

    subscribers = [
        Subscriber(stage, all_key, all_journal, start=1),
        Subscriber(stage, twin_key, twin_journal, resume="answer"),
        Subscriber(stage, batch_key, batch_journal, start=1, restless=True),
        Subscriber(stage, own_key, own_journal, start=1, restless=True),
        Subscriber(stage, device_key, device_journal, start=1),
        Subscriber(stage, changing_key, changing_journal, start=1),
        Subscriber(stage, guest_key, guest_journal, resume="answer", restless=True),
    ]
    targets = [(dsn, name) for dsn in DSNS for name in ("note", "memo")]
    producers = [Producer(stage, f"p{number}", tokens["owner"], targets) for number in range(4)]

    async def change_filter(client: httpx.AsyncClient, state: str) -> bool:
        terms = everything | {"id": changing, "name": "changing", "property_name": state}
        reply = await client.put(
            f"/api/v1/subscriptions/{changing}.json", json=terms | {"subscription_type": "datapoint"}
        )
        return reply.is_success

    async def change_share(client: httpx.AsyncClient, state: str) -> bool:
        if state == "not shared":
            reply = await client.delete(
                "/api/v1/users/shares.json", params={"resource_name": "device", "resource_id": SHARED}
            )
            return reply.is_success or reply.status_code == 404
        share = {"resource_name": "device", "resource_id": SHARED, "user_email": "guest@example.com"}
        reply = await client.post("/api/v1/users/shares.json", json={"share": share})
        return reply.is_success or reply.status_code in (409, 422)

    changers = [
        Changer(stage, tokens["admin"], ["note", "memo", "*"], change_filter, [changing_journal]),
        Changer(stage, tokens["owner"], ["shared", "not shared"], change_share, [guest_journal], pause_s=0.4),
    ]
    return producers, subscribers, changers


def populate(server: ServerProcess, retention_bytes: int | None = RETENTION_BYTES) -> dict[str, str]:
    """Make the OEM, three people and the owner's devices; answer access tokens by person."""
    people = {"admin": "OEM::Admin", "owner": "EndUser", "guest": "EndUser"}
    with server.operator() as operator:
        _must(operator.post("/admin/v1/oems", json={"id": OEM, "name": "kill test"}))
        retention = {"retention_age_s": None, "retention_size_bytes": retention_bytes}
        _must(operator.put(f"/admin/v1/oems/{OEM}/retention", json=retention))
        app = _must(operator.post(f"/admin/v1/oems/{OEM}/applications", json={"name": "test"}))
        for name, role in people.items():
            person = {"email": f"{name}@example.com", "password": PASSWORD, "role": role}
            _must(operator.post(f"/admin/v1/oems/{OEM}/users", json=person))
        plans = [{"name": name, "base_type": "string", "direction": "input"} for name in ("note", "memo")]
        for dsn in DSNS:
            device = {"dsn": dsn, "oem_model": "pad", "properties": plans}
            _must(operator.post(f"/admin/v1/oems/{OEM}/devices", json=device))
    tokens = {}
    with httpx.Client(base_url=server.url, timeout=20) as client:
        application = {"app_id": app["app_id"], "app_secret": app["app_secret"]}
        for name in people:
            user = {"email": f"{name}@example.com", "password": PASSWORD, "application": application}
            tokens[name] = _must(client.post("/users/sign_in.json", json={"user": user}))["access_token"]
        for dsn in DSNS:
            client.headers["Authorization"] = f"auth_token {tokens['owner']}"
            _must(client.post("/apiv1/devices.json", json={"device": {"dsn": dsn}}))
    return tokens


def _must(reply: httpx.Response) -> Any:
    assert reply.is_success, f"{reply.request.method} {reply.request.url}: {reply.status_code} {reply.text}"
    return reply.json() if reply.content else None
