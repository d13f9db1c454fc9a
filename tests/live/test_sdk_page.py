"""The page about the SDK: its examples run, and its tables are the code's."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from tests.live.test_sdk import TABLE, demo
from twinstream.client.regions import REGIONS
from twinstream.demo import DemoFile

__all__ = ["demo"]

pytestmark = pytest.mark.live

PAGE = (Path(__file__).parents[2] / "docs" / "sdk.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_each_example_runs(
    demo: DemoFile, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As it stands there, in the folder where a demo runs."""
    program = EXAMPLES[number]
    (tmp_path / "twinstream-data").mkdir()
    (tmp_path / "twinstream-data" / "demo.json").write_bytes(msgspec.json.encode(demo))
    monkeypatch.chdir(tmp_path)
    exec(compile(program, f"example {number}", "exec"), {"__name__": "__main__"})
    assert capsys.readouterr().out


def test_every_row_and_every_call_is_there() -> None:
    """Regions and calls are those of the code."""
    for (region, deployment, client_type), hosts in REGIONS.items():
        rest = f"`{hosts.subscriptions}`" if hosts.subscriptions else "not known"
        assert f"| {region} | {deployment} | {client_type} | `{hosts.stream}` | {rest} |" in PAGE
    for name in TABLE:
        assert f"`{name}`" in PAGE
