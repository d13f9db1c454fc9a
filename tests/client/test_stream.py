"""A stream over real sockets: taken apart, kept up, resumed, and given up where trying again is of no use."""

from __future__ import annotations

from contextlib import aclosing
from random import Random
from time import process_time
from urllib.parse import parse_qs, urlsplit

import pytest
from websockets.asyncio.server import ServerConnection

from tests.client.play import playing, record
from twinstream.client.stream import (
    MessageError,
    RefusedError,
    UnreachableError,
    read_stream,
    split_message,
    with_query,
)
from twinstream.errors import Disconnect


class Still(Random):
    """Chance that never waits."""

    def uniform(self, a: float, b: float) -> float:
        return 0.0


async def collect(url: str, notices: list[str] | None = None) -> list[int]:
    """Read a stream to its end as an observer; answer the numbers."""
    notify = (notices if notices is not None else []).append
    async with aclosing(read_stream(url, observe=True, notify=notify, random=Still())) as events:
        return [received.seq async for received in events]


def test_a_message_may_carry_several_records() -> None:
    """A batch is `LEN|JSON` one after the other, and a bar inside JSON splits nothing."""
    assert split_message('9|{"a":"|"}2|{}') == ['{"a":"|"}', "{}"]


@pytest.mark.parametrize(
    "message", ["{}", "3|{}", "-2|{}", "|{}", "0|", "2|{}x", "\u0662|{}", "2|", "1" * 5000 + "|{}", "0" * 10 + "2|{}"]
)
def test_a_length_that_does_not_fit_is_refused(message: str) -> None:
    """The length is what takes a message apart, so a wrong one is an error, not a guess."""
    with pytest.raises(MessageError):
        split_message(message)


def test_many_small_records_cost_what_they_hold() -> None:
    """A message of 1 MB is taken apart in time that grows with its size, however small its records are."""
    message = "2|{}" * 250_000
    began_s = process_time()
    assert len(split_message(message)) == 250_000
    assert process_time() - began_s < 2


def test_an_address_keeps_its_other_parameters() -> None:
    """`observe` and `seq_start` are put into the address; what else stands there stays."""
    url = with_query("ws://h:1/stream?stream_key=k&seq_start=3&seq_end=9", observe=True, after=6)
    assert url == "ws://h:1/stream?stream_key=k&seq_start=7&seq_end=9&observe=1"


async def test_heartbeats_are_answered_and_not_shown() -> None:
    """`1|Z` is answered with `Z`; events around it arrive, and 1000 ends the stream."""
    answers = []

    async def play(connection: ServerConnection) -> None:
        await connection.send(record(1) + record(2))
        await connection.send("1|Z")
        answers.append(await connection.recv())
        await connection.send(record(3))

    async with playing(play) as (url, targets):
        assert await collect(url) == [1, 2, 3]
    assert answers == ["Z"]
    assert parse_qs(urlsplit(targets[0]).query) == {"stream_key": ["k"], "observe": ["1"]}


async def test_a_dropped_stream_goes_on_behind_the_last_event() -> None:
    """After a drop and a restart the stream resumes by number: no event twice, none left out."""

    async def drop(connection: ServerConnection) -> None:
        await connection.send(record(4) + record(5))
        await connection.send("1|Z")
        await connection.recv()  # what was sent before has arrived
        connection.transport.abort()

    async def restart(connection: ServerConnection) -> None:
        await connection.send(record(5))
        await connection.send(record(6))
        await connection.close(1012)

    async def finish(connection: ServerConnection) -> None:
        await connection.send(record(9))

    notices: list[str] = []
    async with playing(drop, restart, finish, refuse={1: 503}) as (url, targets):
        seqs = await collect(url, notices)
    assert seqs == [4, 5, 6, 9]
    starts = [parse_qs(urlsplit(target).query).get("seq_start") for target in targets]
    assert starts == [None, ["6"], ["6"], ["7"]]
    assert "events 7 to 8 are no longer kept" in notices


@pytest.mark.parametrize("status", [401, 403, 429])
async def test_a_refused_first_connection_is_told_at_once(status: int) -> None:
    """Who cannot get in hears the status, the server's words and when to come again."""
    async with playing(refuse={0: status}) as (url, _):
        with pytest.raises(RefusedError, match="told so") as caught:
            await collect(url)
    assert (caught.value.status, caught.value.retry_after_s) == (status, 7)


async def test_a_key_that_expires_while_away_ends_the_stream() -> None:
    """A later refusal that time does not mend is final as well."""

    async def drop(connection: ServerConnection) -> None:
        await connection.close(1012)

    async with playing(drop, refuse={1: 401}) as (url, targets):
        with pytest.raises(RefusedError):
            await collect(url)
        assert len(targets) == 2


@pytest.mark.parametrize("code", [4401, 4403, 1009])
async def test_a_closing_for_good_is_obeyed(code: int) -> None:
    """Close codes after which reconnecting cannot help end the stream."""

    async def close(connection: ServerConnection) -> None:
        await connection.close(code)

    async with playing(close) as (url, targets):
        with pytest.raises(Disconnect) as caught:
            await collect(url)
        assert len(targets) == 1
    assert caught.value.close_code == code


async def test_nobody_there_is_told_at_once() -> None:
    """A port without a listener is an error, not a reason to wait for one."""
    async with playing() as (url, _):
        pass
    with pytest.raises(UnreachableError, match="connection refused"):
        await collect(url)


async def test_another_protocol_is_an_error() -> None:
    """What is no event with a number is never handed out."""

    async def play(connection: ServerConnection) -> None:
        await connection.send("2|{}")

    async with playing(play) as (url, _):
        with pytest.raises(MessageError):
            await collect(url)
