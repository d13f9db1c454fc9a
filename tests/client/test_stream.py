"""A stream over real sockets: kept up, resumed, its numbers checked, and given up where trying again is of no use."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs, urlsplit

import pytest
from websockets.asyncio.server import ServerConnection

from tests.client.play import play_of, playing, quick, read_all, record, starts, told
from twinstream.client.error import MessageError, RefusedError, RenumberedError, UnreachableError
from twinstream.errors import Disconnect


async def test_heartbeats_are_answered_and_not_shown() -> None:
    """`1|Z` is answered with `Z`; events around it arrive."""
    answers = []

    async def play(connection: ServerConnection) -> None:
        await connection.send(record(1) + record(2))
        await connection.send("1|Z")
        answers.append(await connection.recv())
        await connection.send(record(3))
        await connection.wait_closed()

    async with playing(play) as (url, targets):
        assert await read_all(url, seq_start=1, seq_end=3, observe=True) == ["first", 1, 2, 3]
    assert answers == ["Z"]
    query = parse_qs(urlsplit(targets[0]).query)
    assert query == {"stream_key": ["k"], "seq_start": ["1"], "seq_end": ["3"], "observe": ["1"]}


async def test_a_heartbeat_is_answered_when_the_reader_has_come_back() -> None:
    """The answer acknowledges what came before, so it waits until the reader asks for more."""
    answered = asyncio.Event()

    async def play(connection: ServerConnection) -> None:
        await connection.send(record(1))
        await connection.send("1|Z")
        await connection.recv()
        answered.set()
        await connection.send(record(2))
        await connection.wait_closed()

    async with playing(play) as (url, _), quick(url) as stream:
        assert (await anext(stream)).seq == 1
        pong = await stream._link._socket.ping()  # type: ignore[union-attr]
        await pong  # the heartbeat has arrived, too, and this server has read all that we sent
        assert not answered.is_set()
        assert (await anext(stream)).seq == 2
        assert answered.is_set()
        assert stream.counters.heartbeats == 1


async def test_a_dropped_stream_goes_on_behind_the_last_event() -> None:
    """After a drop and a restart the stream resumes by number: no event twice, none left out, and it says so."""

    async def drop(connection: ServerConnection) -> None:
        await connection.send(record(4) + record(5))
        await connection.send("1|Z")
        await connection.recv()  # what was sent before has arrived
        connection.transport.abort()

    restart = play_of(record(5), record(6), code=1012)
    async with playing(drop, restart, play_of(record(9)), refuse={1: 503}) as (url, targets):
        async with quick(url) as stream:
            items = stream.items()
            seen = [told(await anext(items)) for _ in range(12)]
        counters = stream.counters
    assert seen == [
        *("first", 4, 5, "reconnecting", "reconnecting"),
        *("again", ("resumed", 5), 6, "reconnecting"),
        *("again", ("resumed", 6), ("gap", 7, 8)),
    ]
    assert starts(targets) == [None, "6", "6", "7"]
    assert (counters.reconnects, counters.duplicates, counters.gaps, counters.missing) == (2, 1, 1, 2)
    assert (stream.last_seq, counters.events) == (6, 3)


async def test_numbers_may_begin_at_zero() -> None:
    """0 is a number like others: the next connection asks for 1."""
    plays = play_of(record(0), code=1012), play_of(record(1))
    async with playing(*plays) as (url, targets), quick(url, seq_start=0) as stream:
        assert [(await anext(stream)).seq, (await anext(stream)).seq] == [0, 1]
    assert starts(targets) == ["0", "1"]


async def test_what_lies_behind_the_end_shows_what_is_missing_before_it() -> None:
    """A number beyond the last one wanted ends the stream, and the rest of the range is a gap."""
    async with playing(play_of(record(9), "1|Z")) as (url, _):
        assert await read_all(url, seq_start=3, seq_end=5) == ["first", ("gap", 3, 5)]


async def test_a_bounded_stream_ends_at_its_end() -> None:
    """What comes behind the last number wanted is not handed out, whether or not the server stops there."""
    async with playing(play_of(record(1), record(2) + record(3))) as (url, _):
        assert await read_all(url, seq_start=1, seq_end=2) == ["first", 1, 2]


async def test_a_bounded_stream_that_is_closed_early_is_asked_again() -> None:
    """1000 before the last number ends it only if a connection brought nothing more: then the rest is gone."""
    async with playing(play_of(record(1), code=1000), play_of(record(2), code=1000), play_of(code=1000)) as (url, _):
        told_so = await read_all(url, seq_start=1, seq_end=9)
    again = ["reconnecting", "again"]
    assert told_so == ["first", 1, *again, ("resumed", 1), 2, *again, ("resumed", 2), ("gap", 3, 9)]


async def test_a_stream_without_an_end_outlives_a_polite_closing() -> None:
    """1000 to a reader who wants everything is a drop like others."""
    async with playing(play_of(record(1), code=1000), play_of(record(2))) as (url, targets), quick(url) as stream:
        assert [(await anext(stream)).seq, (await anext(stream)).seq] == [1, 2]
    assert starts(targets) == [None, "2"]


async def test_an_overlap_is_dropped() -> None:
    """What comes twice, or lies before the place that was asked for, is counted and not handed out."""
    async with playing(play_of(record(3) + record(4) + record(5), record(4), record(5), record(6))) as (url, _):
        async with quick(url, seq_start=5) as stream:
            assert [(await anext(stream)).seq, (await anext(stream)).seq] == [5, 6]
        assert stream.counters.duplicates == 4


@pytest.mark.parametrize(
    ("seq_start", "messages"),
    [(None, [record(1, "a"), record(2), record(1, "b")]), (1000, [record(0)]), (None, [record(1000), record(1)])],
)
async def test_a_stream_that_counts_anew_is_over(seq_start: int | None, messages: list[str]) -> None:
    """A number that was another event before, or lies far behind, belongs to another count: the place is void."""
    async with playing(play_of(*messages)) as (url, _), quick(url, seq_start=seq_start) as stream:
        with pytest.raises(RenumberedError, match="begin again with seq_start=0"):
            [event async for event in stream]


@pytest.mark.parametrize("status", [401, 403, 404, 410, 416, 429, 503])
async def test_a_refused_first_connection_is_told_at_once(status: int) -> None:
    """Who cannot get in hears the status, the server's words and when to come again."""
    async with playing(refuse={0: status}, retry_after="7") as (url, targets):
        with pytest.raises(RefusedError, match="told so") as caught:
            await read_all(url)
    assert (caught.value.status, caught.value.retry_after_s, len(targets)) == (status, 7, 1)


async def test_the_patient_wait_for_the_first_connection_too() -> None:
    """With `patient` a busy server is tried again; a dead key still ends it."""
    async with playing(play_of(record(1)), refuse={0: 503, 1: 502, 3: 401}) as (url, targets):
        async with quick(url, patient=True) as stream:
            items = stream.items()
            assert [told(await anext(items)) for _ in range(4)] == ["reconnecting", "reconnecting", "first", 1]
        with pytest.raises(RefusedError):
            await read_all(url, patient=True)
        assert len(targets) == 4


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
async def test_a_key_that_expires_while_away_ends_the_stream(status: int) -> None:
    """A later refusal that time does not mend is final as well."""
    async with playing(play_of(code=1012), refuse={1: status}) as (url, targets):
        with pytest.raises(RefusedError):
            await read_all(url)
        assert len(targets) == 2


@pytest.mark.parametrize("code", [4401, 4403, 1009])
async def test_a_closing_for_good_is_obeyed(code: int) -> None:
    """Close codes after which reconnecting cannot help end the stream, and it stays ended."""
    async with playing(play_of(record(1), code=code)) as (url, targets):
        async with quick(url) as stream:
            assert (await anext(stream)).seq == 1
            for _ in range(2):
                with pytest.raises(Disconnect) as caught:
                    await anext(stream)
                assert caught.value.close_code == code
        assert len(targets) == 1


@pytest.mark.parametrize("code", [1001, 1008, 1011, 1012, 3000, 4008, 4408, 4409, 4410, 4999])
async def test_other_closings_are_drops(code: int) -> None:
    """What the table says may be tried again is, and so is a code that means nothing here."""
    async with playing(play_of(record(1), code=code), play_of(record(2))) as (url, _), quick(url) as stream:
        assert [(await anext(stream)).seq, (await anext(stream)).seq] == [1, 2]


async def test_nobody_there_is_told_at_once() -> None:
    """A port without a listener is an error, not a reason to wait for one."""
    async with playing() as (url, _):
        pass
    with pytest.raises(UnreachableError, match="connection refused"):
        await read_all(url)


@pytest.mark.parametrize("message", ["2|{}", "hello", '9|{"seq":7', '12|{"seq":"-7"}'])
async def test_another_protocol_is_an_error(message: str) -> None:
    """What is no event with a number is never handed out, and not asked for again: it would come again."""
    async with playing(play_of(message)) as (url, targets):
        with pytest.raises(MessageError):
            await read_all(url)
        assert len(targets) == 1


async def test_a_message_that_is_too_long_is_an_error() -> None:
    """Asking for it again would bring it again."""
    async with playing(play_of(record(1, "x" * 2000))) as (url, targets):
        with pytest.raises(MessageError, match="longer than 1000 bytes"):
            await read_all(url, max_message_bytes=1000)
        assert len(targets) == 1


async def test_a_stream_is_used_in_one_block_by_one_task() -> None:
    """What cannot work is told at once, and harms nobody."""
    async with playing(play_of(record(1))) as (url, _):
        stream = quick(url)
        with pytest.raises(RuntimeError, match="async with"):
            await anext(stream)
        async with stream:
            assert (await anext(stream)).seq == 1
            step = asyncio.ensure_future(anext(stream))
            await asyncio.sleep(0)
            with pytest.raises(RuntimeError, match="one task"):
                await anext(stream)
            step.cancel()
        assert [event async for event in stream] == []
        with pytest.raises(RuntimeError, match="used once"):
            async with stream:
                pass


async def test_what_is_there_comes_at_once() -> None:
    """`next_items` gives all of a message together, and nothing at the end."""
    async with playing(play_of(record(1) + record(2) + record(3))) as (url, _):
        stream = quick(url, seq_start=1, seq_end=3)
        async with stream:
            assert [told(item) for item in await stream.next_items()] == ["first"]
            assert [told(item) for item in await stream.next_items()] == [1, 2, 3]
            assert stream.last_seq == stream.counters.events == 3
            assert await stream.next_items() == []
