"""A fleet in a real server: what it writes down is what the server has in its log."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.live.server import ServerProcess, running_server
from twinstream.truth.journal import read_truth

pytestmark = pytest.mark.live

FLEET = """
seed = 5
[outages]
every_s = 2
lasting_s = 0.5
[users]
interval_s = 0.3
[[models]]
oem_model = "pad"
devices = 3
interval_s = 0.1
poll_s = 0.2
[[models.properties]]
name = "level"
base_type = "integer"
direction = "output"
[[models.properties]]
name = "wanted"
base_type = "boolean"
direction = "input"
ack_enabled = true
"""


def command(folder: Path, *arguments: str) -> list[str]:
    """The command line of a fleet."""
    (folder / "pads.toml").write_text(FLEET)
    return [sys.executable, "-m", "twinstream", "simulate", str(folder / "pads.toml"), *arguments]


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a fleet to its end."""
    return subprocess.run(command(folder, *arguments), capture_output=True, text=True, timeout=60, check=False)


def read_stream(server: ServerProcess, data: Path) -> list[dict[str, Any]]:
    """All datapoint events of the fleet's own stream."""
    key = json.loads((data / "simulate-pads.json").read_text())["stream_keys"]["datapoint"]
    url = f"{server.url.replace('http', 'ws', 1)}/stream?stream_key={key}&seq_start=0"
    program = [sys.executable, "-m", "twinstream", "tail", "--json", "--seconds=1.5", url]
    lines = subprocess.run(program, capture_output=True, text=True, timeout=30, check=True).stdout.splitlines()
    return [json.loads(line) for line in lines]


def test_the_truth_is_what_the_stream_tells(server: ServerProcess, tmp_path: Path) -> None:
    """Everything accepted is an event, reports, settings and echoes alike, and nothing else is. Twice, in one file."""
    for _ in range(2):
        done = run(tmp_path, f"--data={server.data}", f"--truth={tmp_path / 't'}", "--for=3s", "--json")
        assert (done.returncode, done.stderr) == (0, "")
        summary = json.loads(done.stdout)
        assert summary["accepted"] > 30
        assert summary["devices"] == 3
    sent = read_truth(tmp_path / "t")
    assert {one.by for one in sent} == {"user", *(one.dsn for one in sent)}
    events = read_stream(server, server.data)
    told = {event["datapoint"]["id"]: event for event in events}
    assert len(told) == len(events)
    accepted = {one.id: one for one in sent if one.id}
    maybe = [one for one in sent if not one.id and not one.is_refused]
    assert accepted.keys() <= told.keys()
    assert len(told) - len(accepted) <= len(maybe)
    for one in accepted.values():
        event = told[one.id]
        assert event["datapoint"]["value"] == one.value
        assert (event["metadata"]["dsn"], event["metadata"]["property_name"]) == (one.dsn, one.property)
    assert any(event["datapoint"]["echo"] for event in events)
    assert stat.S_IMODE((server.data / "simulate-pads.json").stat().st_mode) == 0o600


def test_it_lives_through_the_death_of_the_server_and_ends_when_told(tmp_path: Path) -> None:
    """A killed server is a pause; SIGTERM ends the fleet with its summary, and every line of the truth is whole."""
    with running_server(tmp_path / "data") as server:
        port = server.address[1]
        program = command(tmp_path, f"--data={server.data}", f"--truth={tmp_path / 't'}")
        fleet = subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            await_accepted(tmp_path / "t", 10)
            server.kill()
            with running_server(tmp_path / "data", port=port):
                await_accepted(tmp_path / "t", len(read_truth(tmp_path / "t")) + 10)
                fleet.send_signal(signal.SIGTERM)
                out, err = fleet.communicate(timeout=30)
        finally:
            fleet.kill()
            fleet.wait()
    assert (fleet.returncode, err) == (0, "")
    assert "accepted" in out


def await_accepted(path: Path, count: int) -> None:
    """Wait until so many datapoints were accepted."""
    deadline_s = time.monotonic() + 40
    while time.monotonic() < deadline_s:
        if path.exists() and sum(one.id is not None for one in read_truth(path)) >= count:
            return
        time.sleep(0.05)
    raise AssertionError(f"fewer than {count} datapoints were accepted")


def test_a_fleet_goes_to_a_server_whose_folder_is_not_here(server: ServerProcess, tmp_path: Path) -> None:
    """With the credentials that were made on the server's machine, and its address."""
    assert run(tmp_path, f"--data={server.data}", "--for=0.1s").returncode == 0
    (server.data / "simulate-pads.json").rename(tmp_path / "crew.json")
    flags = [f"--data={tmp_path / 'none'}", f"--credentials={tmp_path / 'crew.json'}", f"--url={server.url}"]
    done = run(tmp_path, *flags, "--for=1s", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["accepted"] > 0


def test_without_its_file_only_the_secrets_are_new(server: ServerProcess, tmp_path: Path) -> None:
    """Somebody has removed the credentials: user and devices are there, and the fleet goes on with the same streams."""
    path = server.data / "simulate-pads.json"
    contents = []
    for _ in range(2):
        done = run(tmp_path, f"--data={server.data}", "--for=0.5s")
        assert (done.returncode, done.stderr) == (0, "")
        contents.append(json.loads(path.read_text()))
        path.unlink()
    first, second = contents
    assert first.pop("password") != second.pop("password")
    assert (first.pop("app_id"), first.pop("app_secret")) != (second.pop("app_id"), second.pop("app_secret"))
    assert first == second
