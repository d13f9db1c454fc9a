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
        (["--delay-ms", "a,b"], "--delay-ms: 'a,b' is not of the form LEAST,MOST"),
        (["--drop", "2"], "--drop must be a share from 0 to 1\n"),
        (["--drop", "nan"], "--drop must be a share from 0 to 1\n"),
        (["--duplicate", "-0.1"], "--duplicate must be a share from 0 to 1\n"),
        (["--mute-heartbeats", "1.01"], "--mute-heartbeats must be a share from 0 to 1\n"),
        (["--drop", "1", "--seed", "-1"], "--seed must be a whole number from 0 to 9223372036854775807\n"),
        (["--reorder", "1.5"], "--reorder: '1.5' is no whole number"),
        (["--drop", "1", "--seed", "1e3"], "--seed: '1e3' is no whole number"),
        (["--close", "1012", "--after-events", "2.5"], "--after-events: '2.5' is no whole number"),
        (["--reorder", "101"], "--reorder must be a whole number from 0 to 100\n"),
        (["--delay-ms", "800,0"], "--delay-ms must be the least and the most, from 0 to 60000 milliseconds\n"),
        (["--delay-ms", "0,60001"], "--delay-ms must be the least and the most, from 0 to 60000 milliseconds\n"),
        (["--close", "1006", "--every-s", "45"], "--close must be abrupt or one of 1000, 1001"),
        (["--close", "1012", "--every-s", "0"], "--every-s must be a number of seconds from 0.05 to 86400\n"),
        (["--close", "abrupt", "--after-events", "0"], "--after-events must be a whole number from 1\n"),
        (["--profile", "lte"], "--profile must be one of flaky-lte, bad-proxy, dying-server\n"),
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
