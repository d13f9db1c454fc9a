"""The command as a process: exit codes, one line for a mistake, quiet where nobody listens."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from twinstream import __version__
from twinstream.cli.app import main

COMMAND = [sys.executable, "-m", "twinstream"]


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Run the command in this process; answer exit code, output and errors."""
    exit_code = main(arguments)
    output, errors = capsys.readouterr()
    return exit_code, output, errors


def run_in_shell(script: str, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a script whose "$@" is the command with these arguments."""
    return subprocess.run(
        ["bash", "-c", script, "bash", *COMMAND, *arguments], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("arguments", [["--version"], ["version"], ["serve", "--version"]])
def test_the_version_is_printed(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    """By flag and by command."""
    assert run(capsys, *arguments) == (0, f"twinstream {__version__}\n", "")


@pytest.mark.parametrize("command", [[], ["serve"], ["demo"], ["tail"], ["config"], ["config", "show"]])
def test_help_teaches_with_examples(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    """Every command has help with a line to copy, however wrong the rest of the line or the environment is."""
    monkeypatch.setenv("TWINSTREAM_PORT", "broken")
    exit_code, output, errors = run(capsys, *command, *(["--nonsense"] if command else []), "--help")
    assert exit_code == 0
    assert errors == ""
    assert "Examples:\n\n  twinstream " in output
    assert max(map(len, output.splitlines())) <= 80


def test_tail_tells_what_a_pipe_gets_and_how_to_trust_a_private_ca(capsys: pytest.CaptureFixture[str]) -> None:
    """Both stand in its help."""
    _, output, _ = run(capsys, "tail", "--help")
    assert "a pipe or a file gets lines of JSON" in output
    assert "SSL_CERT_FILE" in output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["frobnicate"], 'Unknown command "frobnicate"'),
        (["serv"], 'Did you mean "serve"?'),
        (["serve", "--prot", "1"], "Did you mean --port?"),
        (["serve", "--port"], "--port requires an argument"),
        (["serve", "--data", "--port"], "--data requires an argument"),
        (["serve", "--port", "1", "--port", "2"], "--port specified multiple times"),
        (["serve", "--port", "-1"], "flag --port: '-1' cannot be; expected a whole number from 0 to 65,535"),
        (["serve", "--port", ""], "flag --port: '' cannot be"),
        (["tail", "--count", "1.5"], "--count: '1.5' is no whole number"),
        (["serve", "--host", "0.0.0.0"], "flag --host: '0.0.0.0' can be reached by others"),
        (["demo", "--host", "0.0.0.0"], "flag --host: '0.0.0.0' can be reached by others"),
        (["demo", "--log-level", "debug"], "Unknown option: --log-level"),
        (["serve", "extra"], "extra"),
        (["tail"], "name a URL or a region, or set TWINSTREAM_CLOUD"),
        (["tail", "ftp://localhost/stream?stream_key=ab"], "expected ws:// or wss://, as in 'ws://127.0.0.1:8800"),
        (["tail", "localhost:8800"], "expected ws:// or wss://"),
        (["tail", "ws:///stream"], "expected ws:// or wss://"),
        (["tail", "ws://localhost:99999/stream"], "expected ws:// or wss://"),
    ],
)
def test_a_wrong_line_is_answered_with_one_line_and_64(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    """The line says what is wrong and, where there is one, the nearest right thing."""
    exit_code, output, errors = run(capsys, *arguments)
    assert exit_code == 64
    assert output == ""
    assert message in errors
    assert errors.startswith("twinstream: ")
    assert errors.count("\n") == 1


def test_a_refused_address_is_not_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    """It has the stream key in it."""
    assert "5ec2e7" not in run(capsys, "tail", "ftp://localhost/stream?stream_key=5ec2e7")[2]


def test_a_wrong_file_ends_with_78(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The settings file is configuration, not usage."""
    file = tmp_path / "x.toml"
    file.write_text("prot = 1")
    exit_code, _, errors = run(capsys, "serve", "--config", str(file))
    assert (exit_code, errors) == (78, f"twinstream: {file}:1: prot: no such setting; did you mean port?\n")


def test_config_show_prints_a_file_that_means_the_same(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Its output says where each value comes from, and is itself a settings file."""
    exit_code, output, _ = run(
        capsys, "config", "show", "--port", "9", "--behind-proxy", "--allowed-origins", "https://a"
    )
    assert exit_code == 0
    assert "port = 9  # flag --port\n" in output
    file = tmp_path / "shown.toml"
    file.write_text(output)
    again = run(capsys, "config", "show", "--config", str(file))[1]
    assert [line.partition("  #")[0] for line in again.splitlines()] == [
        line.partition("  #")[0] for line in output.splitlines()
    ]


def test_an_unknown_variable_is_warned_of(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """On standard error, in one line; the command goes on."""
    monkeypatch.setenv("TWINSTREAM_PROT", "1")
    exit_code, _, errors = run(capsys, "config", "show")
    assert exit_code == 0
    assert (
        errors == "twinstream: warning: environment TWINSTREAM_PROT: no such setting; did you mean TWINSTREAM_PORT?\n"
    )


@pytest.mark.parametrize("arguments", [["--help"], ["config", "show"]])
@pytest.mark.parametrize("redirection", ["| true", ">&-", ">&- 2>&-"])
def test_an_output_that_nobody_takes_is_quiet(arguments: list[str], redirection: str) -> None:
    """A reader that went away and a closed descriptor are no mistake."""
    done = run_in_shell(f'set -o pipefail; "$@" {redirection}', arguments)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_full_disk_is_told_in_one_line() -> None:
    """Exit code 74, and standard error says why."""
    done = run_in_shell('"$@" > /dev/full', ["config", "show"])
    assert done.returncode == 74
    assert done.stderr == "twinstream: the output could not be written: no space left\n"


def test_a_bare_environment_suffices() -> None:
    """No HOME, no TERM, no locale with UTF-8: help still works."""
    done = subprocess.run([*COMMAND, "serve", "--help"], env={"LC_ALL": "C"}, capture_output=True, check=False)
    assert done.returncode == 0
    assert done.stderr == b""


def test_ctrl_c_ends_without_a_traceback() -> None:
    """Exit code 130, as shells count it, and no word."""
    script = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has it ignored in what runs in the background
from twinstream.cli import app
def version(): os.kill(os.getpid(), signal.SIGINT)
app.version = version
sys.exit(app.main(["version"]))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (128 + signal.SIGINT, "")
