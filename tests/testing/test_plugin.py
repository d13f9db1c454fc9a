"""The plug-in is loaded into every run of pytest, so it costs nothing there; docs/testing.md shows how it is used."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "testing.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)

OTHERS = {entry.name for entry in entry_points(group="pytest11")} - {"twinstream"} | {"cacheprovider"}
WITHOUT_OTHERS = [f"-pno:{name}" for name in sorted(OTHERS)]
"""Flags that leave out what other plug-ins of this environment would warn of, or import."""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder of packages, with our entry point as an installer writes it."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    (name, target), *_ = declared["pytest11"].items()
    info = tmp_path / "site" / "plugin-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plugin\nVersion: 1\n")
    (info / "RECORD").write_text("")
    (info / "entry_points.txt").write_text(f"[pytest11]\n{name} = {target}\n")
    return info.parent


def run_pytest(site: Path, test: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a test file in a folder of its own, every warning an error."""
    folder = site.parent / "project"
    folder.mkdir()
    (folder / "test_it.py").write_text(test)
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "pytest", "-q", *WITHOUT_OTHERS, *arguments],
        cwd=folder,
        env={"PYTHONPATH": f"{site}:{ROOT / 'src'}", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def test_the_example_runs(site: Path) -> None:
    """The tests on the page pass, by the entry point alone, and without a warning."""
    done = run_pytest(site, BLOCKS[0])
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\b7 passed", done.stdout), done.stdout


def test_the_example_without_pytest_runs() -> None:
    """The block of the page that needs no pytest prints the address of a stream."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", BLOCKS[1]], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"ws://127\.0\.0\.1:\d+/stream\?stream_key=[0-9a-f]{32}\n", done.stdout)


def test_nothing_is_imported_before_it_is_needed(site: Path) -> None:
    """A run of pytest that never asks for the fixture imports neither the server nor its libraries."""
    test = """
import sys

def test_it(request):
    assert request.config.pluginmanager.has_plugin("twinstream")
    loaded = {name.partition(".")[0] for name in sys.modules}
    assert not loaded & {"litestar", "uvicorn", "apsw", "structlog", "msgspec", "websockets", "httpx"}
    ours = {name for name in sys.modules if name.startswith("twinstream")}
    assert ours == {"twinstream", "twinstream.testing", "twinstream.testing.plugin"}
"""
    done = run_pytest(site, test)
    assert done.returncode == 0, done.stdout + done.stderr


def test_without_the_server(site: Path) -> None:
    """Where the server's libraries are missing, a test that asks for the fixture fails with the line to type."""
    (site / "apsw.py").write_text("raise ModuleNotFoundError('no', name='apsw')")
    done = run_pytest(site, "def test_it(twinstream_cloud): pass\n")
    assert done.returncode == 1
    assert "pip install 'twinstream[server]'" in done.stdout
    assert "Traceback" not in done.stdout


def test_the_fixture_is_listed(site: Path) -> None:
    """`pytest --fixtures` tells of it."""
    done = run_pytest(site, "", "--fixtures")
    assert "twinstream_cloud" in done.stdout
    assert "whose clock stands" in done.stdout
