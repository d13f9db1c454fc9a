"""The page about `twinstream collect`: what it shows can be done."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.collector.events import datapoint
from twinstream.collector.configuration import read_plan
from twinstream.collector.progress import State
from twinstream.collector.report import METRICS
from twinstream.collector.sql import SqlSink
from twinstream.collector.watch import NOT_RUNNING
from twinstream.exits import EXIT_CODES

PAGE = (Path(__file__).parents[2] / "docs" / "collect.md").read_text()


def blocks(language: str) -> list[str]:
    """The examples in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("language", ["toml", "json"])
def test_files_can_be_read(language: str, tmp_path: Path) -> None:
    """As they stand, with a key file that is there."""
    (example,) = blocks(language)
    (tmp_path / "key").touch(mode=0o600)
    (tmp_path / "key").write_text("k")
    path = tmp_path / "file"
    path.touch(mode=0o600)
    path.write_text(example.replace("/etc/twinstream/freezers.key", f"{tmp_path}/key"))
    assert read_plan(path, {"WASHERS_STREAM_KEY": "k"}).streams


def test_statements_can_be_run_on_what_the_collector_has_written(tmp_path: Path) -> None:
    """A view of a property, the latest values, the gaps."""
    sink = SqlSink(f"sqlite:///{tmp_path}/e.db")
    sink.open()
    sink.cursor("demo")
    sink.write("demo", [datapoint(seq, seq / 2) for seq in (1, 2, 5)])
    sink.close()
    view, latest, gaps = blocks("sql")
    with closing(sqlite3.connect(tmp_path / "e.db")) as database:
        database.execute(view)
        assert [row[2] for row in database.execute("SELECT * FROM temperature")] == [0.5, 1, 2.5]
        assert database.execute(latest).fetchall() == [
            ("AC000W000000001", "temperature", "2026-11-21T05:00:00Z", "2.5")
        ]
        assert database.execute(gaps).fetchall() == [("demo", 3, 4)]


def test_every_state_and_metric_and_only_real_exit_codes_are_told() -> None:
    """Whoever adds one tells of it here."""
    for state in (*State, NOT_RUNNING):
        assert f"`{state}`" in PAGE
    for name in (*METRICS, "state"):
        assert f"`{name}`" in PAGE or f"`twinstream_collector_{name}`" in PAGE
    codes = re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)
    assert {int(code) for code in codes} <= set(EXIT_CODES)
