"""What is built and installed: the wheel, the bare install, the lock, the layers that set-up promises."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from twinstream import __version__

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = (ROOT / "requirements.lock").read_text()
SERVER_ONLY = {canonicalize_name(Requirement(line).name) for line in PROJECT["optional-dependencies"]["server"]}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built once."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_the_wheel_holds_every_file_of_the_package(wheel: zipfile.ZipFile) -> None:
    """Modules, py.typed, and what they read, such as SQL: all that lies under src/twinstream, and nothing else."""
    files = {p for p in (ROOT / "src" / "twinstream").rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    expected = {str(path.relative_to(ROOT / "src")) for path in files}
    assert "twinstream/py.typed" in expected
    assert {name for name in wheel.namelist() if ".dist-info/" not in name} == expected


def test_the_wheel_says_what_it_is(wheel: zipfile.ZipFile) -> None:
    """Version, licence and the least Python are in its metadata, and the command in its entry points."""
    name = f"twinstream-{__version__}.dist-info"
    metadata = Parser().parsestr(wheel.read(f"{name}/METADATA").decode())
    assert metadata["Version"] == __version__
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    assert "twinstream = twinstream.cli:main" in wheel.read(f"{name}/entry_points.txt").decode()
    assert f"{name}/licenses/LICENSE" in wheel.namelist()


def test_the_lock_pins_every_requirement() -> None:
    """Each declared requirement has one exact version, inside the declared range."""
    lines = [line.partition("#")[0].strip() for line in LOCK.splitlines()]
    pins = {canonicalize_name(r.name): r for r in map(Requirement, filter(None, lines))}
    declared = [
        *PROJECT["dependencies"],
        *PROJECT["optional-dependencies"]["server"],
        *PROJECT["optional-dependencies"]["dev"],
    ]
    for requirement in map(Requirement, declared):
        pin = pins[canonicalize_name(requirement.name)]
        (specifier,) = pin.specifier
        assert specifier.operator == "=="
        assert specifier.version in requirement.specifier, pin


def test_the_lock_names_no_address() -> None:
    """Where packages come from is the business of the machine."""
    assert "://" not in LOCK
    assert "--" not in LOCK


def test_the_bare_install_needs_no_server_library() -> None:
    """SDK and command line import with the bare requirements alone: the server's libraries are never touched."""
    script = """
import importlib, pkgutil, sys
import twinstream.cli.app, twinstream.client
for module in pkgutil.walk_packages(twinstream.client.__path__, "twinstream.client."):
    importlib.import_module(module.name)
print(*{name.partition(".")[0] for name in sys.modules})
"""
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    modules = {canonicalize_name(name) for name in done.stdout.split()}
    assert modules & (SERVER_ONLY | {"argon2"}) == set()


def test_the_package_runs_as_a_module() -> None:
    """`python -m twinstream` is the same as the command."""
    done = subprocess.run([sys.executable, "-m", "twinstream", "version"], check=True, capture_output=True, text=True)
    assert done.stdout == f"twinstream {__version__}\n"
