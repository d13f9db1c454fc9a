"""The order of a stream: what comes before its turn is held, what is missing asked for again, or told."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs, urlsplit

import pytest
from websockets.asyncio.server import ServerConnection

from tests.client.clock import TestClock
from tests.client.play import play_of, playing, quick, read_all, record, starts, told
from twinstream.client.state import Reconnecting


async def test_what_is_missing_at_the_beginning_is_told() -> None:
    """Who asks for a number and gets a later one learns of the gap; 0 asks for the oldest kept, whatever that is."""
    async with playing(play_of(record(7), "1|Z")) as (url, _):
        assert await read_all(url, seq_start=5, seq_end=7) == ["first", ("gap", 5, 6), 7]
        assert await read_all(url, seq_start=0, seq_end=7) == ["first", 7]


@pytest.mark.parametrize("seq_start", [0, 1])
async def test_the_first_word_is_put_in_order_too(seq_start: int) -> None:
    """Whoever asked for the first event, or for the oldest, gets it even if a later one comes before it."""
    plays = play_of(record(2), record(1), record(3))
    async with playing(plays) as (url, targets):
        assert await read_all(url, seq_start=seq_start, seq_end=3) == ["first", 1, 2, 3]
        assert len(targets) == 1


@pytest.mark.parametrize(("seq_start", "told_so"), [(0, [7]), (5, [("gap", 5, 6), 7])])
async def test_the_first_word_is_held_for_a_second(seq_start: int, told_so: list[object]) -> None:
    """Then a stream begins with it: nothing that lies before it is kept."""
    clock = TestClock()
    async with playing(play_of(record(7))) as (url, _), quick(url, seq_start=seq_start, clock=clock) as stream:
        items = stream.items()
        assert told(await anext(items)) == "first"
        step = asyncio.ensure_future(anext(items))
        await clock.advance(0.9)
        assert not step.done()
        await clock.advance(0.1)
        assert [told(await step), *[told(await anext(items)) for _ in told_so[1:]]] == told_so


async def test_where_no_number_was_asked_for_nothing_is_held() -> None:
    """The first event comes at once; what comes too late is told as a gap, once; a message is put in order."""
    records = [record(seq) for seq in (6, 7, 4, 5, 4, 8)]
    async with playing(play_of(*records, code=1012), play_of(record(3) + record(9))) as (url, _):
        async with quick(url, clock=TestClock()) as stream:
            items = stream.items()
            assert [told(await anext(items)) for _ in range(5)] == ["first", 6, 7, ("gap", 4, 5), 8]
            assert [told(await anext(items)) for _ in range(4)] == ["reconnecting", "again", ("resumed", 8), 9]
        assert (stream.counters.missing, stream.counters.duplicates) == (2, 3)
    async with playing(play_of(record(2) + record(1) + record(3))) as (url, _), quick(url) as stream:
        assert [(await anext(stream)).seq for _ in range(3)] == [1, 2, 3]


async def test_what_was_held_when_a_socket_ended() -> None:
    """It comes if all of the range was sent; else it is asked for again, and believed after three times."""
    async with playing(play_of(record(7), code=1000)) as (url, targets):
        assert await read_all(url, seq_start=5, seq_end=7) == ["first", ("gap", 5, 6), 7]
        assert await read_all(url, seq_start=5, seq_end=6) == ["first", ("gap", 5, 6)]
        assert len(targets) == 2
    async with playing(play_of(record(7), code=1012)) as (url, targets), quick(url, seq_start=5) as stream:
        assert (await anext(stream)).seq == 7
        assert (starts(targets), stream.counters.missing) == (["5"] * 4, 2)


async def test_what_got_lost_on_the_way_is_asked_for_again() -> None:
    """A jump in the midst of a connection is no answer: the next one asks for what is missing.

    A heartbeat behind it is not answered, since that would acknowledge what did not come.
    """
    answers = []

    async def lose(connection: ServerConnection) -> None:
        for message in (record(1), record(3), "1|Z"):
            await connection.send(message)
        async for answer in connection:
            answers.append(answer)

    async with playing(lose, play_of(record(2) + record(3), record(4))) as (url, targets):
        told_so = await read_all(url, seq_start=1, seq_end=4)
    assert told_so == ["first", 1, "reconnecting", "again", ("resumed", 1), 2, 3, 4]
    assert (starts(targets), answers) == (["1", "2"], [])


async def test_what_comes_out_of_order_is_put_in_order() -> None:
    """Events that come before their turn are held until what is missing has come."""
    records = [record(seq) for seq in (1, 4, 3, 4, 2, 6, 5)]
    async with playing(play_of(*records)) as (url, targets), quick(url, seq_start=1, seq_end=6) as stream:
        assert [event.seq async for event in stream] == [1, 2, 3, 4, 5, 6]
        assert (len(targets), stream.counters.gaps, stream.counters.duplicates) == (1, 0, 1)


async def test_they_are_held_for_a_second() -> None:
    """If nothing comes for so long, or 64 more have come, what is missing is asked for."""
    clock = TestClock()
    many = [record(seq) for seq in range(3, 4 + 64)]
    plays = play_of(record(1), record(3)), play_of(record(2), *many[1:]), play_of(*many)
    async with playing(*plays) as (url, targets), quick(url, seq_start=1, clock=clock) as stream:
        items = stream.items()
        assert [told(await anext(items)) for _ in range(2)] == ["first", 1]
        step = asyncio.ensure_future(anext(items))
        await clock.advance(0.9)
        assert not step.done()
        await clock.advance(0.1)
        lost = await step
        assert isinstance(lost, Reconnecting)
        assert lost.reason == "event 2 did not come"
        assert [told(await anext(items)) for _ in range(3)] == ["again", ("resumed", 1), 2]
        assert [told(await anext(items)) for _ in range(4)] == ["reconnecting", "again", ("resumed", 2), 3]
        assert starts(targets) == ["1", "2", "3"]


@pytest.mark.parametrize("seq_start", [0, 5])
async def test_what_goes_on_coming_does_not_prolong_the_wait(seq_start: int) -> None:
    """The second counts from the first event that is held: a stream that is never silent for so long begins, too."""
    clock, sending = TestClock(), asyncio.Queue[int]()

    async def play(connection: ServerConnection) -> None:
        for _ in range(2):
            await connection.send(record(await sending.get()))
            await (await connection.ping())
            sending.task_done()
        await connection.wait_closed()

    async with playing(play) as (url, _), quick(url, seq_start=seq_start, clock=clock) as stream:
        step = asyncio.ensure_future(anext(stream))
        for seq in (7, 8):
            assert not step.done()
            sending.put_nowait(seq)
            await sending.join()
            await clock.advance(0.5)
        assert [(await step).seq, (await anext(stream)).seq] == [7, 8]


async def test_a_gap_is_what_the_server_has_no_more() -> None:
    """It is told when a connection that asked for the missing numbers begins behind them."""
    plays = play_of(record(1), record(5), "1|Z"), play_of(record(5), "1|Z", record(6))
    async with playing(*plays) as (url, _):
        told_so = await read_all(url, seq_start=1, seq_end=6)
    assert told_so == ["first", 1, "reconnecting", "again", ("resumed", 1), ("gap", 2, 4), 5, 6]


async def test_numbers_full_of_holes_are_believed_in_the_end() -> None:
    """A server that has been asked in vain three times is taken at its word from then on."""

    async def play(connection: ServerConnection) -> None:
        assert connection.request is not None
        start = int(parse_qs(urlsplit(connection.request.path).query)["seq_start"][0])
        for seq in range(start + start % 2, 101, 2):
            await connection.send(record(seq))
            await connection.send("1|Z")
        await connection.wait_closed()

    async with playing(play) as (url, targets), quick(url, seq_start=2, seq_end=100) as stream:
        assert [event.seq async for event in stream] == list(range(2, 101, 2))
        assert (len(targets), stream.counters.gaps) == (4, 49)


async def test_patience_comes_back() -> None:
    """A thousand numbers without a hole, and a server whose numbers had some is waited for again."""

    async def play(connection: ServerConnection) -> None:
        assert connection.request is not None
        start = int(parse_qs(urlsplit(connection.request.path).query)["seq_start"][0])
        for seq in (1, 3, 5, 7):
            if seq >= start:
                await connection.send(record(seq))
                await connection.send("1|Z")
        for message in ("".join(map(record, range(8, 1010))), record(1011), record(1010)):
            await connection.send(message)
        await connection.wait_closed()

    async with playing(play) as (url, targets), quick(url, seq_start=1, seq_end=1011) as stream:
        assert [event.seq async for event in stream] == [1, 3, 5, *range(7, 1012)]
        assert (len(targets), stream.counters.gaps, stream.counters.duplicates) == (4, 3, 0)
