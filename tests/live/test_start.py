"""Starts that go wrong: a folder that cannot be used, a second server, Ctrl-C before anything is ready."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live.server import ServerProcess, running_server

pytestmark = pytest.mark.live

COMMAND = [sys.executable, "-m", "twinstream"]


def start(data: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    """Run a server that is to end by itself."""
    return subprocess.run(
        [*COMMAND, "serve", f"--data={data}", *(flags or ["--port=0"])],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


@pytest.mark.parametrize("place", ["file", "file/below", "loop", "/proc/twinstream"])
def test_a_folder_that_cannot_be_used_is_told_in_one_line(tmp_path: Path, place: str) -> None:
    """With its path, exit code 78 and no traceback."""
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    done = start(tmp_path / place)
    line = done.stderr.splitlines()[-1]
    assert (done.returncode, done.stdout) == (78, "")
    assert line.startswith(f"twinstream: data: {tmp_path / place}")
    assert line.endswith("; expected a folder that this user can write to")
    assert "Traceback" not in done.stderr


def test_a_folder_of_somebody_elses_is_left_alone(tmp_path: Path) -> None:
    """It is refused by its name, with exit code 65."""
    (tmp_path / "thesis.txt").touch()
    done = start(tmp_path)
    assert (done.returncode, done.stdout) == (65, "")
    assert done.stderr.endswith(f"data: {tmp_path} is not empty and not ours; it was left as it is\n")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_second_server_touches_nothing(server: ServerProcess) -> None:
    """It names the first one, even if the port is taken too, and leaves every file as it was."""
    before = {path: path.stat().st_mtime_ns for path in server.data.iterdir()}
    done = start(server.data, f"--port={server.address[1]}")
    assert done.returncode == 75
    assert done.stderr.endswith(f"twinstream: {server.data} is in use by process {server.pid}\n")
    after = {path: path.stat().st_mtime_ns for path in server.data.iterdir()}
    assert after == before


def heed_ctrl_c() -> None:
    """Undo that these tests may run in the background, where a shell has SIGINT ignored, and children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("module", ["rich.console", "httpx", "litestar.app", "twinstream.web.shell"])
def test_ctrl_c_during_the_start_is_quiet(tmp_path: Path, module: str) -> None:
    """Whatever is being imported at that moment; and the folder is as good as before."""
    data = tmp_path / "data"
    process = subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "twinstream", "serve", f"--data={data}", "--port=0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"TWINSTREAM_SHUTDOWN_GRACE_S": "0.1"},
        preexec_fn=heed_ctrl_c,
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if line.rstrip().endswith(b" " + module.encode()):
                break
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=30)[1].decode()
    finally:
        process.kill()
        process.wait()
    words = [line for line in rest.splitlines() if not line.startswith(("import time:", "twinstream: warning: "))]
    assert words == []
    assert process.returncode in (0, 130)
    with running_server(data) as server:
        assert server.stop() == 0
