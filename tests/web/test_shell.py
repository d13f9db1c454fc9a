"""Opening and ending sessions: who gets in, who does not, and what may change meanwhile."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import pytest

from tests.web.harness import KEY, Harness, frame, serving, until, upgrade
from twinstream.errors import RequestError
from twinstream.model.event import Change
from twinstream.model.subscription import ClientType, StartFrom
from twinstream.ports.log import Page, PageRequest, StartPoint
from twinstream.service.subscription import OpenedStream
from twinstream.settings import Settings
from twinstream.stream.limits import StreamLimits
from twinstream.stream.session import Session


async def refusal(harness: Harness, request: str) -> tuple[int, str, str | None]:
    """Send an upgrade request that is refused; answer status, code, Retry-After."""
    client = await harness.send(request)
    status, headers, body = await client.read_response()
    assert await client.read_eof() == b""
    return status, json.loads(body)["code"], headers.get("retry-after")


async def test_sockets_of_a_key(harness: Harness) -> None:
    """H40: the sixth socket on a key is refused with 429 and the time after which it may take a silent one's place."""
    for _ in range(5):
        await harness.connect()
    status, code, retry_after = await refusal(harness, upgrade())
    assert (status, code) == (429, "too_many_sessions")
    assert 30 <= int(retry_after or 0) <= 36


async def test_a_silent_socket_is_replaced() -> None:
    """The sixth takes the place of the longest silent one, which is closed with 4409."""
    limits = StreamLimits(sessions_per_subscription=2, replaceable_after_s=0.1)
    async with serving(stream_limits=limits) as harness:
        silent, lively = await harness.connect(), await harness.connect()
        await asyncio.sleep(0.15)
        lively.write(frame(1, b"Z") + frame(9))
        await lively.read_frame()
        await harness.connect()
        assert await silent.read_close() == 4409
        assert len(harness.hub.sessions()) == 2


async def test_sockets_of_an_address() -> None:
    """H40: an address that is not exempt has so many sockets, and may have a new one when one is gone."""
    settings = Settings(sessions_per_address=2, trusted_proxies=("127.0.0.1",))
    async with serving(settings) as harness:
        first = await harness.connect(X_Forwarded_For="192.0.2.1")
        await harness.connect(X_Forwarded_For="192.0.2.1")
        await harness.connect(X_Forwarded_For="192.0.2.2")
        again = upgrade(X_Forwarded_For="192.0.2.1")
        assert await refusal(harness, again) == (429, "too_many_requests", "5")
        await first.close()
        await until(lambda: len(harness.hub.sessions()) == 2)
        await harness.connect(X_Forwarded_For="192.0.2.1")


async def test_keys_are_tried_in_the_name_of_the_address(harness: Harness) -> None:
    """So that too many wrong ones can be refused; this machine and trusted proxies are nobody."""
    await refusal(harness, upgrade("stream_key=x"))
    async with serving(Settings(trusted_proxies=("127.0.0.1",))) as proxied:
        await refusal(proxied, upgrade("stream_key=x", X_Forwarded_For="192.0.2.1"))
        await proxied.connect(X_Forwarded_For="192.0.2.2")
        assert (harness.keys.sources, proxied.keys.sources) == ([""], ["192.0.2.1", "192.0.2.2"])


async def test_refused_sockets_are_not_counted() -> None:
    """An upgrade that is refused takes no place of its address."""
    settings = Settings(sessions_per_address=1, trusted_proxies=("127.0.0.1",))
    async with serving(settings) as harness:
        for _ in range(3):
            assert (await refusal(harness, upgrade("stream_key=x", X_Forwarded_For="192.0.2.1")))[0] == 401
        await harness.connect(X_Forwarded_For="192.0.2.1")


async def test_connections_of_the_server() -> None:
    """H40: a connection above the server's limit gets 503 with Retry-After, on every path."""
    async with serving(max_connections=2) as harness:
        await harness.connect()
        await harness.connect()
        assert await refusal(harness, upgrade()) == (503, "too_many_connections", "5")
        assert (await refusal(harness, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"))[0] == 503


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://good.example", 101),
        (None, 101),
        ("http://good.example", 403),
        ("https://good.example:8443", 403),
        ("https://good.example.evil.com", 403),
        ("null", 403),
    ],
)
async def test_origins(origin: str | None, status: int) -> None:
    """H36: where allowed_origins is set other pages are refused, before their key is looked at."""
    async with serving(Settings(allowed_origins=("https://good.example",))) as harness:
        client = await harness.send(upgrade(Origin=origin))
        assert (await client.read_response())[0] == status
        if status == 403:
            assert (await refusal(harness, upgrade("stream_key=unknown", Origin=origin)))[1] == "origin_refused"


async def test_any_origin_by_default(harness: Harness) -> None:
    """Pages of every origin may connect unless origins are named."""
    await harness.connect(Origin="https://anywhere.example")


async def test_strict_security() -> None:
    """With strict_security the key is taken from a header or a subprotocol only."""
    async with serving(Settings(strict_security=True)) as harness:
        assert (await refusal(harness, upgrade()))[:2] == (400, "bad_query")
        await harness.connect("", Authorization=f"stream_key {KEY}")


async def test_draining() -> None:
    """While the server drains new sockets are refused with 503, and open ones are closed with 1012 one by one."""
    async with serving() as harness:
        clients = [await harness.connect() for _ in range(4)]
        draining = asyncio.ensure_future(harness.shell.drain(0.2))
        await asyncio.sleep(0)
        assert await refusal(harness, upgrade()) == (503, "shutting_down", "5")
        assert [await client.read_close() for client in clients] == [1012] * 4
        await draining


async def test_disconnect(harness: Harness) -> None:
    """DELETE closes the key's sockets with 1000; the key stays good, an unknown one is 401."""
    client = await harness.connect()
    for key, status in ((KEY, 204), (KEY, 204), ("unknown", 401)):
        request = f"DELETE /stream?stream_key={key} HTTP/1.1\r\nHost: a\r\n\r\n"
        assert (await (await harness.send(request)).read_response())[0] == status
    assert await client.read_close() == 1000
    await harness.connect()


async def test_a_subscription_that_is_suspended_meanwhile(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change between the look at the key and the session is not missed: the key is looked at again."""
    original = harness.log.start_point
    asked = []

    async def suspend_first(subscription_id: int, wanted_seq: int) -> StartPoint | None:
        asked.append(wanted_seq)
        if len(asked) == 1:
            del harness.keys.opened[KEY]
            harness.change(Change.SUSPENDED)
        return await original(subscription_id, wanted_seq)

    monkeypatch.setattr(harness.log, "start_point", suspend_first)
    assert (await refusal(harness, upgrade()))[0] == 401
    assert harness.hub.sessions() == []


async def test_a_subscription_that_vanishes(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """A subscription that the log does not know any more is like an unknown key."""
    harness.log.end_stretches(1)
    assert (await refusal(harness, upgrade()))[:2] == (401, "unknown_key")


async def test_an_unexpected_failure(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails for reasons of the server's own is 500 without a detail, and takes nothing down."""

    async def fail(stream_key: str) -> OpenedStream:
        raise RuntimeError("a detail")

    with monkeypatch.context() as patch:
        patch.setattr(harness.keys, "open_stream", fail)
        client = await harness.send(upgrade())
        status, _, body = await client.read_response()
        assert (status, json.loads(body)["code"], b"a detail" in body) == (500, "internal", False)
    await harness.connect()


async def test_a_page_that_cannot_be_read(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session whose page cannot be read is closed with 1011; others go on."""
    healthy = await harness.connect()
    await until(lambda: harness.hub.sessions()[0].status().state == "live")

    async def fail(request: PageRequest) -> Page:
        raise RequestError("storage_failed")

    with monkeypatch.context() as patch:
        patch.setattr(harness.log, "read_page", fail)
        client = await harness.connect(f"stream_key={KEY}&seq_start=0")
        assert await client.read_close() == 1011
    harness.append()
    assert '"seq":"1"' in await healthy.read_text()


async def test_a_page_that_cannot_be_sent(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flaw in the sending of a page costs only that session, which is closed with 1011 instead of standing still."""
    original = Session.on_page

    def fail_once(session: Session, page: Page) -> None:
        monkeypatch.setattr(Session, "on_page", original)
        raise RuntimeError

    harness.append(2)
    monkeypatch.setattr(Session, "on_page", fail_once)
    unlucky, lucky = await asyncio.gather(*(harness.connect(f"stream_key={KEY}&seq_start=0") for _ in range(2)))
    codes = {(await unlucky.read_frame())[0], (await lucky.read_frame())[0]}
    assert codes == {1, 8}
    assert harness.hub.counters.closes == {1011: 1}


async def test_a_flaw_does_not_stop_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """If what is due for one session fails, the others have their heartbeats all the same."""
    async with serving(stream_limits=StreamLimits(heartbeat_interval_s=0.2)) as harness:
        client = await harness.connect()
        failed = asyncio.Event()
        original = harness.hub.tick

        def fail_once(now_s: float) -> float:
            monkeypatch.setattr(harness.hub, "tick", original)
            failed.set()
            raise RuntimeError

        asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
        monkeypatch.setattr(harness.hub, "tick", fail_once)
        await failed.wait()
        assert await client.read_frame() == (1, b"1|Z")


async def test_pages_are_read_by_a_few_tasks(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many sessions read at once, a bounded number of pages is asked for at a time."""
    harness.hub.limits = StreamLimits(sessions_per_subscription=100)
    harness.append(3)
    original = harness.log.read_page
    under_way: list[int] = []
    most = 0

    async def read_slowly(request: PageRequest) -> Page:
        nonlocal most
        under_way.append(1)
        most = max(most, len(under_way))
        await asyncio.sleep(0.02)
        under_way.pop()
        return await original(request)

    monkeypatch.setattr(harness.log, "read_page", read_slowly)
    clients = [await harness.connect(f"stream_key={KEY}&seq_start=0") for _ in range(30)]
    for client in clients:
        assert '"seq":"1"' in await client.read_text()
    assert 1 < most <= 8
    assert not [task for task in asyncio.all_tasks() if task.get_name() in ("read pages", "open stream")]


@pytest.mark.parametrize("is_being_stored", [False, True])
async def test_a_quick_return(is_being_stored: bool) -> None:
    """Who comes back before its acknowledgement is stored goes on behind it all the same."""
    async with serving(stream_limits=StreamLimits(heartbeat_interval_s=0.05)) as harness:
        client = await harness.connect()
        harness.append(3)
        while (await client.read_frame())[1] != b"1|Z" or harness.hub.sessions()[0].cursor.seq < 3:
            pass
        client.write(frame(1, b"Z") * 20)
        while harness.hub.find_acknowledged(1) is None:
            await client.read_frame()
        if is_being_stored:
            assert harness.hub.take_acknowledgements()
        await client.close()
        harness.append()
        client = await harness.connect()
        assert '"seq":"4"' in await client.read_text()


async def test_live_start(harness: Harness) -> None:
    """A subscription that wants it so begins with what happens from now on."""
    harness.keys.opened[KEY] = OpenedStream(1, "0dfc7900", 1, StartFrom.LIVE, ClientType.CLOUD)
    harness.append(3)
    client = await harness.connect()
    await until(lambda: harness.hub.sessions()[0].status().state == "live")
    harness.append()
    assert '"seq":"4"' in await client.read_text()


async def test_batches(harness: Harness) -> None:
    """With a batch_size above 1 a message carries records one right behind the other."""
    harness.keys.opened[KEY] = OpenedStream(1, "0dfc7900", 3, StartFrom.ACKNOWLEDGED, ClientType.CLOUD)
    harness.append(4)
    client = await harness.connect(f"stream_key={KEY}&seq_start=1")
    assert _records(await client.read_text()) == ["1", "2", "3"]
    assert _records(await client.read_text()) == ["4"]


def _records(message: str) -> Sequence[str]:
    seqs = []
    while message:
        length, _, message = message.partition("|")
        seqs.append(json.loads(message[: int(length)])["seq"])
        message = message[int(length) :]
    return seqs
