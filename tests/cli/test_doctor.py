"""`twinstream doctor` as a command: what it is given, what it prints, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from twinstream.cli.app import main

CLIENTS = Path(__file__).parents[1] / "doctor"
NAIVE = ["--", sys.executable, str(CLIENTS / "naive.py"), "{url}"]


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Run the command in this process; answer exit code, output and errors."""
    exit_code = main(["doctor", *arguments])
    output, errors = capsys.readouterr()
    return exit_code, output, errors


def test_findings_end_it_with_1(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """They stand in the output with their remedies, without colours in a pipe, and in the report."""
    report = tmp_path / "junit.xml"
    exit_code, output, errors = run(capsys, "--only", "pipe-in-value", "--report", str(report), *NAIVE)
    assert exit_code == 1
    assert errors == ""
    assert "FAIL      pipe-in-value" in output
    assert "Remedy: Split at the first bar only" in output
    assert output.endswith("\n2 cases: 1 fail, 1 pass\n")
    assert "\x1b" not in output
    cases = Xml.parse(report).getroot().findall("testsuite/testcase")
    assert [(case.attrib["name"], len(case.findall("failure"))) for case in cases] == [
        ("plain", 0),
        ("pipe-in-value", 1),
    ]


def test_nothing_found_ends_it_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    """With --json one object is all that it prints."""
    exit_code, output, _ = run(capsys, "--only", "heartbeat", "--json", "--listen", "127.0.0.1:0", *NAIVE)
    assert exit_code == 0
    assert json.loads(output)["grades"] == {"pass": 2}


def test_the_cases_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Each with what it plays."""
    exit_code, output, _ = run(capsys, "--list")
    assert exit_code == 0
    assert "pipe-in-value         a | in a value\n" in output


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        ([], 64, "say how to run your client"),
        (["--only", "pipes", *NAIVE], 64, "no such case: pipes (see: twinstream doctor --list)"),
        (["--listen", "8080x", *NAIVE], 64, "--listen 8080x: expected HOST:PORT, like 127.0.0.1:8080"),
        (["--listen", "192.0.2.1:9", *NAIVE], 69, "cannot listen on 192.0.2.1:9: "),
        (["--jobs", "0", *NAIVE], 64, "--jobs and --timeout are above 0"),
        (["--report", "/nonexistent/r.xml", "--only", "plain", *NAIVE], 74, "the report could not be written"),
        (["--", "./no-such-client"], 64, "the client cannot be started: ./no-such-client: No such file"),
    ],
)
def test_a_wrong_line_ends_it_with_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], exit_code: int, message: str
) -> None:
    """The line says what is wrong."""
    ended, _, errors = run(capsys, *arguments)
    assert ended == exit_code
    assert message in errors
    assert errors.count("\n") == 1


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGTERM, 75), (signal.SIGINT, 130)])
def test_a_signal_ends_the_client_as_well(tmp_path: Path, number: signal.Signals, exit_code: int) -> None:
    """Nothing of it stays behind, also if it does not listen to SIGTERM."""
    client = "import os, signal; signal.signal(15, signal.SIG_IGN); open('pid', 'w').write(str(os.getpid())); "
    fifo = tmp_path / "pid"
    os.mkfifo(fifo)
    doctor = subprocess.Popen(
        [sys.executable, "-m", "twinstream", "doctor", "--", sys.executable, "-c", client + "signal.pause()"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        pid = int(fifo.read_text())
        doctor.send_signal(number)
        _, errors = doctor.communicate(timeout=20)
    finally:
        doctor.kill()
    assert doctor.returncode == exit_code
    assert "Traceback" not in errors
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_the_page_names_every_case() -> None:
    """docs/doctor.md lists what is looked at."""
    from twinstream.doctor.run import CASES

    page = (Path(__file__).parents[2] / "docs" / "doctor.md").read_text()
    assert [line.split("`")[1] for line in page.splitlines() if line.startswith("| `")] == [case.name for case in CASES]


def test_help_teaches_with_examples(capsys: pytest.CaptureFixture[str]) -> None:
    """With lines to copy, on a terminal of 80 columns."""
    exit_code, output, _ = run(capsys, "--help")
    assert exit_code == 0
    assert "Examples:\n\n  twinstream doctor -- node client.js '{url}'" in output
    assert max(map(len, output.splitlines())) <= 80
