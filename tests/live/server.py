"""A real server process: started on a free port, ready when it says so, ended by whoever started it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

START_TIMEOUT_S = 30.0


class ServerProcess:
    """A running server. ``url`` is ``http://127.0.0.1:port``; ``log`` is the file of its standard error."""

    def __init__(self, data: Path, *, demo: bool = False, command: list[str] | None = None, **settings: Any) -> None:
        """Start it and wait until it announces its port; ``command`` instead of ``python -m twinstream``."""
        data.parent.mkdir(parents=True, exist_ok=True)
        self.data = data
        self.log = data.with_name(data.name + ".log")
        flags = [f"--{name.replace('_', '-')}={value}" for name, value in ({"port": 0} | settings).items()]
        program = command or [sys.executable, "-m", "twinstream"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*program, "demo" if demo else "serve", f"--data={data}", *flags],
                stdout=subprocess.PIPE,
                stderr=log,
                env=os.environ | {"TWINSTREAM_LOG_FORMAT": "json"},
            )
        self.url = self._await_url()

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        url = httpx.URL(self.url)
        return url.host, url.port or 0

    def operator(self) -> httpx.Client:
        """A client that is the operator."""
        token = json.loads((self.data / "admin.json").read_text())["token"]
        return httpx.Client(base_url=self.url, headers={"Authorization": f"auth_token {token}"}, timeout=10)

    def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        self.process.kill()
        self._finish()

    def stop(self, timeout_s: float = 15.0) -> int:
        """SIGTERM; answer the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self._finish(timeout_s)
        return self.process.returncode

    def _finish(self, timeout_s: float = 15.0) -> None:
        try:
            self.process.wait(timeout_s)
        finally:
            self.process.kill()
            self.process.wait()
            if self.process.stdout is not None:
                self.process.stdout.close()

    def _await_url(self) -> str:
        os.set_blocking(self.process.stdout.fileno(), False)  # type: ignore[union-attr]
        said = b""
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline_s and self.process.poll() is None:
            said += self.process.stdout.read() or b""  # type: ignore[union-attr]
            for line in said.splitlines(keepends=True):
                if line.startswith(b"{") and line.endswith(b"\n"):
                    return str(json.loads(line)["url"])
            time.sleep(0.02)
        self.process.kill()
        self._finish()
        raise RuntimeError(f"the server did not start: {said.decode()}\n{self.log.read_text()}")


@contextmanager
def running_server(data: Path, **options: Any) -> Iterator[ServerProcess]:
    """Start a server (see `ServerProcess`) and stop it at the end."""
    server = ServerProcess(data, **options)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.stop()
