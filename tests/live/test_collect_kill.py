"""A collector, its server and its database, killed at random moments: each event is in the table once, in order.

While datapoints are posted, one of the three gets SIGKILL again and again and is started anew on the same files. At the
end what the producers were told is held against the table. The table was there before, as the documents make it, with a
few more columns and without a key over the numbers: exactly-once rests on the cursor alone. The same play must fail
with a collector that writes rows and cursor in two transactions, in either order: otherwise it would prove nothing.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from tests.databases import DatabaseServer, running_database
from tests.live.cast import Producer, Stage
from tests.live.collecting import WRITING
from tests.live.server import ServerProcess
from tests.live.test_kill import DSNS, SETTINGS, populate

SEED = int(os.environ.get("TWINSTREAM_KILL_SEED", time.time_ns() % 1_000_000))
WRITING_S = 10.0
COLUMNS = """event_type varchar(32), oem_id varchar(32), oem_model varchar(32), dsn varchar(32), time varchar(32),
user_uuid varchar(64), stream varchar(64), seq bigint, value varchar(64)"""
COUNTING = {"sqlite": "INTEGER", "mariadb": "int NOT NULL AUTO_INCREMENT", "postgresql": "serial"}
KINDS = (
    "sqlite",
    pytest.param("mariadb", marks=pytest.mark.needs("mariadb")),
    pytest.param("postgresql", marks=pytest.mark.needs("postgresql")),
)

pytestmark = pytest.mark.live


@pytest.mark.timeout(400)
@pytest.mark.parametrize("kind", KINDS)
async def test_each_event_is_stored_once_over_10_kills(kind: str, tmp_path: Path) -> None:
    """Every accepted datapoint has one row, in the stream's order, whoever was killed and when."""
    await prove(kind, tmp_path, kills=10)


@pytest.mark.soak
@pytest.mark.parametrize("kind", KINDS)
async def test_each_event_is_stored_once_over_100_kills(kind: str, tmp_path: Path) -> None:
    """The same over 100 kills."""
    await prove(kind, tmp_path, kills=100)


@pytest.mark.timeout(400)
@pytest.mark.parametrize(("bug", "fault"), [("rows-first", "doubled"), ("cursor-first", "missing")])
async def test_a_collector_with_two_transactions_is_caught(bug: str, fault: str, tmp_path: Path) -> None:
    """The play is able to fail: rows and cursor that are not committed together come apart."""
    faults, _ = await play("sqlite", tmp_path, kills=4, seed=1, bug=bug, victims=("collector",), settle_s=4)
    assert faults[fault], f"not caught: {dict(faults)}"


async def prove(kind: str, folder: Path, kills: int) -> None:
    """Play, and hold the verdict against the promise."""
    faults, summary = await play(kind, folder, kills, SEED)
    print(f"{kind}, {kills} kills, seed {SEED}: {summary}, faults {dict(faults)}")  # noqa: T201
    assert not +faults, f"TWINSTREAM_KILL_SEED={SEED}: {dict(faults)}; {summary}"


async def play(
    kind: str,
    folder: Path,
    kills: int,
    seed: int,
    bug: str = "",
    victims: tuple[str, ...] = ("collector", "server", "database"),
    settle_s: float = 90,
) -> tuple[Counter[str], str]:
    """Run the play; answer the faults by kind, and what happened, for people."""
    chance = random.Random(seed)
    killed: Counter[str] = Counter()
    with database_of(kind, folder) as (url, database):
        victims = tuple(victim for victim in victims if victim != "database" or database is not None)
        server = ServerProcess(folder / "data", **SETTINGS)
        stage = Stage(server.url)
        collector: Collector | None = None
        try:
            producers, stream_key = await asyncio.to_thread(set_up, server, stage)
            collector = Collector(folder, f"{stage.ws}/stream?stream_key={stream_key}", url, bug)
            feeding = asyncio.gather(*(producer.run() for producer in producers))
            for _ in range(kills):
                if chance.random() < 0.7:  # otherwise the collector may be starting still
                    await asyncio.to_thread(collector.await_writing)
                await asyncio.sleep(chance.uniform(0, 0.8))
                victim = chance.choice(victims)
                killed[victim] += 1
                if victim == "collector":
                    await asyncio.to_thread(collector.restart)
                elif victim == "server":
                    server.kill()
                    port = server.address[1]
                    server = await asyncio.to_thread(ServerProcess, folder / "data", port=port, **SETTINGS)
                elif database is not None:
                    database.kill()
                    await asyncio.sleep(chance.uniform(0, 0.3))
                    await asyncio.to_thread(database.start)
            stage.quiet.set()
            await asyncio.wait_for(feeding, 30)
            sent = {one.value: one.status for producer in producers for one in producer.sent}
            accepted = [value for value, status in sent.items() if status is not None and 200 <= status < 300]
            rows = await settle(url, collector, len(accepted), settle_s)
        finally:
            stage.quiet.set()
            server.kill()
            if collector is not None:
                collector.kill()
    faults = judge(rows, accepted, sent)
    assert len(accepted) > 10 * kills, "too little happened to prove anything"
    return faults, f"killed {dict(killed)}, sent {len(sent)}, accepted {len(accepted)}, rows {len(rows)}"


def judge(rows: list[tuple[int, str]], accepted: list[str], sent: dict[str, int | None]) -> Counter[str]:
    """Count what is wrong with the rows (seq, value), given in the order of the table."""
    seqs, values = [row[0] for row in rows], Counter(row[1] for row in rows)
    refused = [value for value, status in sent.items() if status is not None and not 200 <= status < 300]
    return Counter(
        {
            "missing": sum(value not in values for value in accepted),
            "doubled": sum(count - 1 for count in values.values()) + len(seqs) - len(set(seqs)),
            "out of order": sum(later <= earlier for earlier, later in pairwise(seqs)),
            "gap": max(seqs, default=0) - len(set(seqs)),
            "phantom": sum(value not in sent for value in values) + sum(value in values for value in refused),
        }
    )


async def settle(url: str, collector: Collector, expected: int, settle_s: float) -> list[tuple[int, str]]:
    """Wait until everything is there and nothing more comes, or the time is up; answer the rows.

    What was sent without an answer may follow what was accepted: so it is over when the count stands still.
    """
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    deadline = time.monotonic() + settle_s
    rows: list[tuple[int, str]] = []
    calm_since = time.monotonic()
    while time.monotonic() < deadline and (len(rows) < expected or time.monotonic() - calm_since < 3):
        assert collector.process.poll() is None, f"the collector has ended: {collector.log.read_text()}"
        await asyncio.sleep(0.2)
        before = len(rows)
        with suppress(sa.exc.OperationalError), engine.connect() as connection:
            rows = [tuple(row) for row in connection.exec_driver_sql("SELECT seq, value FROM events ORDER BY id")]
        if len(rows) != before:
            calm_since = time.monotonic()
    return rows


@contextmanager
def database_of(kind: str, folder: Path) -> Iterator[tuple[str, DatabaseServer | None]]:
    """Give the URL of a database that holds a table like the documents', and its server if it has one."""
    if kind == "sqlite":
        url = f"sqlite:///{folder / 'events.db'}"
        make_table(kind, url)
        yield url, None
    else:
        with running_database(kind) as server:
            make_table(kind, server.url)
            yield server.url, server


def make_table(kind: str, url: str) -> None:
    """Make a table as the documents do, which can also tell what came when, but has no key over it."""
    with sa.create_engine(url, poolclass=sa.NullPool).begin() as connection:
        connection.exec_driver_sql(f"CREATE TABLE events (id {COUNTING[kind]}, {COLUMNS}, PRIMARY KEY (id))")


def set_up(server: ServerProcess, stage: Stage) -> tuple[list[Producer], str]:
    """Make the devices and the stream; answer who posts, and the stream's key."""
    tokens = populate(server, retention_bytes=None)
    terms = {"oem_model": "pad", "dsn": "*", "property_name": "*", "client_type": "cloud", "batch_size": 20}
    with httpx.Client(base_url=stage.http, timeout=20) as client:
        reply = client.post(
            "/api/v1/subscriptions.json",
            json={"name": "s", "subscription_type": "datapoint"} | terms,
            headers={"Authorization": f"auth_token {tokens['admin']}"},
        )
    assert reply.status_code == 201, reply.text
    targets = [(dsn, name) for dsn in DSNS for name in ("note", "memo")]
    producers = [Producer(stage, f"p{number}", tokens["owner"], targets) for number in range(3)]
    return producers, reply.json()["subscription"]["stream_key"]


class Collector:
    """A collector process that is killed and started again."""

    def __init__(self, folder: Path, stream: str, database: str, bug: str) -> None:
        self.log = folder / "collector.log"
        self._command = [sys.executable, "-m", "tests.live.collecting", stream, database, *filter(None, [bug])]
        self.process = self._start()

    def await_writing(self) -> None:
        """Wait until it has written something since its start, but not for ever: something else may be down."""
        deadline = time.monotonic() + WRITING_S
        while time.monotonic() < deadline and WRITING.encode() not in self.log.read_bytes()[self._said :]:
            time.sleep(0.02)

    def restart(self) -> None:
        """SIGKILL, and start it again."""
        self.kill()
        self.process = self._start()

    def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        self.process.kill()
        self.process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            self._said = log.tell()
            return subprocess.Popen(self._command, stdout=log, stderr=log)
