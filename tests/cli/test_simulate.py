"""`twinstream simulate`: what it says before a server is there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from twinstream.cli.app import main
from twinstream.cli.simulate import read_time
from twinstream.exits import CommandError


def test_the_examples_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """A line each, or JSON."""
    assert main(["simulate", "--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["freezers", "household", "storm"]
    assert main(["simulate", "--list", "--json"]) == 0
    assert {one["name"] for one in json.loads(capsys.readouterr().out)} == {"freezers", "household", "storm"}


@pytest.mark.parametrize(
    ("arguments", "exit_code", "told"),
    [
        ([], 64, "--list"),
        (["nowhere.toml"], 65, "household"),
        (["household", "--for", "soon"], 64, "60s"),
        (["household"], 69, "no server runs on"),
        (["household", "--credentials", "none.json", "--url", "http://127.0.0.1:9"], 65, "none.json"),
    ],
)
def test_what_is_wrong_is_a_line_and_an_exit_code(
    arguments: list[str],
    exit_code: int,
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """And the line names the remedy."""
    monkeypatch.chdir(tmp_path)
    assert main(["simulate", *arguments]) == exit_code
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line


def test_times_are_read() -> None:
    """Seconds unless it says otherwise."""
    assert [read_time(text, "--for") for text in ("90", "0.5s", "5m", "1h")] == [90, 0.5, 300, 3600]
    for text in ("0s", "-1s", "s", "1d"):
        with pytest.raises(CommandError, match=f"--for: '{text}' is no time"):
            read_time(text, "--for")
