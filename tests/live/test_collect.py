"""`twinstream collect` as a process: killed, stopped, refused, with outputs that fail, and asked how it is."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pyarrow.parquet as pq
import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from tests.databases import running_database
from tests.live.server import ServerProcess
from tests.live.test_kill import DSNS, populate
from twinstream.collector.report import ask
from twinstream.collector.watch import CollectorStatus
from twinstream.exits import (
    EX_DATAERR,
    EX_FINDINGS,
    EX_INTERRUPTED,
    EX_NOPERM,
    EX_PROTOCOL,
    EX_TEMPFAIL,
    EX_TERMINATED,
    EX_UNAVAILABLE,
)
from twinstream.wire.event import encode_record

SEED = int(os.environ.get("TWINSTREAM_KILL_SEED", time.time_ns() % 1_000_000))
COMMAND = [sys.executable, "-m", "twinstream", "collect"]
DEADLINE_S = 30.0

pytestmark = pytest.mark.live


class Fountain:
    """A stream without an end, always the same, in which every number up to ``head`` is there at once."""

    def __init__(self, head: int | None = None, *, lost: frozenset[int] = frozenset()) -> None:
        self.head = head
        self.lost = lost
        self.url = ""

    async def play(self, socket: ServerConnection) -> None:
        """Serve one client."""
        assert socket.request is not None
        query = parse_qs(urlsplit(socket.request.path).query)
        seq = max(1, int(query["seq_start"][0]))
        end = int(query.get("seq_end", ["0"])[0])
        try:
            while not end or seq <= end:
                if self.head is not None and seq > self.head:
                    await socket.wait_closed()
                    return
                await socket.send("".join(self.record(number) for number in range(seq, seq + 10)))
                seq += 10
                await asyncio.sleep(0.001)
        except ConnectionClosed:
            pass

    def record(self, seq: int) -> str:
        """An event of a length between 100 bytes and 4 KiB, which depends on its number alone."""
        if seq in self.lost or (self.head is not None and seq > self.head):
            return ""
        body = b'"metadata":{"event_type":"x"},"text":"%b"}' % (b"x" * (seq * 7919 % 4000))
        return encode_record(seq, body).decode()


@asynccontextmanager
async def running(fountain: Fountain) -> AsyncIterator[Fountain]:
    """Serve a fountain on a free port."""
    async with serve(fountain.play, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        fountain.url = f"ws://127.0.0.1:{port}/stream?stream_key=k"
        yield fountain


class Collector:
    """A collector process in a folder of its own; ``log`` holds the lines of its log."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.socket = folder / "collect.sock"
        self._log = (folder / "collect.log").open("a+b")
        self.process = subprocess.Popen(
            [*COMMAND, *arguments, f"--status={self.socket}"],
            cwd=folder,
            stderr=self._log,
            stdout=self._log,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # shells ignore it
        )

    @property
    def log(self) -> list[dict[str, Any]]:
        """What it has logged."""
        return [json.loads(line) for line in Path(self._log.name).read_text().splitlines()]

    def status(self) -> CollectorStatus | None:
        """Ask it; None while it does not answer."""
        return ask(self.socket) if self.socket.exists() else None

    async def until(self, wanted: Any) -> CollectorStatus:
        """Wait until its status is so."""
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log
            status = await asyncio.to_thread(self.status)
            if status is not None and wanted(status):
                return status
            await asyncio.sleep(0.05)
        raise AssertionError(self.log)

    async def until_taken(self, number: signal.Signals) -> None:
        """Wait until it has taken a signal: a second one that comes before would be the same one."""
        async with asyncio.timeout(DEADLINE_S):
            while self._pending() >> (number - 1) & 1:  # noqa: ASYNC110  # the kernel does not tell
                await asyncio.sleep(0.01)

    def _pending(self) -> int:
        told = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.findall(r"^ShdPnd:\s*(\w+)", told, re.MULTILINE)[0], 16)

    async def end(self, number: int | None = None) -> int:
        """Send a signal, or none, and wait for its end; answer the exit code."""
        if number is not None:
            self.process.send_signal(number)
        return await asyncio.to_thread(self.process.wait, DEADLINE_S)

    def close(self) -> None:
        """Kill it."""
        self.process.kill()
        self.process.wait()
        self._log.close()


@contextmanager
def collecting(folder: Path, *arguments: str) -> Iterator[Collector]:
    """Start a collector, and kill it at the end if it is there still."""
    with closing(Collector(folder, *arguments)) as collector:
        yield collector


def lines(path: Path) -> list[int]:
    """The numbers in the files of JSON lines of a folder, in their order."""
    return [
        int(json.loads(line)["seq"]) for file in sorted(path.glob("*.jsonl")) for line in file.read_bytes().splitlines()
    ]


def rows(path: Path) -> list[int]:
    """The numbers in the files of Parquet of a folder, in their order."""
    return [seq for file in sorted(path.rglob("*.parquet")) for seq in pq.read_table(file)["seq"].to_pylist()]


def table(path: Path) -> list[int]:
    """The numbers in the table of a database, in their order."""
    with closing(sqlite3.connect(path)) as database:
        return [seq for (seq,) in database.execute("SELECT seq FROM events ORDER BY id")]


@pytest.mark.timeout(300)
async def test_each_event_is_in_every_output_once_over_10_kills(tmp_path: Path) -> None:
    """JSON lines with rotation, Parquet and SQLite side by side, each from its own place."""
    await prove(tmp_path, kills=10)


@pytest.mark.soak
async def test_each_event_is_in_every_output_once_over_100_kills(tmp_path: Path) -> None:
    """The same over 100 kills."""
    await prove(tmp_path, kills=100)


async def prove(folder: Path, kills: int) -> None:
    """Kill a collector at random moments while it writes into three outputs, and look into them at the end."""
    chance = random.Random(SEED)
    outputs = ("jsonl:lines/?rotate=1MB", "parquet:lake/", "sqlite:///events.db")
    terms = ["--name=s", "--batch-size=20", "--batch-time=0.02", *(f"--to={output}" for output in outputs)]
    async with running(Fountain()) as fountain:
        for _ in range(kills):
            with collecting(folder, fountain.url, *terms) as collector:
                await collector.until(lambda status: all(route.written for route in status.routes))
                await asyncio.sleep(chance.uniform(0, 0.3))
        reached = max(lines(folder / "lines")[-1], rows(folder / "lake")[-1], table(folder / "events.db")[-1])
        with collecting(folder, fountain.url, *terms, f"--until-seq={reached + 50}") as collector:
            assert await collector.end() == 0
    wanted = list(range(1, reached + 51))
    assert lines(folder / "lines") == wanted, f"TWINSTREAM_KILL_SEED={SEED}"
    assert rows(folder / "lake") == wanted, f"TWINSTREAM_KILL_SEED={SEED}"
    assert table(folder / "events.db") == wanted, f"TWINSTREAM_KILL_SEED={SEED}"


@pytest.mark.needs("mariadb")
@pytest.mark.needs("postgresql")
async def test_one_stream_goes_into_every_kind_of_output_at_once(tmp_path: Path) -> None:
    """Each keeps its own place, and tells it without a collector."""
    with running_database("mariadb") as mariadb, running_database("postgresql") as postgresql:
        urls = [mariadb.url, postgresql.url, "sqlite:///e.db", "jsonl:e.jsonl?rotate=1KB", "parquet:lake/"]
        outputs = [f"--to={url}" for url in urls]
        async with running(Fountain(30)) as fountain:
            with collecting(tmp_path, fountain.url, *outputs, "--name=s", "--until-seq=30") as collector:
                assert await collector.end() == 0, collector.log
        code, told, _ = await ask_command(*outputs, "--json", folder=tmp_path)
    assert code == EX_FINDINGS
    routes = json.loads(told)[0]["routes"]
    assert [(route["stream"], route["seq"], route["reason"]) for route in routes] == [("s", 30, "")] * 5
    code, told, _ = await ask_command(*outputs[:2], "--json", folder=tmp_path)
    assert all(route["seq"] is None and route["reason"] for route in json.loads(told)[0]["routes"])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_what_has_come_is_written_when_it_is_asked_to_end(tmp_path: Path, number: int) -> None:
    """However long a batch may still wait; the exit code is 0, and the socket is gone."""
    async with running(Fountain(30)) as fountain:
        with collecting(tmp_path, fountain.url, "--to=jsonl:e.jsonl", "--batch-time=1h") as collector:
            await collector.until(lambda status: status.routes[0].waiting == 30)
            assert await collector.end(number) == 0
            assert not collector.socket.exists()
            assert collector.log[-1].items() >= {"event": "ended", "seq": 30, "written": 30}.items()
    assert lines(tmp_path) == list(range(1, 31))


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGTERM, EX_TERMINATED), (signal.SIGINT, EX_INTERRUPTED)])
async def test_a_second_signal_ends_it_at_once_and_in_silence(
    tmp_path: Path, number: signal.Signals, exit_code: int
) -> None:
    """While somebody holds a lock on the file and the first one has to wait; the socket is gone all the same."""
    with closing(sqlite3.connect(tmp_path / "e.db")) as database:
        database.execute("BEGIN EXCLUSIVE")
        async with running(Fountain(30)) as fountain:
            with collecting(tmp_path, fountain.url, "--to=sqlite:///e.db") as collector:
                await collector.until(lambda status: status.routes[0].state == "starting")
                collector.process.send_signal(number)
                await collector.until_taken(number)
                assert collector.process.poll() is None
                assert await collector.end(number) == exit_code
                assert [line["event"] for line in collector.log] == []
                assert not collector.socket.exists()


async def test_an_output_that_fails_does_not_stop_the_others(tmp_path: Path) -> None:
    """It is told in log, status and exit code; what the others were to get they get."""
    (tmp_path / "e.jsonl").write_text("my diary\n")
    async with running(Fountain(20)) as fountain:
        with collecting(tmp_path, fountain.url, "--to=jsonl:e.jsonl", "--to=jsonl:good/") as collector:
            status = await collector.until(lambda status: status.routes[1].seq == 20)
            assert [route.state for route in status.routes] == ["failed", "streaming"]
            assert await collector.end(signal.SIGTERM) == EX_DATAERR
            (failure,) = [line for line in collector.log if line["level"] == "error"]
            assert failure["reason"].endswith("its last line is none of this collector's; name another file")
    assert lines(tmp_path / "good") == list(range(1, 21))
    assert (tmp_path / "e.jsonl").read_text() == "my diary\n"


async def test_events_that_the_server_no_longer_has_are_told(tmp_path: Path) -> None:
    """As a line of the log, in the status, and on the terminal; what is not there cannot be told later."""
    async with running(Fountain(20, lost=frozenset({7, 8, 12}))) as fountain:
        with collecting(tmp_path, fountain.url, "--to=jsonl:e.jsonl", "--name=s") as collector:
            status = await collector.until(lambda status: status.routes[0].seq == 20)
            assert (status.routes[0].missing, status.routes[0].gaps) == (3, ((7, 8), (12, 12)))
            shown = await ask_command(f"--status={collector.socket}")
            assert "missing in s: 7-8, 12\n" in shown[1]
            await collector.end(signal.SIGTERM)
            gaps = [line for line in collector.log if line["event"] == "gap"]
            assert [(gap["level"], gap["first"], gap["last"], gap["events"]) for gap in gaps] == [
                ("warning", 7, 8, 2),
                ("warning", 12, 12, 1),
            ]


async def test_status_tells_of_a_collector_that_runs_and_of_one_that_does_not(tmp_path: Path) -> None:
    """By its socket, by the file it was started with, and by its outputs; the exit code says if it is well."""
    config = tmp_path / "collect.toml"
    async with running(Fountain(20)) as fountain:
        config.write_text(
            f'status = "{tmp_path}/collect.sock"\n[streams.s]\nurl = "{fountain.url}"\n'
            f'[streams.t]\nurl = "{fountain.url}"\n'
            f'[outputs.o]\nurl = "sqlite:///{tmp_path}/events.db"\n[outputs.p]\nurl = "parquet:{tmp_path}/lake/"\n'
        )
        config.chmod(0o600)
        assert await ask_command(f"--status={tmp_path}/collect.sock") == (
            EX_UNAVAILABLE,
            "",
            "twinstream: no collector of yours runs here; look into an output with --to or --config\n",
        )
        code, told, _ = await ask_command(f"--config={config}", "--json")
        assert code == EX_FINDINGS
        assert [(route["state"], route["seq"]) for route in json.loads(told)[0]["routes"]] == [
            ("not running", None)
        ] * 4
        assert not (tmp_path / "events.db").exists()
        with collecting(tmp_path, f"--config={config}", "--batch-time=0.1") as collector:
            await collector.until(lambda status: all(route.seq == 20 for route in status.routes))
            code, told, _ = await ask_command(f"--config={config}", "--json")
            assert code == 0
            (found,) = json.loads(told)
            assert found["pid"] == collector.process.pid
            assert [(route["stream"], route["state"]) for route in found["routes"]] == [
                (stream, "streaming") for stream in ("s", "s", "t", "t")
            ]
            with collecting(tmp_path, f"--config={config}") as second:
                assert await second.end() == EX_TEMPFAIL
    code, told, _ = await ask_command(f"--config={config}", "--json")
    assert code == EX_FINDINGS
    assert [(route["state"], route["seq"]) for route in json.loads(told)[0]["routes"]] == [("not running", 20)] * 4
    code, told, _ = await ask_command(f"--to=parquet:{tmp_path}/lake/")
    assert code == EX_FINDINGS
    assert [line.split()[-9:] for line in told.splitlines()[1:]]
    assert told.count("not running") == 2


async def ask_command(*arguments: str, folder: Path | None = None) -> tuple[int, str, str]:
    """Run `collect status`; answer exit code, output and errors."""
    done = await asyncio.to_thread(
        subprocess.run, [*COMMAND, "status", *arguments], cwd=folder, capture_output=True, text=True, timeout=DEADLINE_S
    )
    return done.returncode, done.stdout, done.stderr


async def test_a_server_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    """A collector may be started first; meanwhile its status says what is wrong."""
    async with running(Fountain(5)) as fountain:
        pass
    with collecting(tmp_path, fountain.url, "--to=jsonl:e.jsonl") as collector:
        status = await collector.until(lambda status: status.routes[0].state == "reconnecting")
        assert not status.is_healthy
        assert "refused" in status.routes[0].reason
        port = urlsplit(fountain.url).port
        async with serve(fountain.play, "127.0.0.1", port):
            status = await collector.until(lambda status: status.routes[0].seq == 5)
            assert status.is_healthy
            assert status.routes[0].last_error is not None
            assert await collector.end(signal.SIGTERM) == 0


async def test_a_real_server_is_collected_to_its_present_end(server: ServerProcess, tmp_path: Path) -> None:
    """`--once` ends with the newest event; once more, and nothing is there twice.

    A new stream under an old name would be waited for in vain, and is refused; so is a key that is none.
    """
    url = server.url.replace("http", "ws") + "/stream"
    key, new_key = await asyncio.to_thread(make_events, server, 12)
    terms = ("--to=sqlite:///e.db", "--name=s")
    for written in (12, 0):
        with collecting(tmp_path, f"{url}?stream_key={key}", *terms, "--once") as collector:
            assert await collector.end() == 0
            assert (collector.log[-1]["event"], collector.log[-1]["written"]) == ("ended", written)
    assert table(tmp_path / "e.db") == list(range(1, 13))
    with collecting(tmp_path, f"{url}?stream_key={new_key}", *terms) as collector:
        assert await collector.end() == EX_PROTOCOL
        assert "the stream has come to 0 only" in collector.log[-1]["reason"]
    for bound in ("--once", "--for=1h"):
        with collecting(tmp_path, f"{url}?stream_key={'0' * 32}", "--to=jsonl:f.jsonl", bound) as collector:
            assert await collector.end() == EX_NOPERM


def make_events(server: ServerProcess, count: int) -> list[str]:
    """Have a stream with so many datapoint events, and after them another one; answer the keys of both."""
    tokens = populate(server, retention_bytes=None)
    headers = {name: {"Authorization": f"auth_token {token}"} for name, token in tokens.items()}
    wanted = {"name": "s", "subscription_type": "datapoint", "client_type": "cloud", "oem_model": "pad", "dsn": "*"}
    points = [{"datapoint": {"value": str(number)}, "dsn": DSNS[0], "name": "note"} for number in range(count)]
    calls = [
        ("admin", "/api/v1/subscriptions.json", wanted | {"property_name": "*"}),
        ("owner", "/apiv1/batch_datapoints.json", {"batch_datapoints": points}),
        ("admin", "/api/v1/subscriptions.json", wanted | {"property_name": "*"}),
    ]
    with httpx.Client(base_url=server.url, timeout=20) as client:
        replies = [client.post(path, json=body, headers=headers[who]).raise_for_status() for who, path, body in calls]
    return [str(replies[number].json()["subscription"]["stream_key"]) for number in (0, 2)]
