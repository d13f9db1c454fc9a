"""`twinstream break`: whom it strikes and when; that it strikes nobody else is tested in `tests/live`."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from twinstream.cli.app import main
from twinstream.cli.breaking import plan_blows


def test_the_same_seed_strikes_the_same_way() -> None:
    """Server and collector in turn as chance has it, with the mean time that was asked for."""
    blows = list(islice(plan_blows(7, 3.0), 1000))
    assert blows == list(islice(plan_blows(7, 3.0), 1000))
    assert blows != list(islice(plan_blows(8, 3.0), 1000))
    assert {role for _, role in blows} == {"server", "collector"}
    assert sum(wait_s for wait_s, _ in blows) / 1000 == pytest.approx(3.0, rel=0.1)


@pytest.mark.parametrize("content", [None, b"", b"{}", b'{"pid":1,"children":5}', b'{"pid":99999999,"children":{}}'])
def test_without_a_demonstration_it_does_nothing(
    content: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And says how to start one; a file that a dead one left, or that is none, is no demonstration."""
    if content is not None:
        (tmp_path / "demonstration.json").write_bytes(content)
    assert main(["break", "--data", str(tmp_path), "--for", "5s"]) == 69
    assert "demo --collect" in capsys.readouterr().err
