"""The programs of a benchmark as children: built, pinned, measured, talked to, ended.

Owns the C programs' command lines and their JSON answers, and how CPU time and memory of a process are read. Knows
nothing of scenarios. Invariant: a child never outlives its parent (PR_SET_PDEATHSIG), and only children are ended.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

HERE = Path(__file__).parent
BUILD = HERE / "build"
PROGRAMS = ("client", "publish", "floor")
FLAGS = ("-O2", "-std=gnu11", "-Wall", "-Wextra", "-Wshadow")
ANSWER_TIMEOUT_MS = 10_000
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


class BenchError(Exception):
    """What stops a benchmark; the message is for people."""


@dataclass(frozen=True)
class Window:
    """What `client` counted since its last reset; see client.c. Latencies are -1 where no event carried a stamp."""

    delivered: int
    bytes: int
    reads: int
    heartbeats: int
    pings: int
    wrong_lengths: int
    seq_gaps: int
    protocol_errors: int
    closed: int
    close_code: int
    fewest: int
    most: int
    seconds: float
    latencies: int
    p50_ms: float
    p99_ms: float

    def faults(self, expected: int) -> list[str]:
        """Say what went wrong: anything but `expected` deliveries, dense and whole."""
        names = ("wrong_lengths", "seq_gaps", "protocol_errors", "closed")
        found = [f"{getattr(self, name)} {name.replace('_', ' ')}" for name in names if getattr(self, name)]
        if self.delivered != expected:
            found.append(f"{self.delivered} delivered, {expected} expected")
        return found


@dataclass(frozen=True)
class Published:
    """What `publish` counted; see publish.c. ``accepted`` requests were answered 2xx."""

    sent: int
    accepted: int
    refused: int
    refused_status: int
    unanswered: int
    reconnects: int
    seconds: float
    requests_per_s: float
    p50_ms: float
    p99_ms: float
    max_ms: float

    def faults(self) -> list[str]:
        """Say what went wrong: requests that were not answered 2xx."""
        found = [f"{self.refused} requests refused, first with {self.refused_status}"] if self.refused else []
        return [*found, f"{self.unanswered} requests unanswered"] if self.unanswered else found


def build() -> None:
    """Compile the C programs into `build/`, where their sources are newer.

    Raises:
        BenchError: there is no C compiler, or it refuses.
    """
    compiler = os.environ.get("CC", "cc")
    if shutil.which(compiler) is None:
        raise BenchError(f"no C compiler ({compiler}); Debian: apt-get install gcc libc6-dev")
    BUILD.mkdir(exist_ok=True)
    for name in PROGRAMS:
        source, program = HERE / f"{name}.c", BUILD / name
        newest = max(source.stat().st_mtime, (HERE / "common.h").stat().st_mtime)
        if program.exists() and program.stat().st_mtime > newest:
            continue
        done = subprocess.run([compiler, *FLAGS, "-o", program, source], capture_output=True, text=True, check=False)
        if done.returncode:
            raise BenchError(f"{source.name} does not compile:\n{done.stderr}")


class Child:
    """A process of ours, pinned to one core. Leaving the context ends it: SIGTERM, and SIGKILL after 10 s."""

    def __init__(self, arguments: Sequence[str | Path], core: int | None, *, stderr: Path | None = None) -> None:
        with open(stderr or os.devnull, "ab") as errors:
            self._process = subprocess.Popen(
                [str(argument) for argument in arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors if stderr else None,
                text=True,
                preexec_fn=_before_exec(core),
            )

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def cpu_s(self) -> float:
        """Return user + system time of all its threads, dead ones too, in seconds; exact to about a microsecond.

        Source: clock_getcpuclockid(3); the kernel builds the id of a process's clock as ``~pid << 3 | CPUCLOCK_SCHED``.
        """
        return time.clock_gettime(~self.pid << 3 | 2)

    def memory_bytes(self) -> int:
        """Return its resident anonymous memory: RSS without the pages of files, which do not grow with connections."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("RssAnon:")[1].split()[0]) * 1024

    def say(self, line: str) -> None:
        """Write a line to its stdin."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def hear_line(self) -> str:
        """Read a line of its stdout. The child is trusted to write one: the whole run has an alarm.

        Raises:
            BenchError: it ended instead.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise BenchError(f"{self._process.args!r} ended with {self._process.wait()}")
        return line

    def hear(self) -> dict[str, Any]:
        """Read a line of its stdout as a JSON object."""
        answer: dict[str, Any] = json.loads(self.hear_line())
        return answer

    def end(self) -> None:
        """End it, if it has not ended by itself."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


class Watcher(Child):
    """Subscribers of one server: `client` with a connection per target. Construction waits until all are open."""

    def __init__(self, port: int, targets: Sequence[str], core: int | None, folder: Path, life_s: float) -> None:
        path = folder / f"targets-{port}-{len(targets)}.txt"
        path.write_text("".join(f"{target}\n" for target in targets))
        super().__init__([BUILD / "client", "127.0.0.1", str(port), path, str(life_s)], core)
        ready = self.hear()
        self.count = len(targets)
        self.opening_s = float(ready["seconds"])
        if ready["ready"] != len(targets):
            self.end()
            raise BenchError(
                f"{ready['refused']} of {len(targets)} connections refused, first with {ready['refused_status']}"
            )

    def reset(self) -> None:
        """Begin a window."""
        self.say("reset")
        self.hear()

    def until(self, delivered: int, timeout_ms: int = ANSWER_TIMEOUT_MS) -> Window:
        """Wait for so many deliveries since the reset, at most so long, and return the window."""
        self.say(f"until {delivered} {timeout_ms}")
        return Window(**self.hear())


class Publisher(Child):
    """A run of `publish`; the caller may do other things before it asks for the `result`."""

    def __init__(
        self, port: int, requests: Path, core: int | None, *, connections: int, seconds: float, rate: float = 0
    ) -> None:
        address: list[str | Path] = [BUILD / "publish", "127.0.0.1", str(port)]
        super().__init__([*address, requests, str(connections), str(seconds), str(rate)], core)

    def result(self) -> Published:
        """Wait for its end and return what it counted."""
        return Published(**self.hear())


def _before_exec(core: int | None) -> Callable[[], None]:
    def prepare() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if core is not None:
            os.sched_setaffinity(0, {core})

    return prepare
