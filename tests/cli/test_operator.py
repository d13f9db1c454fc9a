"""How `twinstream admin` finds its server and what it makes of the answers."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from twinstream.cli.operator import ADDRESS_FILE, Address, call_server, find_server, read_password
from twinstream.exits import EX_CONFIG, EX_DATAERR, EX_NOPERM, EX_UNAVAILABLE, EX_USAGE, CommandError

TOKEN = "t0k3n"


class _Answering(BaseHTTPRequestHandler):
    """Answers what the path asks for: `/STATUS/TEXT`; the body says what came."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status = int(self.path.split("/")[1])
        problem = {"detail": "no such\nOEM", "field": "oem_id"} if status >= 400 else {}
        seen = {"body": body.decode(), "authorization": self.headers["Authorization"]} | problem
        answer = b"" if status == 204 else b"<html>" if self.path.endswith("/html") else json.dumps(seen).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def address() -> Iterator[Address]:
    """A server that answers as the path says."""
    with HTTPServer(("127.0.0.1", 0), _Answering) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield Address(f"http://127.0.0.1:{server.server_port}", TOKEN, os.getpid())
        server.shutdown()
        thread.join()


def leave_address(data: Path, content: str | None = None, pid: int | None = None, mode: int = 0o600) -> Path:
    """Write `admin.json` as a server would."""
    path = data / ADDRESS_FILE
    path.write_text(content or json.dumps({"url": "http://127.0.0.1:1", "token": TOKEN, "pid": pid or os.getpid()}))
    path.chmod(mode)
    return path


def test_a_folder_without_a_server_has_no_address(tmp_path: Path) -> None:
    """Nothing there: the folder itself is to be opened."""
    assert find_server(tmp_path) is None


def test_the_address_that_a_server_left_is_found(tmp_path: Path) -> None:
    """With its token, while the process lives."""
    leave_address(tmp_path)
    assert find_server(tmp_path) == Address("http://127.0.0.1:1", TOKEN, os.getpid())


def test_the_address_of_a_killed_server_is_not_used(tmp_path: Path) -> None:
    """After a SIGKILL the file stays; its port may be somebody else's by now, who shall not get the token."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    leave_address(tmp_path, pid=process.pid)
    assert find_server(tmp_path) is None


@pytest.mark.parametrize(
    ("content", "mode", "exit_code", "word"),
    [
        (None, 0o640, EX_CONFIG, "chmod 600"),
        (None, 0o604, EX_CONFIG, "chmod 600"),
        ("nonsense", 0o600, EX_DATAERR, "remove it"),
        ('{"url": 1}', 0o600, EX_DATAERR, "remove it"),
    ],
)
def test_a_file_that_is_not_as_a_server_leaves_it_is_refused(
    tmp_path: Path, content: str | None, mode: int, exit_code: int, word: str
) -> None:
    """The line has the remedy and never the token."""
    leave_address(tmp_path, content, mode=mode)
    with pytest.raises(CommandError, match=word) as refusal:
        find_server(tmp_path)
    assert refusal.value.exit_code == exit_code
    assert TOKEN not in str(refusal.value)


def test_a_call_carries_the_token_and_the_body(address: Address) -> None:
    """And its answer is read as JSON; none is None."""
    answer = call_server(address, "POST", "/200", {"name": "x"})
    assert answer == {"body": '{"name":"x"}', "authorization": f"auth_token {TOKEN}"}
    assert call_server(address, "POST", "/204") is None


@pytest.mark.parametrize(
    ("path", "exit_code", "message"),
    [
        ("/422", EX_DATAERR, "oem_id: no such OEM"),
        ("/401", EX_NOPERM, "oem_id: no such OEM"),
        ("/500/html", EX_DATAERR, "the server refused it with status 500"),
    ],
)
def test_a_refusal_is_told_in_the_servers_words(address: Address, path: str, exit_code: int, message: str) -> None:
    """In one line, with the field to blame."""
    with pytest.raises(CommandError) as refusal:
        call_server(address, "POST", path)
    assert (refusal.value.exit_code, str(refusal.value)) == (exit_code, message)


def test_a_server_that_does_not_answer_is_told() -> None:
    """With its process, for whoever wants to look."""
    with pytest.raises(CommandError, match="process 1") as refusal:
        call_server(Address("http://127.0.0.1:1", TOKEN, 1), "POST", "/200")
    assert refusal.value.exit_code == EX_UNAVAILABLE
    assert TOKEN not in str(refusal.value)


def test_a_password_comes_from_a_file_or_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exactly as typed, but for the line end."""
    file = tmp_path / "password"
    file.write_text(" päss word \n")
    assert read_password(file) == " päss word "
    monkeypatch.setattr(sys, "stdin", io.StringIO("from stdin\r\n"))
    assert read_password(None) == "from stdin"


def test_no_password_is_a_usage_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty one, a missing file, a closed standard input."""
    monkeypatch.setattr(sys, "stdin", None)
    for file in (None, tmp_path / "missing"):
        with pytest.raises(CommandError, match="--password-file") as refusal:
            read_password(file)
        assert refusal.value.exit_code == EX_USAGE
