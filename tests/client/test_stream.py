"""A stream over real sockets: kept up, resumed, its numbers checked, and given up where trying again is of no use."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs, urlsplit

import pytest
from websockets.asyncio.server import ServerConnection

from tests.client.clock import TestClock
from tests.client.play import play_of, playing, quick, read_all, record, told
from twinstream.client.error import MessageError, RefusedError, RenumberedError, UnreachableError
from twinstream.client.state import Reconnecting
from twinstream.errors import Disconnect


def starts(targets: list[str]) -> list[str | None]:
    """What each connection asked to begin with."""
    return [parse_qs(urlsplit(target).query).get("seq_start", [None])[0] for target in targets]


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
