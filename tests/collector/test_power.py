"""Lost power: what a file sink has said to hold is there, whole, each event once, and it goes on behind it."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).parents[2]
URLS = {
    "lines": "jsonl:{folder}/s.jsonl",
    "rotated": "jsonl:{folder}/s.jsonl?rotate=20KB",
    "parquet": "parquet:{parent}/",
}

pytestmark = pytest.mark.needs("cc")


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The disk that can lose power, compiled."""
    library = tmp_path_factory.mktemp("disk") / "disk.so"
    source = ROOT / "tests" / "faults" / "disk.c"
    subprocess.run(["cc", "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return library


@pytest.mark.parametrize("kind", URLS)
def test_what_was_written_survives_power_cuts(disk: Path, tmp_path: Path, kind: str) -> None:
    """Four in a row, at random moments; only the synced bytes are left each time."""
    told, held = cut_power(disk, tmp_path, kind, rounds=4)
    assert held == list(range(1, len(held) + 1))
    assert len(held) >= told


@pytest.mark.parametrize("kind", URLS)
def test_a_sink_that_syncs_nothing_is_caught(disk: Path, tmp_path: Path, kind: str) -> None:
    """The control: the same power cuts lose what was said to be held."""
    told, held = cut_power(disk, tmp_path, kind, rounds=1, how="careless")
    assert len(held) < told


def cut_power(disk: Path, scratch: Path, kind: str, rounds: int, how: str = "") -> tuple[int, list[int]]:
    """Write and cut the power so many times; answer the last number that was told, and all that are there."""
    chance = random.Random(5)
    folder, shadow = scratch / "out" / "stream=s", scratch / "shadow"
    folder.mkdir(parents=True)
    shadow.mkdir()
    url = URLS[kind].format(folder=folder, parent=folder.parent)
    steering = {"LD_PRELOAD": str(disk), "DISK_ROOT": str(folder), "DISK_SHADOW": str(shadow)}
    last = 0
    for _ in range(rounds):
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.collector.load", url, how],
            cwd=ROOT,
            env=os.environ | steering,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        for _ in range(chance.randrange(1, 100)):
            last = int(process.stdout.readline())
        process.kill()
        rest, _ = process.communicate()
        last = max([last, *(int(line) for line in rest.splitlines(keepends=True) if line.endswith(b"\n"))])
        shutil.rmtree(folder)
        shutil.copytree(shadow, folder)
    return last, read(folder)


def read(folder: Path) -> list[int]:
    """All numbers in the files of a folder, by name."""
    lines = [line for file in sorted(folder.glob("*.jsonl")) for line in file.read_bytes().splitlines()]
    tables = [pq.read_table(file, partitioning=None) for file in sorted(folder.glob("*.parquet"))]
    return [int(json.loads(line)["seq"]) for line in lines] + [
        seq for table in tables for seq in table["seq"].to_pylist()
    ]
