"""Streams recorded from real servers and from servers that misbehave; and round again."""

from __future__ import annotations

import asyncio
import json
import math
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from websockets.asyncio.server import ServerConnection

from tests.client.play import play_of, playing, record
from tests.recording.tapes import DSN, USER, datapoint, read, tape, texts, write
from tests.web.harness import KEY, serving
from twinstream.client.clock import SystemClock
from twinstream.client.state import State
from twinstream.exits import CommandError
from twinstream.recording.file import EventLine, Recording, StateLine
from twinstream.recording.player import Player
from twinstream.recording.pseudonym import KINDS, Pseudonyms
from twinstream.recording.recorder import Bounds
from twinstream.recording.recorder import record as record_stream
from twinstream.recording.reel import Reel
from twinstream.recording.scrub import scrub


def quiet(_: State) -> None:
    """Tell nobody."""


def states(path: Path) -> list[str]:
    """The names of the states in a recording."""
    return [json.loads(line.text)["state"] for line in read(path) if isinstance(line, StateLine)]


async def test_from_a_live_server_and_round_again(tmp_path: Path) -> None:
    """What is recorded from a real server, played, and recorded again is the same to the last character."""
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl.gz"
    async with serving() as server:
        url = f"ws://127.0.0.1:{server.port}/stream"
        server.append(5, value="a\\u007cb \\u00fc")
        server.append_together(20)
        assert await record_stream(url, first, stream_key=KEY, seq_start=0, bounds=Bounds(25), notify=quiet) == (25, 25)
    assert len(texts(first)) == 25
    header = Recording(first).header
    assert header.stream == url
    assert KEY not in first.read_text()
    events = [line for line in read(first) if isinstance(line, EventLine)]
    player = Player(Reel(events, speed=math.inf), SystemClock())
    async with player.open("127.0.0.1", 0) as (host, port):
        found = await record_stream(f"ws://{host}:{port}/?stream_key=k", second, seq_start=0, seq_end=25, notify=quiet)
    assert found == (25, 25)
    assert texts(second) == texts(first)


async def test_it_looks_on(tmp_path: Path) -> None:
    """A recorder passes observe=1."""
    async with playing(play_of(record(1), code=4403)) as (url, targets):
        with pytest.raises(CommandError, match="closed the stream: 4403"):
            await record_stream(url, tmp_path / "a", notify=quiet)
    assert parse_qs(urlsplit(targets[0]).query)["observe"] == ["1"]
    assert texts(tmp_path / "a") == [record(1).partition("|")[2]]


async def test_a_file_is_gone_on_with(tmp_path: Path) -> None:
    """Behind its last event, also if its end is torn; states and gaps stand between the events."""
    path = tmp_path / "a.jsonl"
    async with playing(play_of(record(1), record(2), record(3)), play_of(record(5), "1|Z", record(6))) as (
        url,
        targets,
    ):
        await record_stream(url, path, bounds=Bounds(count=3), notify=quiet)
        path.write_bytes(path.read_bytes()[:-5])
        assert await record_stream(url, path, bounds=Bounds(count=2), notify=quiet) == (2, 6)
    starts = [parse_qs(urlsplit(target).query).get("seq_start") for target in targets]
    assert starts == [None, ["3"]]
    assert [line.seq for line in read(path) if isinstance(line, EventLine)] == [1, 2, 5, 6]
    assert states(path) == ["connected", "connected", "gap"]


async def test_a_drop_is_recorded_and_told(tmp_path: Path) -> None:
    """With what happened, and when."""
    told: list[State] = []

    async def drop(connection: ServerConnection) -> None:
        await connection.send(record(1))
        await connection.close(1012)

    async with playing(drop, play_of(record(2))) as (url, _):
        await record_stream(url, tmp_path / "a", bounds=Bounds(count=2), notify=told.append)
    assert states(tmp_path / "a") == ["connected", "reconnecting", "connected", "resumed"]
    assert len(told) == 4
    times = [line.at_s for line in read(tmp_path / "a")]
    assert times == sorted(times)


async def test_a_bound_in_time_ends_it(tmp_path: Path) -> None:
    """Also if nothing comes, with what has come in the file."""
    async with playing(play_of(record(1))) as (url, _):
        assert await record_stream(url, tmp_path / "a", bounds=Bounds(seconds=0.3), notify=quiet) == (1, 1)


async def test_a_range_that_is_there_already_needs_no_server(tmp_path: Path) -> None:
    """A file that holds the last number wanted is complete."""
    path = tmp_path / "a"
    async with playing(play_of(record(1), record(2), code=1000)) as (url, targets):
        assert await record_stream(url, path, seq_start=1, seq_end=2, notify=quiet) == (2, 2)
        assert await record_stream(url, path, seq_start=1, seq_end=2, notify=quiet) == (0, 2)
        assert len(targets) == 1


@pytest.mark.parametrize(("status", "exit_code"), [(401, 77), (403, 77), (503, 75), (404, 76)])
async def test_a_refusal_is_told(tmp_path: Path, status: int, exit_code: int) -> None:
    """With the exit code that `tail` has for it."""
    async with playing(refuse={0: status}) as (url, _):
        with pytest.raises(CommandError, match="told so") as caught:
            await record_stream(url, tmp_path / "a", notify=quiet)
    assert caught.value.exit_code == exit_code


async def test_pseudonyms_while_recording(tmp_path: Path) -> None:
    """Nothing of the original reaches the disk, the address of the stream neither; with the same seed it goes on."""
    path = tmp_path / "a"
    first = [f"{len(text)}|{text}" for text in (datapoint(1, f"I am {DSN} of anna@example.de"), datapoint(2, USER))]
    text = datapoint(3)
    async with playing(play_of(*first), play_of(f"{len(text)}|{text}")) as (url, _):
        await record_stream(url, path, bounds=Bounds(2), pseudonyms=Pseudonyms(KINDS, "s"), notify=quiet)
        with pytest.raises(CommandError, match="other pseudonyms"):
            await record_stream(url, path, pseudonyms=Pseudonyms(KINDS, "t"), notify=quiet)
        await record_stream(url, path, bounds=Bounds(1), pseudonyms=Pseudonyms(KINDS, "s"), notify=quiet)
        address = urlsplit(url).netloc
    content = path.read_text()
    assert not [secret for secret in (DSN, USER, "anna", address) if secret in content]
    dsns = {json.loads(text)["metadata"]["dsn"] for text in texts(path)}
    assert len(dsns) == 1
    assert f"I am {dsns.pop()} of user-" in content


async def test_why_a_stream_was_lost_is_told_with_pseudonyms(tmp_path: Path) -> None:
    """A reason, whoever gave it, names neither key nor host, nor what else has a pseudonym; `scrub` likewise."""
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    key = "0123456789abcdef"
    event = datapoint(1)

    async def drop(connection: ServerConnection) -> None:
        await connection.send(f"{len(event)}|{event}")
        await connection.close(1012, f"LOCALHOST, {DSN}, 10.1.2.3, anna@example.de, {key}, localhost2")

    async with playing(drop, play_of(record(2)), drop, play_of(record(2))) as (url, _):
        url = url.replace("127.0.0.1", "localhost").replace("=k", f"={key}")
        await record_stream(url, first, bounds=Bounds(2), pseudonyms=Pseudonyms(KINDS, "s"), notify=quiet)
        await record_stream(url, second, bounds=Bounds(2), notify=quiet)
    scrub(second, third, Pseudonyms(KINDS, "s"))
    for path in (first, third):
        [reason] = [found["reason"] for line in read(path) if "reason" in (found := json.loads(line.text))]
        dsn = json.loads(texts(path)[0])["metadata"]["dsn"]
        assert reason.startswith(f"closed with 1012 [host], {dsn}, 10.")
        assert reason.endswith("@example.com, [stream key], localhost2")
        assert not [secret for secret in (DSN, "10.1.2.3", "anna", key) if secret in path.read_text()]


def test_a_recording_is_scrubbed(tmp_path: Path) -> None:
    """Numbers and times of arrival stay; what an event says of a device that only a later one names is replaced too."""
    source, target = tmp_path / "a", tmp_path / "b.gz"
    odd = datapoint(2, dsn="kitchen-7")
    events = [EventLine(1.5, 1, datapoint(1, "see kitchen-7 and " + DSN)), EventLine(2.5, 2, odd)]
    write(source, events)
    assert scrub(source, target, Pseudonyms(KINDS, "s")) == 2
    lines = read(target)
    assert [(line.at_s, line.seq) for line in lines if isinstance(line, EventLine)] == [(1.5, 1), (2.5, 2)]
    told = "".join(texts(target))
    assert not [secret for secret in ("kitchen", DSN, USER) if secret in told]
    header = Recording(target).header
    assert (header.stream, header.key_fingerprint) == (None, None)
    assert header.pseudonyms is not None
    assert header.pseudonyms.kinds == KINDS


async def test_a_cancelled_recording_keeps_what_came(tmp_path: Path) -> None:
    """As at Ctrl-C, also in a compressed file."""
    path = tmp_path / "a.gz"
    came = asyncio.Event()

    async def play(connection: ServerConnection) -> None:
        for event in tape(3):
            await connection.send(f"{len(event.text)}|{event.text}")
        await connection.send("1|Z")
        await connection.recv()
        came.set()
        await connection.wait_closed()

    async with playing(play) as (url, _):
        task = asyncio.create_task(record_stream(url, path, notify=quiet))
        await came.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert len(texts(path)) == 3
    assert not Recording(path).is_torn
