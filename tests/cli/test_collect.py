"""`twinstream collect` at the command line: what it takes, what it refuses, and how it says so."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.test_app import run
from twinstream.collector.configuration import EXAMPLE
from twinstream.exits import EX_CONFIG, EX_FINDINGS, EX_UNAVAILABLE, EX_USAGE, EXIT_CODES

KEY = "2f6273dcbb224c5bb303b2a7e1234567"
URL = f"ws://127.0.0.1:9/stream?stream_key={KEY}"
TO = "--to=sqlite:///events.db"


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)


@pytest.mark.parametrize("command", [["collect"], ["collect", "status"]])
def test_help_teaches_outputs_exit_codes_and_examples(capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    """In lines that fit a terminal, with codes that exist."""
    exit_code, output, errors = run(capsys, *command, "--help")
    assert (exit_code, errors) == (0, "")
    assert "Examples:\n\n  twinstream collect " in output
    assert max(map(len, output.splitlines())) <= 80
    told = output.partition("Exit codes: ")[2].partition("\n\n")[0]
    codes = [int(part.split()[0]) for part in told.replace("\n", " ").split("; ")]
    assert codes[0] == 0
    assert set(codes) <= set(EXIT_CODES)


@pytest.mark.parametrize(
    ("arguments", "exit_code", "said"),
    [
        ([URL], EX_USAGE, "say where the events go, as in: --to sqlite:///events.db"),
        ([TO], EX_USAGE, "name a URL or a region"),
        (["ws://127.0.0.1:9/stream", TO], EX_USAGE, "a stream needs its stream key"),
        ([URL, "--to=oracle://h/d"], EX_USAGE, "--to: no such kind of output; expected sqlite:///events.db, mysql://"),
        ([URL, TO, "--batch-size=0"], EX_USAGE, "--batch-size 0 cannot be; expected 1 to 1000000"),
        ([URL, TO, "--batch-time=soon"], EX_USAGE, "--batch-time: 'soon' is no time; expected one like 60s, 5m or 1h"),
        ([URL, TO, "--for=0"], EX_USAGE, "--for: '0' is no time"),
        ([URL, TO, "--since-seq=-1"], EX_USAGE, "--since-seq -1 cannot be; expected a number from 0"),
        (
            [URL, "--to=mysql://u@h/d", "--to=mariadb://u@h/d"],
            EX_USAGE,
            "--to: mysql://u@h/d and mariadb://u@h/d are the same place; name one of them",
        ),
        (
            [URL, TO, "--since-seq=5", "--until-seq=4"],
            EX_USAGE,
            "--until-seq 4 cannot be; expected a number from --since-seq on",
        ),
        ([URL, TO, "--until-seq=5", "--once"], EX_USAGE, "say --until-seq or --once, not both"),
        ([URL, TO, "--name=a/b"], EX_USAGE, "--name: that is no name; expected letters, digits"),
        ([URL, TO, "--metrics=x"], EX_CONFIG, "x is no address for metrics; expected PORT or HOST:PORT"),
        ([URL, "--config=c.toml"], EX_USAGE, "streams come from --config or from the command line, not both"),
        (["--config=c.toml"], EX_CONFIG, "c.toml: cannot be read: No such file or directory; `twinstream collect --ex"),
        (
            [URL, "--to=jsonl:e.jsonl?rotate=week"],
            EX_CONFIG,
            "jsonl:e.jsonl?rotate=week: rotate=week cannot be; expected",
        ),
        ([URL, TO, "--once"], EX_UNAVAILABLE, "no server answers: "),
        (["status"], EX_UNAVAILABLE, "no collector of yours runs here; look into an output with --to or --config"),
        (["status", TO, "--config=c.toml"], EX_USAGE, "say --config or --to, not both"),
    ],
)
def test_a_mistake_is_one_line_with_the_remedy(
    capsys: pytest.CaptureFixture[str], arguments: list[str], exit_code: int, said: str
) -> None:
    """And never shows the key."""
    code, output, errors = run(capsys, "collect", *arguments)
    assert (code, output) == (exit_code, "")
    assert said in errors
    assert errors.count("\n") == 1
    assert KEY not in errors


def test_a_file_of_one_stream_is_not_for_two(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A folder has a file for each."""
    path = tmp_path / "streams.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps([{"id": number, "url": "ws://h/stream", "key": KEY} for number in (1, 2)]))
    code, _, errors = run(capsys, "collect", f"--config={path}", "--to=jsonl:e.jsonl", "--check")
    assert code == EX_CONFIG
    assert (
        errors == "twinstream: jsonl:e.jsonl: a file holds one stream; name a folder for several, as in jsonl:events/\n"
    )
    assert run(capsys, "collect", f"--config={path}", "--to=jsonl:events/", "--check")[0] == 0


def test_check_says_what_would_be_done_without_secrets(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """And does nothing of it."""
    code, output, errors = run(
        capsys, "collect", URL, TO, "--to=postgresql://me:hunter2@h/d", "--to=parquet:lake/", "--name=s", "--check"
    )
    assert (code, errors) == (0, "")
    assert output.splitlines() == [
        "s: ws://127.0.0.1:9/stream",
        "  -> sqlite:///events.db, after 1000 events or 1 s",
        "  -> postgresql://me@h/d, after 1000 events or 1 s",
        "  -> parquet:lake/, after 50000 events or 60 s",
    ]
    assert list(tmp_path.iterdir()) == []


def test_the_example_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """It needs nothing else."""
    assert run(capsys, "collect", "--example") == (0, EXAMPLE, "")


def test_status_of_an_output_that_holds_nothing_makes_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Looking has no effect, and says that nobody writes."""
    outputs = [TO, "--to=jsonl:e.jsonl", "--to=jsonl:events/", "--to=parquet:lake/"]
    code, output, _ = run(capsys, "collect", "status", *outputs, "--json")
    assert code == EX_FINDINGS
    assert [(route["state"], route["seq"]) for route in json.loads(output)[0]["routes"]] == [("not running", None)] * 4
    assert list(tmp_path.iterdir()) == []


def test_a_missing_library_is_told_with_what_installs_it(tmp_path: Path) -> None:
    """The bare install has JSON lines; everything else is an extra."""
    script = (
        "import sys; sys.modules['sqlalchemy'] = sys.modules['pyarrow'] = None\n"
        "from twinstream.cli.app import main; sys.exit(main())"
    )
    for output, extra in (("sqlite:///e.db", "collector"), ("parquet:lake/", "parquet"), ("jsonl:e.jsonl", None)):
        done = subprocess.run(
            [sys.executable, "-c", script, "collect", URL, f"--to={output}", "--check"],
            capture_output=True,
            text=True,
            check=False,
        )
        if extra is None:
            assert done.returncode == 0
        else:
            assert done.returncode == EX_UNAVAILABLE
            assert done.stderr.endswith(f"install it with: pip install 'twinstream[{extra}]'\n")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_its_arguments(shell: str) -> None:
    """As for other commands."""
    from twinstream.cli.app import build_app

    script = build_app().generate_completion(shell=shell)  # type: ignore[arg-type]
    for word in ("collect", "--until-seq", "--batch-time", "status"):
        assert word.removeprefix("--" if shell == "fish" else "") in script
