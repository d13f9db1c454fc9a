"""`twinstream faults` asks a running server, and says in one line what it cannot do."""

from __future__ import annotations

from pathlib import Path

import pytest

from twinstream.cli.app import main
from twinstream.cli.faults import _flatten
from twinstream.exits import EX_UNAVAILABLE, EX_USAGE
from twinstream.model.fault import PROFILES


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "twinstream faults clear 1"),
        (["--seed", "7"], "twinstream faults clear 1"),
        (["--close", "1012"], "goes with --after-events or --every-s"),
        (["--every-s", "45"], "--close CODE or abrupt"),
        (["--close", "soon", "--every-s", "45"], "'soon' is neither a close code"),
        (["--delay-ms", "a,b"], "LEAST,MOST"),
    ],
)
def test_flags_that_cannot_be(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What a flag cannot be is said before anybody is asked."""
    assert main(["faults", "set", "1", *arguments]) == EX_USAGE
    assert said in capsys.readouterr().err


def test_no_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Faults live in a running server: a folder alone is not enough."""
    assert main(["faults", "show", "1", f"--data={tmp_path}"]) == EX_UNAVAILABLE
    assert "no server answers" in capsys.readouterr().err


def test_profiles_are_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    """`set --help` lists the profiles, each in one line."""
    assert main(["faults", "set", "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for name, (text, _) in PROFILES.items():
        assert any(line.split() == [name, *text.split()] for line in lines)


def test_a_close_for_people() -> None:
    """What is set and what was done stand beside each other, a close in words."""
    reply = {
        "subscription_id": 1,
        "faults": {"delay_ms": [0, 800], "close": {"code": None, "after_events": 5, "every_s": 45.0}},
        "done": {"closed": 3},
    }
    assert _flatten(reply) == {
        "subscription_id": 1,
        "delay_ms": "0 to 800",
        "close": "abrupt after 5 events or every 45 s",
        "closed": 3,
    }
