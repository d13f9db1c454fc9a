"""The demonstration of the README, as somebody types it: start the cloud, break it, prove that nothing was lost."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.test_simulate import FLEET
from twinstream.cli.breaking import strike
from twinstream.cli.demonstration import FILE_NAME, read_running
from twinstream.client import CloudSync

pytestmark = [pytest.mark.live, pytest.mark.timeout(180)]


def twinstream(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    command = [sys.executable, "-m", "twinstream", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder that is not there yet."""
    return tmp_path_factory.mktemp("demonstration") / "data"


@pytest.fixture(scope="module")
def demonstration(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """`twinstream demo --collect`, once it has said that all is up."""
    scenario = folder.with_name("pads.toml")
    scenario.write_text(FLEET)
    flags = [f"--data={folder}", "--port=0", f"--scenario={scenario}"]
    process = subprocess.Popen(
        [sys.executable, "-m", "twinstream", "demo", "--collect", *flags], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        guide = ""
        for line in process.stdout:
            guide += line
            if line.startswith("Ctrl-C ends it all"):
                break
        else:
            raise AssertionError(f"it did not start: {process.wait()}")
        folder.with_name("guide").write_text(guide)
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(60)
        process.stdout.close()


def test_it_says_how_to_look_at_the_fleet(demonstration: subprocess.Popen[str], folder: Path) -> None:
    """With an account that can sign in, and that sees the fleet's devices."""
    guide = folder.with_name("guide").read_text()
    said = dict(line.split() for line in guide.splitlines() if line.startswith(("  email ", "  password ")))
    crew = json.loads((folder / "simulate-pads.json").read_bytes())
    url = next(word for word in guide.split() if word.startswith("http://")).rstrip(",")
    with CloudSync(url) as cloud:
        cloud.sign_in(said["email"], said["password"], app_id=crew["app_id"], app_secret=crew["app_secret"])
        assert {device.dsn for device in cloud.list_devices()} == {device["dsn"] for device in crew["devices"]}
    assert crew["stream_keys"]["datapoint"] in guide
    assert all((folder / name).exists() for name in ("server.log", "fleet.log", "collector.log") if name in guide)


def test_broken_again_and_again_it_loses_nothing(demonstration: subprocess.Popen[str], folder: Path) -> None:
    """Server and collector are killed at random while the fleet goes on; then everything accepted is there, once."""
    prove(folder, length_s=8, seed=11)


@pytest.mark.soak
def test_broken_for_minutes_it_loses_nothing(demonstration: subprocess.Popen[str], folder: Path) -> None:
    """The same over about 300 kills; another seed each time."""
    prove(folder, length_s=300, seed=time.time_ns() % 1_000_000)


def prove(folder: Path, length_s: int, seed: int) -> None:
    """Break it, and verify; the assertions name the seed."""
    broken = twinstream("break", f"--data={folder}", f"--for={length_s}s", "--every=1s", f"--seed={seed}")
    assert (broken.returncode, broken.stderr) == (0, "")
    blows = [line.split()[1] for line in broken.stdout.splitlines() if "kill -9" in line]
    assert set(blows) == {"server", "collector"}
    verified = twinstream("verify", f"--data={folder}", "--json")
    assert verified.returncode == 0, f"break --seed {seed}: {verified.stdout}{verified.stderr}"
    told = verified.stderr.splitlines()
    assert all(line.startswith("twinstream: waiting up to 60 s for the collector: ") for line in told), told
    verdict = json.loads(verified.stdout)
    assert verdict["accepted"] > 20
    assert verdict["streams"] == ["fleet"]
    assert not any(finding["count"] for finding in verdict["findings"].values())


def test_nobody_starts_a_second_one(demonstration: subprocess.Popen[str], folder: Path) -> None:
    """On the same folder: exit code 75."""
    second = twinstream("demo", "--collect", f"--data={folder}", "--port=0")
    assert second.returncode == 75
    assert "already; end it, or name another folder with --data" in second.stderr


def test_only_its_own_processes_are_struck(demonstration: subprocess.Popen[str], folder: Path, tmp_path: Path) -> None:
    """A process that is no child of the demonstration lives on, whatever the file says of it."""
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        told = {"pid": demonstration.pid, "children": {"server": bystander.pid}}
        (tmp_path / FILE_NAME).write_text(json.dumps(told))
        assert strike(tmp_path, "server") is None
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_told_to_end_it_ends_everything(demonstration: subprocess.Popen[str], folder: Path) -> None:
    """With exit code 0, nobody left behind, and a verdict that still holds; a row taken out is found."""
    running = read_running(folder)
    assert running is not None
    demonstration.send_signal(signal.SIGTERM)
    assert demonstration.wait(60) == 0
    for pid in running.children.values():
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert read_running(folder) is None
    assert twinstream("break", f"--data={folder}", "--for=1s").returncode == 69
    assert twinstream("verify", f"--data={folder}", "--wait=1s").returncode == 0
    with sqlite3.connect(folder / "events.db") as database:
        database.execute("DELETE FROM events WHERE id = (SELECT max(id) - 5 FROM events)")
    database.close()
    found = twinstream("verify", f"--data={folder}", "--wait=1s")
    assert found.returncode == 1
    assert "gap           1" in found.stdout


def test_its_processes_do_not_outlive_it(tmp_path: Path) -> None:
    """Killed with SIGKILL, it takes its children along."""
    flags = [f"--data={tmp_path / 'data'}", "--port=0", f"--scenario={tmp_path / 'pads.toml'}"]
    (tmp_path / "pads.toml").write_text(FLEET)
    process = subprocess.Popen(
        [sys.executable, "-m", "twinstream", "demo", "--collect", *flags], stdout=subprocess.DEVNULL
    )
    children: dict[str, int] = {}
    try:
        deadline_s = time.monotonic() + 60
        while "fleet" not in children and time.monotonic() < deadline_s:
            running = read_running(tmp_path / "data")
            children = dict(running.children) if running else {}
            time.sleep(0.05)
        assert "fleet" in children
    finally:
        process.kill()
        process.wait()
    deadline_s = time.monotonic() + 30
    while any(_is_there(pid) for pid in children.values()) and time.monotonic() < deadline_s:
        time.sleep(0.05)
    assert not any(_is_there(pid) for pid in children.values())


def _is_there(pid: int) -> bool:
    """Whether a process lives; one that has ended and that nobody has asked about yet does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
