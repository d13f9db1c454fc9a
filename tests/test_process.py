"""What a long-running process needs of its surroundings: signals, background tasks, files."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import signal
from pathlib import Path

import pytest

from twinstream.errors import RequestError
from twinstream.exits import EX_CONFIG, EX_IOERR, CommandError
from twinstream.process import Jobs, Stop, address_file, explained, raise_file_limit


async def test_the_first_signal_asks_and_the_second_hurries() -> None:
    """SIGTERM asks for the end; a second one also calls for haste."""
    stop = Stop()
    stop.catch_signals()
    hurried: list[int] = []
    stop.on_hurry = lambda: hurried.append(1)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(stop.requested.wait(), 5)
    assert not hurried
    os.kill(os.getpid(), signal.SIGINT)
    await asyncio.wait_for(stop.hurry.wait(), 5)
    assert hurried == [1]
    assert stop.exit_code == 0


async def test_a_failed_disk_ends_the_process_at_once() -> None:
    """A failure of the storage asks for a hasty end with exit code 74."""
    stop = Stop()
    stop.on_fatal(OSError("fsync"))
    assert stop.requested.is_set()
    assert stop.hurry.is_set()
    assert stop.exit_code == EX_IOERR


async def test_a_job_that_fails_comes_again(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """A job's failure is told and does not end it; another job's neither."""
    runs: list[str] = []

    enough = asyncio.Event()

    async def work() -> None:
        runs.append("work")
        if runs.count("fail") >= 5 and runs.count("work") >= 5:
            enough.set()

    async def fail() -> None:
        runs.append("fail")
        raise RequestError("storage_full") if runs.count("fail") % 2 else RuntimeError("a bug")

    jobs = Jobs()
    jobs.every(0.001, fail, "failing")
    jobs.every(0.001, work, "working")
    await asyncio.wait_for(enough.wait(), 5)
    await jobs.end("failing")
    count = runs.count("fail")
    await asyncio.sleep(0.01)
    assert runs.count("fail") == count
    await jobs.end()
    assert not [task for task in asyncio.all_tasks() if task.get_name() in ("failing", "working")]
    told = capsys.readouterr().out + caplog.text  # where it goes depends on who has set logging up before
    assert "job put off" in told
    assert "job failed" in told


async def test_what_lasts_is_ended_too() -> None:
    """Something that was started is cancelled by its name, and may clean up."""
    cleaned: list[int] = []

    async def last() -> None:
        try:
            await asyncio.sleep(100)
        finally:
            cleaned.append(1)

    jobs = Jobs()
    jobs.start(last, "lasting")
    await asyncio.sleep(0)
    await jobs.end("lasting")
    assert cleaned == [1]
    jobs.start(last, "ended before it began")
    await jobs.end()
    assert cleaned == [1]


def test_the_address_file_is_there_as_long_as_the_server(tmp_path: Path) -> None:
    """The address file names url, token and this process, and is gone afterwards."""
    path = tmp_path / "admin.json"
    with address_file(path, "http://127.0.0.1:1", "t"):
        assert json.loads(path.read_text()) == {"url": "http://127.0.0.1:1", "token": "t", "pid": os.getpid()}
    assert not path.exists()


@pytest.mark.parametrize(("number", "exit_code"), [(errno.EACCES, EX_CONFIG), (errno.ENOSPC, EX_IOERR)])
def test_errors_of_the_folder_are_explained(tmp_path: Path, number: int, exit_code: int) -> None:
    """A folder that cannot be used is told in one line, with the code for whose fault it is."""
    with pytest.raises(CommandError) as told, explained(tmp_path):
        raise OSError(number, os.strerror(number), str(tmp_path))
    assert told.value.exit_code == exit_code
    assert str(tmp_path) in str(told.value)


def test_the_limit_of_open_files_is_raised() -> None:
    """The limit is what the system allows."""
    assert raise_file_limit() >= 1024
