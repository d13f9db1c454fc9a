"""`twinstream verify` over databases damaged by hand: it finds exactly that."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from twinstream.cli.app import main
from twinstream.cli.verify import LINE_INTERVAL_S, Progress
from twinstream.truth.journal import TruthFile
from twinstream.truth.verdict import KINDS, Finding, Verdict

COUNT = 20


def say(number: int) -> str:
    """The event of a datapoint."""
    said = {"event_type": "datapoint", "dsn": "A", "property_name": "level"}
    return json.dumps({"seq": str(number), "metadata": said, "datapoint": {"id": f"id-{number}", "value": number}})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder with a truth of twenty accepted datapoints, and one refused; and a database, whole."""
    with TruthFile(tmp_path / "truth.jsonl", "test", 1, "2026-11-21T05:00:00Z") as truth:
        for number in range(1, COUNT + 1):
            truth.accept(truth.send("A", "A", "level", number), f"id-{number}")
        truth.refuse(truth.send("A", "A", "level", 99), 422)
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'events.db'}", poolclass=sa.NullPool)
    with engine.begin() as connection:
        # Why not the collector's own table: that is UNIQUE, and would take no damage
        connection.exec_driver_sql("CREATE TABLE events (id INTEGER PRIMARY KEY, stream TEXT, seq INTEGER, event TEXT)")
        for number in range(1, COUNT + 1):
            connection.exec_driver_sql(
                "INSERT INTO events (id, stream, seq, event) VALUES (?, 's', ?, ?)", (10 * number, number, say(number))
            )
    return tmp_path


def run(folder: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, int]]:
    """Verify; answer the exit code and the findings that there are."""
    flags = ["--truth", str(folder / "truth.jsonl"), "--db", f"sqlite:///{folder / 'events.db'}", "--json"]
    exit_code = main(["verify", *flags, *arguments])
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert list(findings) == list(KINDS)
    return exit_code, {word: finding["count"] for word, finding in findings.items() if finding["count"]}


def test_a_stream_that_is_not_there_is_told_with_those_that_are(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Everything is missing then, and a slip of the pen may be why."""
    flags = ["--truth", str(folder / "truth.jsonl"), "--db", str(folder / "events.db")]
    assert main(["verify", *flags, "--stream", "S"]) == 1
    out, err = capsys.readouterr()
    assert "missing       20\n" in out
    assert err == "twinstream: nothing was collected of the stream 'S'; there is s\n"


def test_a_whole_database_is_clean(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 0, and every finding is counted as 0."""
    assert run(folder, capsys) == (0, {})
    assert main(["verify", "--data", str(folder), "--wait=1s"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("accepted 20; not answered (maybe) 0; collected 20\nmissing       0\ndoubled       0\n")


COPY = "INSERT INTO events (id, stream, seq, event) SELECT"


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        ("DELETE FROM events WHERE seq = 20", {"missing": 1}),
        ("DELETE FROM events WHERE seq = 7", {"missing": 1, "gap": 1}),
        (f"{COPY} 205, stream, seq, event FROM events WHERE seq = 7", {"doubled": 1}),
        (f"{COPY} 205, stream, 21, event FROM events WHERE seq = 7", {"doubled": 1}),
        ("UPDATE events SET id = 15 WHERE seq = 7", {"out of order": 5}),
        ("UPDATE events SET seq = 15 - seq WHERE seq IN (7, 8)", {"out of order": 2}),
        (f"{COPY} 205, stream, 21, replace(event, 'id-7', 'id-x') FROM events WHERE seq = 7", {"unexpected": 1}),
        ("UPDATE events SET event = replace(event, '\"value\": 7', '\"value\": 8') WHERE seq = 7", {"divergent": 1}),
        ("UPDATE events SET seq = 30 WHERE seq = 20", {"gap": 10}),
    ],
)
def test_damage_done_by_hand_is_found_and_nothing_else(
    folder: Path, capsys: pytest.CaptureFixture[str], damage: str, expected: dict[str, int]
) -> None:
    """With exit code 1."""
    engine = sa.create_engine(f"sqlite:///{folder / 'events.db'}", poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(damage)
    assert run(folder, capsys) == (1, expected)


def test_where_nothing_was_accepted_nothing_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty table beside an empty truth is no proof of anything: 65."""
    with TruthFile(tmp_path / "truth.jsonl", "test", 1, "2026-11-21T05:00:00Z") as truth:
        truth.send("A", "A", "level", 1)
    (tmp_path / "events.jsonl").touch()
    flags = ["--truth", str(tmp_path / "truth.jsonl"), "--db", f"jsonl:{tmp_path / 'events.jsonl'}"]
    assert main(["verify", *flags]) == 65
    out, err = capsys.readouterr()
    assert out.startswith("accepted 0; not answered (maybe) 1; collected 0\nmissing       0\n")
    assert "nothing is shown" in err


def test_while_it_waits_it_says_for_what(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On stderr; what the verdict is does not change by it, and who need not wait is told nothing."""
    engine = sa.create_engine(f"sqlite:///{folder / 'events.db'}", poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM events WHERE seq = 20")

    def collect(_: float) -> None:
        with engine.begin() as connection:
            connection.exec_driver_sql("INSERT INTO events VALUES (200, 's', 20, ?)", (say(20),))

    monkeypatch.setattr(time, "sleep", collect)
    flags = ["verify", "--data", str(folder), "--wait=30s", "--json"]
    assert main(flags) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["rows"] == 20
    assert err == "twinstream: waiting up to 30 s for the collector: 1 accepted datapoint not there yet\n"
    assert main(flags) == 0
    assert capsys.readouterr() == (out, "")


class Screen(io.StringIO):
    """What a command writes to, a terminal or not."""

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        """Tell whether it is a terminal."""
        return self._is_terminal


@pytest.mark.parametrize(
    ("is_terminal", "seen"),
    [
        (
            True,
            "\r\x1b[Kwaiting up to 60 s for the collector: 30 accepted datapoints not there yet"
            "\r\x1b[Kwaiting up to 60 s for the collector: 20 accepted datapoints not there yet"
            "\r\x1b[Kwaiting up to 60 s for the collector: 1 accepted datapoint not there yet\r\x1b[K",
        ),
        (
            False,
            "twinstream: waiting up to 60 s for the collector: 30 accepted datapoints not there yet\n"
            "twinstream: waiting up to 60 s for the collector: 1 accepted datapoint not there yet\n",
        ),
    ],
)
def test_only_changes_are_told(*, is_terminal: bool, seen: str) -> None:
    """On a terminal each in place of the one before; where lines stay, a line every few seconds at most."""
    screen = Screen(is_terminal=is_terminal)
    now_s = 0.0
    progress = Progress(60.0, screen, lambda: now_s)
    for at_s, missing in ((0.0, 30), (0.5, 30), (1.0, 20), (LINE_INTERVAL_S, 1), (20.0, 1)):
        now_s = at_s
        progress.show(Verdict(30, 0, 0, 0, (), {"missing": Finding(missing)}))
    progress.clear()
    assert screen.getvalue() == seen
