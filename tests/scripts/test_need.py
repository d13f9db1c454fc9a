"""The table of programs outside Python: what is missing is told loudly, and fails in CI."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import need
from scripts.need import Need


@pytest.fixture
def _one_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    needs = {
        "shell": Need("sh", ("dash",), "everything"),
        "teapot": Need("no-such-teapot", ("teapot", "water"), "the tea tests"),
    }
    monkeypatch.setattr(need, "NEEDS", needs)


@pytest.mark.usefixtures("_one_is_missing")
@pytest.mark.parametrize(("ci", "exit_code"), [("", 0), ("true", 1)])
def test_what_is_missing_is_listed_with_the_command_that_installs_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, ci: str, exit_code: int
) -> None:
    """The list names what could not run; in CI that is a failure."""
    monkeypatch.setenv("CI", ci)
    assert need.report() == exit_code
    output = capsys.readouterr().out
    assert "NOT EVERYTHING RAN" in output
    assert "the tea tests" in output
    assert "sudo apt-get install teapot water" in output
    assert "dash" not in output


def test_nothing_is_said_where_nothing_is_missing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Silence means that everything ran."""
    monkeypatch.setattr(need, "NEEDS", {"shell": Need("sh", ("dash",), "everything")})
    assert need.report() == 0
    assert capsys.readouterr().out == ""


def test_a_program_off_the_path_is_found_in_its_folders_the_newest_version_first(tmp_path: Path) -> None:
    """Debian keeps PostgreSQL's server in a folder per version, which is on nobody's path."""
    commands = [tmp_path / version / "bin" / "no-such-teapot" for version in ("14", "15")]
    for command in commands:
        command.parent.mkdir(parents=True)
        command.touch(mode=0o755)
    assert Need("no-such-teapot", (), "", folders=(f"{tmp_path}/*/bin",)).find() == commands[-1]
    assert Need("no-such-teapot", (), "").find() is None
