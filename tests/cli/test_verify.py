"""`twinstream verify` over databases damaged by hand: it finds exactly that."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from twinstream.cli.app import main
from twinstream.truth.journal import TruthFile
from twinstream.truth.verdict import KINDS

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
