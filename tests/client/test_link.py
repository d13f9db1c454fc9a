"""A socket found dead, felt slow, and closed with manners; and what the server asks for when it refuses."""

from __future__ import annotations

import asyncio
import json
from random import Random
from urllib.parse import parse_qs, urlsplit

import pytest
from websockets.asyncio.server import ServerConnection

from tests.client.clock import TestClock, settle
from tests.client.play import play_of, playing, quick, read_all, record, told
from twinstream.client.error import RefusedError, UnreachableError
from twinstream.client.event import BaseEvent
from twinstream.client.link import read_retry_after_s
from twinstream.client.state import Reconnecting


async def test_a_wrong_path_is_told_with_the_right_one() -> None:
    """Where a server knows nothing of the path, the path is what is said, and where a stream is."""
    async with playing(refuse={0: 404, 1: 404}) as (url, _):
        with pytest.raises(RefusedError, match=r"told so The address has the path /strm; a stream is at /stream\.$"):
            await read_all(url.replace("/stream", "/strm"))
        with pytest.raises(RefusedError, match=r"told so$"):
            await read_all(url)


async def test_a_host_that_is_not_there_is_named() -> None:
    """Which host a region means is nothing that whoever typed it knows."""
    with pytest.raises(UnreachableError, match=r"^the name stream\.invalid leads nowhere \("):
        await read_all("ws://stream.invalid/stream?stream_key=k")


async def test_a_silent_link_is_given_up() -> None:
    """After 45 s without anything at all the stream connects anew, not before."""
    clock = TestClock()
    async with playing(play_of(record(1)), play_of(record(2))) as (url, _), quick(url, clock=clock) as stream:
        items = stream.items()
        assert [told(await anext(items)) for _ in range(2)] == ["first", 1]
        step = asyncio.ensure_future(anext(items))
        await clock.advance(44.9)
        assert not step.done()
        await clock.advance(0.1)
        lost = await step
        assert isinstance(lost, Reconnecting)
        assert lost.reason == "nothing came for 45 s"
        assert [told(await anext(items)) for _ in range(3)] == ["again", ("resumed", 1), 2]


async def test_a_reader_who_asks_in_short_steps_finds_a_silent_link_too() -> None:
    """A timeout around each step is no sign of life: the 45 s go on through all of them."""
    clock = TestClock()
    async with playing(play_of(record(1))) as (url, _), quick(url, clock=clock) as stream:
        items = stream.items()
        assert [told(await anext(items)) for _ in range(2)] == ["first", 1]
        for _ in range(44):
            step = asyncio.ensure_future(anext(items))
            await clock.advance(1)
            assert not step.done()
            step.cancel()
            await asyncio.gather(step, return_exceptions=True)
        step = asyncio.ensure_future(anext(items))
        await clock.advance(1)
        assert step.done()
        assert told(await step) == "reconnecting"


@pytest.mark.parametrize("is_ping", [True, False])
async def test_any_sign_is_life(is_ping: bool) -> None:
    """A ping counts as well as a heartbeat, and 45 s begin anew with each."""
    clock, sign, was_answered = TestClock(), asyncio.Event(), asyncio.Event()

    async def play(connection: ServerConnection) -> None:
        await sign.wait()
        if is_ping:
            await (await connection.ping())
        else:
            await connection.send("1|Z")
            await connection.recv()
        was_answered.set()
        await connection.wait_closed()

    async with playing(play) as (url, _), quick(url, clock=clock) as stream:
        items = stream.items()
        assert told(await anext(items)) == "first"
        step = asyncio.ensure_future(anext(items))
        await clock.advance(40)
        sign.set()
        await was_answered.wait()
        await clock.advance(44.9)
        assert not step.done()
        await clock.advance(0.1)
        assert told(await step) == "reconnecting"


async def test_a_slow_reader_is_no_dead_link() -> None:
    """While nobody asks for events the silence is the reader's."""
    clock = TestClock()
    async with playing(play_of(record(1), record(2))) as (url, targets), quick(url, clock=clock) as stream:
        assert (await anext(stream)).seq == 1
        for _ in range(3):
            await clock.advance(1000)
        assert (await anext(stream)).seq == 2
        assert len(targets) == 1


async def test_a_slow_reader_is_felt_by_the_server() -> None:
    """What is not asked for is not read: the server cannot send on, and memory stays bounded."""
    total, sent = 2000, 0
    is_stuck = asyncio.Event()
    value = "x" * 60_000

    async def play(connection: ServerConnection) -> None:
        nonlocal sent
        for seq in range(1, total + 1):
            sending = asyncio.ensure_future(connection.send(record(seq, value)))
            await settle() if not is_stuck.is_set() else None
            if not sending.done():
                is_stuck.set()
            await sending
            sent += 1
        await connection.wait_closed()

    async with playing(play) as (url, _), quick(url, seq_start=1, seq_end=total) as stream:
        await is_stuck.wait()
        assert sent < total / 4
        assert [event.seq async for event in stream] == list(range(1, total + 1))


class _UserError(Exception):
    pass


@pytest.mark.parametrize("way", ["error", "leave", "cancel"])
async def test_leaving_says_goodbye(way: str) -> None:
    """However the block is left, the server hears 1000; an error of the user's own is the user's own."""
    codes: list[int | None] = []
    is_closed = asyncio.Event()

    async def play(connection: ServerConnection) -> None:
        await connection.send(record(1))
        await connection.wait_closed()
        codes.append(connection.close_code)
        is_closed.set()

    async def use(url: str) -> None:
        async with quick(url) as stream:
            async for _ in stream:
                if way == "error":
                    raise _UserError
                if way == "leave":
                    break

    async with playing(play) as (url, targets):
        task = asyncio.ensure_future(use(url))
        if way == "cancel":
            await settle()
            task.cancel()
        expected = {"error": _UserError, "cancel": asyncio.CancelledError, "leave": None}[way]
        [outcome] = await asyncio.gather(task, return_exceptions=True)
        assert outcome is None if expected is None else isinstance(outcome, expected)
        await is_closed.wait()
    assert (codes, len(targets)) == ([1000], 1)


async def test_a_server_that_does_not_say_goodbye_is_left() -> None:
    """A server that no longer answers keeps nobody."""
    release = asyncio.Event()

    async def play(connection: ServerConnection) -> None:
        connection.transport.pause_reading()
        await release.wait()

    async with playing(play) as (url, _):
        async with quick(url):
            await settle()
        release.set()


async def test_a_step_that_is_given_up_loses_nothing() -> None:
    """A timeout around a step ends the step, not the stream: the next goes on, through a reconnection too."""
    last = 30

    async def play(connection: ServerConnection) -> None:
        assert connection.request is not None
        seq = int(parse_qs(urlsplit(connection.request.path).query)["seq_start"][0])
        await connection.send(record(seq))
        await connection.send("".join(record(n) for n in (seq + 1, seq + 2) if n <= last))
        await connection.close(1012)

    seen: list[int] = []
    chance = Random(3)
    async with playing(play) as (url, targets), quick(url, seq_start=1, seq_end=last) as stream:
        while not seen or seen[-1] != last:
            step = asyncio.ensure_future(anext(stream))
            for _ in range(chance.randrange(60)):
                await asyncio.sleep(0)
            step.cancel()
            [outcome] = await asyncio.gather(step, return_exceptions=True)
            if not isinstance(outcome, BaseException):
                seen.append(outcome.seq)
    assert seen == list(range(1, last + 1))
    assert len(targets) > 3


async def test_what_is_held_is_held_for_a_second_of_all_steps() -> None:
    """Steps that are given up do not begin the second anew, so what is missing is asked for in time."""
    clock = TestClock()
    plays = play_of(record(1), record(3)), play_of(record(2), record(3))
    async with playing(*plays) as (url, targets), quick(url, seq_start=1, clock=clock) as stream:
        assert (await anext(stream)).seq == 1
        seen = []
        for _ in range(4):
            step = asyncio.ensure_future(anext(stream))
            await clock.advance(0.4)
            step.cancel()
            [outcome] = await asyncio.gather(step, return_exceptions=True)
            seen += [outcome.seq] if isinstance(outcome, BaseEvent) else []
        assert seen == [2, 3]
        assert len(targets) == 2


async def test_a_step_that_is_given_up_breaks_off_no_attempt_to_connect() -> None:
    """A server that is slow to let somebody in is asked once, however short the steps are."""
    may_enter = asyncio.Event()
    async with playing(play_of(record(1)), may_enter=may_enter) as (url, targets), quick(url, patient=True) as stream:
        for _ in range(3):
            step = asyncio.ensure_future(anext(stream))
            await settle()
            step.cancel()
            await asyncio.gather(step, return_exceptions=True)
        may_enter.set()
        assert (await anext(stream)).seq == 1
        assert len(targets) == 1


@pytest.mark.parametrize("is_patient", [True, False])
async def test_leaving_ends_an_attempt_to_connect(is_patient: bool) -> None:
    """Whether it is left by the reader, or before there is one, no attempt goes on behind it."""

    async def use(url: str) -> None:
        async with quick(url, patient=is_patient) as stream:
            await anext(stream)

    may_enter = asyncio.Event()
    async with playing(play_of(record(1)), may_enter=may_enter) as (url, targets):
        before = asyncio.all_tasks()
        task = asyncio.ensure_future(use(url))
        await settle()
        assert len(targets) == 1
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()
        assert {task.get_name() for task in asyncio.all_tasks() - before if "open_link" in repr(task)} == set()
        may_enter.set()


async def test_the_key_is_in_no_text() -> None:
    """Neither the stream nor what it says of a server that plays with addresses shows the key."""
    key = "0123456789abcdef0123456789abcdef"
    async with playing(refuse={0: 400}, refusal=json.dumps({"detail": "no"})) as (url, _):
        stream = quick(url, stream_key=key)
        assert key not in repr(stream)


@pytest.mark.parametrize(
    ("text", "wait_s"),
    [
        ("7", 7.0),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("Mon, 24 Sep 2018 10:26:47 GMT", 10.0),
        ("Mon, 24 Sep 2018 10:26:27 GMT", 0.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, wait_s: float | None) -> None:
    """Both forms of RFC 9110 are read; what is neither says nothing."""
    assert read_retry_after_s(text, TestClock()) == wait_s
