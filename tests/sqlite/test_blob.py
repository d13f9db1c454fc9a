"""The bytes of files and messages on the disk: whole or not there, also when the disk is full or fails."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from twinstream.errors import RequestError
from twinstream.sqlite.blob import FolderBlobs

BIG = b"x" * 500_000


@pytest.fixture
def blobs(tmp_path: Path) -> FolderBlobs:
    """An empty folder of them."""
    return FolderBlobs(tmp_path)


@contextmanager
def full_disk(size_bytes: int = 100_000) -> Iterator[None]:
    """Let no file grow beyond so many bytes: the kernel refuses to write more."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def names(tmp_path: Path) -> list[str]:
    """The files that there are."""
    return sorted(path.name for path in (tmp_path / "blobs").iterdir())


def test_a_part_is_not_to_be_read(blobs: FolderBlobs, tmp_path: Path) -> None:
    """Until it is finished; finishing again changes nothing, and one without bytes is empty."""
    blobs.append("a", 0, b"ab")
    blobs.append("a", 2, b"cd")
    assert (blobs.size("a"), blobs.size("b"), blobs.read("a")) == (4, 0, None)
    blobs.finish("a")
    blobs.finish("a")
    blobs.finish("b")
    assert (blobs.read("a"), blobs.read("b"), names(tmp_path)) == (b"abcd", b"", ["a", "b"])
    with pytest.raises(ValueError, match="behind the end"):
        blobs.append("c", 1, b"x")


def test_what_comes_again_takes_the_place_of_what_was_there(blobs: FolderBlobs, tmp_path: Path) -> None:
    """Without a rest of the first attempt, also if that was finished already (and its commit was not)."""
    blobs.append("a", 0, b"a longer attempt")
    blobs.append("a", 0, b"short")
    blobs.finish("a")
    assert blobs.read("a") == b"short"
    blobs.append("a", 0, b"new")
    blobs.finish("a")
    assert (blobs.read("a"), names(tmp_path)) == (b"new", ["a"])


def test_a_full_disk_is_told_and_nothing_is_left(blobs: FolderBlobs, tmp_path: Path) -> None:
    """storage_full, to come again later; what was stored stays, and with room everything goes on."""
    blobs.write("a", b"kept")
    with full_disk():
        with pytest.raises(RequestError) as written:
            blobs.write("b", BIG)
        with pytest.raises(RequestError) as appended:
            blobs.append("c", 0, BIG)
    for caught in (written, appended):
        assert (caught.value.code, caught.value.status, caught.value.retry_after_s) == ("storage_full", 503, 10)
    assert (blobs.read("a"), blobs.read("b"), blobs.read("c")) == (b"kept", None, None)
    assert names(tmp_path) == ["a", "c.part"]
    blobs.write("b", BIG)
    blobs.append("c", 0, b"small")
    blobs.finish("c")
    assert (blobs.read("b"), blobs.read("c")) == (BIG, b"small")


@pytest.mark.needs("cc")
def test_after_a_failed_fsync_the_bytes_must_come_again(disk: Path, tmp_path: Path) -> None:
    """storage_failed, and they are gone: what the kernel still shows of them may not be on the disk."""
    shadow, broken = tmp_path / "shadow", tmp_path / "broken"
    (shadow / "blobs").mkdir(parents=True)
    broken.touch()
    folder = tmp_path / "data"
    folder.mkdir()
    steering = {"DISK_ROOT": str(folder), "DISK_SHADOW": str(shadow), "DISK_BROKEN": str(broken)}
    command = [sys.executable, "-c", _FINISH, str(folder)]
    run = subprocess.run(
        command, env=os.environ | {"LD_PRELOAD": str(disk)} | steering, check=True, capture_output=True, timeout=30
    )
    assert run.stdout.split() == [b"storage_failed"] * 2
    assert names(folder) == []


_FINISH = """
import sys
from pathlib import Path
from twinstream.errors import RequestError
from twinstream.sqlite.blob import FolderBlobs
blobs = FolderBlobs(Path(sys.argv[1]))
blobs.append("a", 0, b"bytes")
for attempt in (lambda: blobs.finish("a"), lambda: blobs.write("b", b"bytes")):
    try:
        attempt()
    except RequestError as error:
        print(error.code)
"""


def test_old_ones_are_listed_and_removed(blobs: FolderBlobs, tmp_path: Path) -> None:
    """Whole or not, each once, by the time of the last byte."""
    blobs.write("a", b"1")
    blobs.append("b", 0, b"2")
    blobs.write("new", b"3")
    for name in ("a", "b.part"):
        os.utime(tmp_path / "blobs" / name, (1, 1))
    assert blobs.list_older(3600) == ["a", "b"]
    for name in ("a", "b", "never"):
        blobs.remove(name)
    assert names(tmp_path) == ["new"]
