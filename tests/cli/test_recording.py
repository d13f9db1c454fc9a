"""`record`, `play` and `scrub` as commands: files, addresses, signals, exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.recording.tapes import DSN, datapoint, tape, texts, write
from twinstream.cli.app import main
from twinstream.recording.file import Recording

COMMAND = [sys.executable, "-m", "twinstream"]


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Run a command in this process; answer exit code, output and errors."""
    exit_code = main(arguments)
    output, errors = capsys.readouterr()
    return exit_code, output, errors


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """The address of a recording that another process plays, as fast as it can."""
    source = write(tmp_path / "source.jsonl", tape(20))
    player = subprocess.Popen(
        [*COMMAND, "play", str(source), "--port", "0", "--speed", "max"], stdout=subprocess.PIPE, text=True
    )
    assert player.stdout is not None
    try:
        assert player.stdout.readline() == f"20 events of {source}, 0 s long, at\n"
        yield player.stdout.readline().strip()
    finally:
        player.terminate()
        assert player.wait(10) == 0
        player.stdout.close()


def test_play_and_record(capsys: pytest.CaptureFixture[str], tmp_path: Path, address: str) -> None:
    """What is played by one process and recorded by another is the same; started again it goes on."""
    path = tmp_path / "copy.jsonl.gz"
    exit_code, output, errors = run(capsys, "record", address, "-o", str(path), "--count", "5", "--json")
    assert (exit_code, json.loads(output)) == (0, {"file": str(path), "events": 5, "last_seq": 5})
    exit_code, output, errors = run(capsys, "record", address, "-o", str(path), "--since-seq", "0", "--until-seq", "20")
    assert (exit_code, output) == (0, "")
    assert errors.endswith(f"twinstream: 15 events recorded in {path}; the last in it is number 20\n")
    assert texts(path) == texts(tmp_path / "source.jsonl")


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_ends_a_recording_in_good_order(
    tmp_path: Path, address: str, number: signal.Signals, exit_code: int
) -> None:
    """The file is whole."""
    path = tmp_path / "copy.jsonl.gz"
    recorder = subprocess.Popen(
        [*COMMAND, "record", address, "-o", str(path)],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        assert recorder.stderr is not None
        assert recorder.stderr.readline() == "twinstream: connected\n"
        recorder.send_signal(number)
        assert recorder.wait(10) == exit_code
        assert "Traceback" not in recorder.stderr.read()
        recorder.stderr.close()
    finally:
        recorder.kill()
    recording = Recording(path)
    assert list(recording.lines())
    assert not recording.is_torn


@pytest.mark.parametrize("name", ["copy.jsonl", "copy.jsonl.gz"])
def test_a_killed_recorder_loses_and_doubles_nothing(tmp_path: Path, address: str, name: str) -> None:
    """However often: what is in the file in the end is what was played."""
    path = tmp_path / name
    command = [*COMMAND, "record", address, "-o", str(path), "--since-seq", "0"]
    for kill in range(1, 4):
        recorder = subprocess.Popen([*command, "--count", str(5 * kill)], stderr=subprocess.PIPE)
        assert recorder.stderr is not None
        recorder.stderr.readline()  # connected: it is writing now
        recorder.kill()
        recorder.wait()
        recorder.stderr.close()
        if path.stat().st_size > 3:
            path.write_bytes(path.read_bytes()[:-3])  # what a crash of the machine may take
    subprocess.run([*command, "--until-seq", "20"], check=True, capture_output=True)
    assert texts(path) == texts(tmp_path / "source.jsonl")


def test_scrub(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same seed, from the flag or the environment, makes the same file; without one each file is another."""
    source = write(tmp_path / "a", tape(3))
    for name, flags in (("b", ["--seed", "s"]), ("c", []), ("d", []), ("e", ["--seed", "s"])):
        monkeypatch.setenv("TWINSTREAM_SEED", "s" if name == "c" else "")
        exit_code, _, errors = run(capsys, "scrub", str(source), "-o", str(tmp_path / name), *flags)
        assert (exit_code, errors) == (0, f"twinstream: 3 events in {tmp_path / name}\n")
        assert DSN not in (tmp_path / name).read_text()
    contents = [(tmp_path / name).read_text() for name in "bcde"]
    assert contents[0] == contents[1] == contents[3] != contents[2]


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (["play", "SOURCE", "--speed", "fast"], 64, "--speed fast: expected a factor like 10x or 0.5x, or max"),
        (["play", "SOURCE", "--speed", "max", "--loop"], 64, "--loop needs a --speed other than max"),
        (["play", "SOURCE", "--port", "70000"], 64, "--port is from 0 to 65535"),
        (["play", "SOURCE", "--host", "192.0.2.1"], 69, "cannot listen on 192.0.2.1:8801"),
        (["play", "SOURCE", "--pseudonymise", "names"], 64, "--pseudonymise: 'names' cannot be replaced"),
        (["play", "OTHER"], 65, "is no recording of twinstream"),
        (["play", "MISSING"], 65, "cannot be read: No such file"),
        (["scrub", "SOURCE", "-o", "OTHER"], 64, "is there already; name another file"),
        (["record", "ws://127.0.0.1:1/stream?stream_key=k", "-o", "OTHER"], 65, "is no recording of twinstream"),
        (["record", "ws://127.0.0.1:1/stream?stream_key=k", "-o", "NEW"], 69, "no stream there"),
        (["record", "-o", "NEW"], 64, "name a URL or a region"),
    ],
)
def test_a_wrong_line_ends_it_with_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], exit_code: int, message: str
) -> None:
    """The line says what is wrong."""
    write(tmp_path / "SOURCE", tape(1))
    (tmp_path / "OTHER").write_text(datapoint(1))
    names = ("SOURCE", "OTHER", "MISSING", "NEW")
    ended, _, errors = run(capsys, *(str(tmp_path / word) if word in names else word for word in arguments))
    assert ended == exit_code, errors
    assert message in errors
    assert errors.count("\n") == 1


def test_nothing_of_the_key_is_in_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nor in an error."""
    _, output, errors = run(capsys, "record", "ws://127.0.0.1:1/stream?stream_key=5ec2e7", "-o", str(tmp_path / "a"))
    assert "5ec2e7" not in output + errors + "".join(path.read_text() for path in tmp_path.iterdir())
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("command", ["record", "play", "scrub"])
def test_help_teaches_with_examples(capsys: pytest.CaptureFixture[str], command: str) -> None:
    """With lines to copy, on a terminal of 80 columns."""
    exit_code, output, _ = run(capsys, command, "--help")
    assert exit_code == 0
    assert f"Examples:\n\n  twinstream {command} " in output
    assert max(map(len, output.splitlines())) <= 80
