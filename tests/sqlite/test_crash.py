"""Killed processes, lost power, failing and full disks: what was answered is stored."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from itertools import islice, takewhile
from pathlib import Path

import pytest

from twinstream.exits import EX_IOERR
from twinstream.ports.log import Cursor, PageRequest
from twinstream.sqlite.database import Database
from twinstream.sqlite.page import read_page

ROOT = Path(__file__).parents[2]


class Load:
    """Runs of `tests.sqlite.load` in one folder, one after the other; remembers what was answered."""

    def __init__(self, folder: Path, how: str = "plain", environment: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.answered: set[int] = set()
        self._how = how
        self._environment = {**os.environ, **(environment or {})}

    def start(self) -> subprocess.Popen[bytes]:
        """Start a process whose event numbers are new."""
        first = str(max(self.answered, default=0) + 1000)
        command = [sys.executable, "-m", "tests.sqlite.load", str(self.folder), first, self._how]
        return subprocess.Popen(command, cwd=ROOT, env=self._environment, stdout=subprocess.PIPE)

    def hear(self, process: subprocess.Popen[bytes], answers: int) -> None:
        """Listen until so many events were answered."""
        assert process.stdout is not None
        for _ in range(answers):
            self.answered.add(int(process.stdout.readline()))

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """Kill the process with SIGKILL and take note of what it had answered."""
        process.kill()
        rest, _ = process.communicate()
        self.answered.update(int(line) for line in rest.splitlines() if line.isdigit())

    def missing(self) -> set[int]:
        """Open the folder, check that it is whole and densely numbered, and answer what is not in it."""
        database = Database.open(self.folder)
        try:
            assert database.writer.pragma("integrity_check") == "ok"
            stored = _read_all(database)
        finally:
            database.close()
        assert len(stored) == len(set(stored))
        return self.answered - set(stored)


def _read_all(database: Database) -> list[int]:
    """Read subscription 1 from its beginning, as a subscriber would; answer the events' own numbers."""
    numbers: list[int] = []
    after = Cursor(0, 0)
    while True:
        page = read_page(database.writer, PageRequest(1, after))
        assert page.first_seq == len(numbers) + 1
        for tail in page.tails:
            found = re.match(rb'"number":(\d+)', tail)
            assert found is not None
            numbers.append(int(found[1]))
        if page.through == after:
            return numbers
        after = page.through


def _lose(load: Load, rounds: int, answers: int) -> int:
    """Start and kill so many times; answer how many answered events were lost."""
    chance = random.Random(5)
    for _ in range(rounds):
        process = load.start()
        load.hear(process, chance.randrange(1, answers))
        load.kill(process)
    return len(load.missing())


def test_a_kill_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    """After SIGKILLs in full load the database is whole, numbers are dense, and every answered event is there."""
    assert _lose(Load(tmp_path), rounds=5, answers=1500) == 0


def test_an_answer_before_the_commit_is_caught(tmp_path: Path) -> None:
    """The same test with the bug in it fails: it can see what it claims to see."""
    assert _lose(Load(tmp_path, "hasty"), rounds=5, answers=100) > 0


@pytest.mark.soak
def test_many_kills_lose_nothing(tmp_path: Path) -> None:
    """The same, 100 times."""
    assert _lose(Load(tmp_path), rounds=100, answers=3000) == 0


class PoweredLoad(Load):
    """A load on a disk that keeps only what was fsynced when the power goes."""

    def __init__(self, disk: Path, scratch: Path, how: str = "plain") -> None:
        self.shadow, self.broken = scratch / "shadow", scratch / "broken"
        folder = scratch / "folder"
        for path in (folder, self.shadow):
            path.mkdir()
        steering = {"DISK_ROOT": str(folder), "DISK_SHADOW": str(self.shadow), "DISK_BROKEN": str(self.broken)}
        super().__init__(folder, how, {"LD_PRELOAD": str(disk), **steering})

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """Cut the power."""
        super().kill(process)
        shutil.rmtree(self.folder)
        shutil.copytree(self.shadow, self.folder)


@pytest.mark.needs("cc")
def test_a_power_cut_loses_nothing_that_was_answered(disk: Path, tmp_path: Path) -> None:
    """With only the fsynced bytes left, checkpoints and all, every answered event is there."""
    assert _lose(PoweredLoad(disk, tmp_path), rounds=5, answers=1500) == 0


@pytest.mark.needs("cc")
def test_a_power_cut_shows_that_synchronous_normal_is_not_enough(disk: Path, tmp_path: Path) -> None:
    """The control: without an fsync per commit the same power cuts lose answered events."""
    assert _lose(PoweredLoad(disk, tmp_path, "careless"), rounds=5, answers=1500) > 0


@pytest.mark.needs("cc")
def test_after_a_failed_fsync_nothing_is_answered_any_more(disk: Path, tmp_path: Path) -> None:
    """The process ends with exit code 74; what was answered before is there at the next start."""
    load = PoweredLoad(disk, tmp_path)
    process = load.start()
    load.hear(process, 200)
    load.broken.touch()
    rest, _ = process.communicate(timeout=20)
    load.broken.unlink()
    lines = rest.decode().split()
    assert process.returncode == EX_IOERR
    answered = [line for line in lines if line.isdigit()]
    assert lines[: len(answered)] == answered, "an answer came after a failure"
    load.answered.update(map(int, answered))
    assert load.missing() == set()


def test_a_disk_that_was_full_for_a_while_lost_nothing(tmp_path: Path) -> None:
    """Files cannot grow: producers are told storage_full; once they can, the same process goes on."""
    load = Load(tmp_path, "cramped")
    process = load.start()
    assert process.stdout is not None
    lines = iter(process.stdout.readline, b"")
    load.answered.update(int(line) for line in takewhile(lambda line: line != b"full\n", lines) if line[:-1].isdigit())
    load.answered.update(islice((int(line) for line in lines if line[:-1].isdigit()), 200))
    load.kill(process)
    assert load.missing() == set()
