"""`twinstream collect status` where the collector's file says more than whoever asks can read."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path

import msgspec
import pytest

from tests.live.server import ServerProcess
from tests.live.test_collect import COMMAND, DEADLINE_S, Fountain, collecting, make_events, running
from twinstream.collector.watch import CollectorStatus
from twinstream.exits import EX_CONFIG, EX_UNAVAILABLE

pytestmark = pytest.mark.live


@pytest.fixture(autouse=True)
def _in_a_session_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


async def ask_plainly(*arguments: str) -> tuple[int, str, str]:
    """Ask as somebody without the variables that the file names; answer exit code, output and errors."""
    environment = {name: value for name, value in os.environ.items() if name != "EVENTS_URL"}
    asking = [*COMMAND, "status", *arguments]
    done = await asyncio.to_thread(
        subprocess.run, asking, env=environment, capture_output=True, text=True, timeout=DEADLINE_S
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("names_socket", [True, False])
async def test_a_collector_is_found_by_its_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, names_socket: bool
) -> None:
    """Without the keys and URLs that the file has from the environment; and without anything, in the same session.

    If it does not run its outputs would have to tell, and what is missing for that is told.
    """
    monkeypatch.setenv("EVENTS_URL", "jsonl:e/")
    config = tmp_path / "collect.toml"
    async with running(Fountain(5)) as fountain:
        config.write_text(
            f'[streams.s]\nurl = "{fountain.url}"\n[outputs.o]\nurl_env = "EVENTS_URL"\n'
            if not names_socket
            else f'status = "{tmp_path}/collect.sock"\n[streams.s]\nurl = "{fountain.url}"\n'
            '[outputs.o]\nurl_env = "EVENTS_URL"\n'
        )
        config.chmod(0o600)
        with collecting(tmp_path, f"--config={config}") as collector:
            await collector.until(lambda status: status.routes[0].seq == 5)
            for arguments in ([], [f"--config={config}"]):
                code, told, errors = await ask_plainly(*arguments, "--json")
                assert (code, errors) == (0, "")
                (found,) = msgspec.json.decode(told, type=list[CollectorStatus])
                assert (found.pid, found.config) == (collector.process.pid, str(config))
    code, told, errors = await ask_plainly(f"--config={config}")
    assert (code, told) == (EX_UNAVAILABLE, "")
    first, second = errors.splitlines()
    assert first == f"twinstream: no collector of {config} runs here; its outputs cannot be looked into:"
    assert second.endswith("the environment has no variable EVENTS_URL, or it is empty")


async def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """Before anybody is asked."""
    code, _, errors = await ask_plainly(f"--config={tmp_path}/no.toml")
    assert code == EX_CONFIG
    assert "no.toml: cannot be read: No such file or directory" in errors


async def test_a_key_with_more_outputs_than_sockets_is_told_with_the_remedy(
    server: ServerProcess, tmp_path: Path
) -> None:
    """The outputs that have a socket are written meanwhile."""
    key, _ = await asyncio.to_thread(make_events, server, 3)
    outputs = [f"--to=jsonl:{number}/" for number in range(6)]
    url = f"{server.url.replace('http', 'ws')}/stream?stream_key={key}"
    with collecting(tmp_path, url, *outputs) as collector:
        status = await collector.until(
            lambda status: sorted(route.state for route in status.routes) == ["reconnecting"] + ["streaming"] * 5
        )
    (refused,) = (route for route in status.routes if route.state == "reconnecting")
    assert "use the key of another subscription, or raise sessions_per_key of the server" in refused.reason
