"""The machine of a benchmark: what it is, and the limits and cores that a run takes.

Figures mean nothing without it, so every report carries it.
"""

from __future__ import annotations

import os
import platform
import resource
import statistics
import subprocess
import time
from importlib import metadata
from pathlib import Path

from bench.tool import BenchError

PACKAGES = ("twinstream", "uvicorn", "uvloop", "httptools", "litestar", "msgspec", "apsw")
COMMITS = 200


def cores() -> tuple[int | None, int | None]:
    """Return the core of the server and the core of the load; nothing is pinned where there is one core only."""
    usable = sorted(os.sched_getaffinity(0))
    return (usable[0], usable[1]) if len(usable) > 1 else (None, None)


def raise_open_files(needed: int) -> None:
    """Raise the limit of open files to what the system allows, for the children too.

    Raises:
        BenchError: it allows fewer than `needed`.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < needed:
        raise BenchError(f"{needed} open files are needed, {hard} allowed: see `ulimit -Hn`, or use --quick")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def commit_ms(folder: Path) -> tuple[float, float]:
    """Return p50 and p99 of appending 4 KiB and fdatasync in `folder`: what durability costs here at least, in ms."""
    path = folder / "commit-probe"
    page, times_ms = b"\0" * 4096, []
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        for _ in range(COMMITS):
            began = time.perf_counter()
            os.write(file, page)
            os.fdatasync(file)
            times_ms.append((time.perf_counter() - began) * 1e3)
    finally:
        os.close(file)
        path.unlink()
    return statistics.median(times_ms), sorted(times_ms)[int(COMMITS * 0.99)]


def describe(folder: Path) -> dict[str, str]:
    """Return what a reader of the figures must know; `folder` is where the server's database will be."""
    p50_ms, p99_ms = commit_ms(folder)
    return {
        "cpu": _cpu_model(),
        "cores": f"{os.cpu_count()} ({len(os.sched_getaffinity(0))} usable)",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "distribution": platform.freedesktop_os_release().get("PRETTY_NAME", "unknown"),
        "python": platform.python_version(),
        "compiler": _first_line([os.environ.get("CC", "cc"), "--version"]),
        "file system": _first_line(["stat", "--file-system", "--format=%T", str(folder)]),
        "fdatasync of 4 KiB": f"p50 {p50_ms:.2f} ms, p99 {p99_ms:.2f} ms",
        "load average": " ".join(f"{load:.2f}" for load in os.getloadavg()),
        "packages": ", ".join(f"{name} {version}" for name in PACKAGES if (version := _version(name))),
    }


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def _first_line(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.partition("\n")[0]


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
