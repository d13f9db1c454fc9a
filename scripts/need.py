"""The programs outside Python that some tests and benchmarks need, and how to get them.

`need.py install` installs what is missing where that needs no question; `need.py report` lists what is missing still
and what could not run without it, and fails in CI. A test names its need with `@pytest.mark.needs("cc")` and is
skipped, visibly, where it is not met. A new need is a new line of `NEEDS`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from glob import glob
from pathlib import Path


@dataclass(frozen=True)
class Need:
    """A program: the command that shows that it is there, its Debian packages, and what cannot run without it.

    ``folders`` are patterns of folders that are not on everybody's path, where the command may be too.
    """

    command: str
    packages: tuple[str, ...]
    needed_by: str
    folders: tuple[str, ...] = ()

    def find(self) -> Path | None:
        """Return the command's path, that of the newest version where several are installed; None if it is missing."""
        folders = [found for pattern in self.folders for found in sorted(glob(pattern), reverse=True)]
        path = shutil.which(self.command) or shutil.which(self.command, path=os.pathsep.join(folders))
        return None if path is None else Path(path)

    def is_met(self) -> bool:
        """Tell whether the command is there."""
        return self.find() is not None


NEEDS: Mapping[str, Need] = {
    "cc": Need("cc", ("gcc", "libc6-dev"), "the tests marked needs('cc') and the C floor of `make bench`"),
    "chromium": Need("chromium", ("chromium",), "the tests marked needs('chromium'): the console in a browser"),
    "mariadb": Need(
        "mariadbd", ("mariadb-server",), "the tests marked needs('mariadb'): the collector", folders=("/usr/sbin",)
    ),
    "node": Need("node", ("nodejs",), "the tests marked needs('node'): doctor and a client in JavaScript"),
    "postgresql": Need(
        "postgres",
        ("postgresql",),
        "the tests marked needs('postgresql'): the collector",
        folders=("/usr/lib/postgresql/*/bin",),
    ),
}


def missing() -> dict[str, Need]:
    """Return the needs that are not met, by name."""
    return {name: need for name, need in NEEDS.items() if not need.is_met()}


def packages(needs: Mapping[str, Need]) -> list[str]:
    """Return the Debian packages that meet the needs, each once."""
    return sorted({package for need in needs.values() for package in need.packages})


def install() -> int:
    """Install what is missing, if that needs no question; what stays missing is for `report` to tell."""
    if needs := missing():
        subprocess.run([Path(__file__).with_name("apt-install.sh"), *packages(needs)], check=False)
    return 0


def report() -> int:
    """List loudly what is missing; return 1 if so in CI, where nothing may go untested, else 0."""
    needs = missing()
    if not needs:
        return 0
    print("\n!!! NOT EVERYTHING RAN. Missing here:")
    for name, need in needs.items():
        print(f"!!!   {name}: {need.needed_by}")
    print(f"!!! Install it with: sudo apt-get install {' '.join(packages(needs))}")
    return 1 if os.environ.get("CI") else 0


if __name__ == "__main__":
    if sys.argv[1:] not in (["install"], ["report"]):
        sys.exit("usage: need.py install|report")
    sys.exit({"install": install, "report": report}[sys.argv[1]]())
