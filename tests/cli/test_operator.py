"""How `twinstream admin` finds who answers it, and what it makes of the answers."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import structlog

from twinstream.cli.operator import ADDRESS_FILE, Address, call, call_server, find_server
from twinstream.exits import (
    EX_CONFIG,
    EX_DATAERR,
    EX_IOERR,
    EX_NOPERM,
    EX_TEMPFAIL,
    EX_UNAVAILABLE,
    CommandError,
)
from twinstream.settings import Settings
from twinstream.sqlite.database import Database

TOKEN = "t0k3n"
NOBODY = "http://127.0.0.1:1"


class _Answering(BaseHTTPRequestHandler):
    """Answers what the path asks for: `/STATUS/CODE`, `html` being no problem and `cut` no answer; says what came."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, code = int(self.path.split("/")[1]), self.path.split("/")[2]
        if code == "cut":
            self.close_connection = True
            return
        seen = {"body": body.decode(), "authorization": self.headers["Authorization"], "peer": self.client_address[0]}
        problem = {"detail": "no such\nOEM.", "code": code} if status >= 400 else {}
        answer = b"" if status == 204 else b"<html>" if code == "html" else json.dumps(seen | problem).encode()
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


@pytest.fixture(autouse=True)
def _keep_logging() -> Iterator[None]:
    """Opening a folder sets up the logs of the process; here others live in it too."""
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    yield
    logging.getLogger().handlers[:] = handlers
    logging.getLogger().setLevel(level)
    structlog.reset_defaults()


def leave_address(
    data: Path, url: str = NOBODY, *, content: str | None = None, pid: int = 0, mode: int = 0o600
) -> None:
    """Write `admin.json` as a server would."""
    path = data / ADDRESS_FILE
    path.write_text(content or json.dumps({"url": url, "token": TOKEN, "pid": pid or os.getpid()}))
    path.chmod(mode)


@pytest.fixture
def dead_pid() -> int:
    """The id of a process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def make_database(folder: Path) -> None:
    """Make what a server leaves when it stops."""
    Database.open(folder).close()


def test_a_folder_without_a_server_has_no_address(tmp_path: Path) -> None:
    """Nothing there, or not even a folder: the folder itself is to be opened."""
    (tmp_path / "file").touch()
    for data in (tmp_path, tmp_path / "missing", tmp_path / "file"):
        assert find_server(data) is None


def test_the_address_that_a_server_left_is_found(tmp_path: Path) -> None:
    """With its token, while the process lives."""
    leave_address(tmp_path)
    assert find_server(tmp_path) == Address(NOBODY, TOKEN, os.getpid())


def test_the_address_of_a_killed_server_is_not_used(tmp_path: Path, dead_pid: int) -> None:
    """After a SIGKILL the file stays; its port may be somebody else's by now."""
    leave_address(tmp_path, pid=dead_pid)
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
    leave_address(tmp_path, content=content, mode=mode)
    with pytest.raises(CommandError, match=word) as refusal:
        find_server(tmp_path)
    assert refusal.value.exit_code == exit_code
    assert TOKEN not in str(refusal.value)


def test_a_call_carries_the_token_and_the_body_from_this_machine(tmp_path: Path, address: Address) -> None:
    """And its answer is read as JSON; an empty one is None."""
    leave_address(tmp_path, address.url)
    settings = Settings(data=tmp_path)
    assert call(settings, "POST", "/200/ok", {"name": "x"}) == {
        "body": '{"name":"x"}',
        "authorization": f"auth_token {TOKEN}",
        "peer": "127.0.0.1",
    }
    assert call(settings, "POST", "/204/ok") is None


@pytest.mark.parametrize(
    ("path", "exit_code", "message"),
    [
        ("/422/invalid", EX_DATAERR, "no such OEM."),
        ("/403/forbidden", EX_NOPERM, "no such OEM."),
        ("/503/storage_full", EX_IOERR, "no such OEM."),
        ("/503/shutting_down", EX_TEMPFAIL, "no such OEM."),
        ("/500/html", EX_DATAERR, "the server refused it with status 500"),
    ],
)
def test_a_refusal_is_told_in_the_servers_words(
    tmp_path: Path, address: Address, path: str, exit_code: int, message: str
) -> None:
    """In one line, with an exit code that says what to do."""
    leave_address(tmp_path, address.url)
    with pytest.raises(CommandError) as refusal:
        call(Settings(data=tmp_path), "POST", path)
    assert (refusal.value.exit_code, str(refusal.value)) == (exit_code, message)


def test_an_answer_that_never_came_leaves_it_open_what_was_done(tmp_path: Path, address: Address) -> None:
    """The folder is not tried in its stead: the request may have been carried out."""
    make_database(tmp_path)
    leave_address(tmp_path, address.url)
    with pytest.raises(CommandError, match="list what is there before you repeat it") as refusal:
        call(Settings(data=tmp_path), "POST", "/200/cut")
    assert refusal.value.exit_code == EX_UNAVAILABLE
    assert TOKEN not in str(refusal.value)


def test_who_refuses_the_connection_or_the_token_did_nothing(address: Address) -> None:
    """Then the folder can be asked."""
    assert call_server(Address(NOBODY, TOKEN, 1), "POST", "/200/ok") is None
    assert call_server(address, "POST", "/401/unauthorized") is None


def test_where_no_server_runs_the_folder_answers(tmp_path: Path) -> None:
    """And is let go again."""
    make_database(tmp_path)
    settings = Settings(data=tmp_path)
    made = call(settings, "POST", "/admin/v1/oems", {"name": "x"})
    assert call(settings, "GET", "/admin/v1/oems") == [made]


def test_a_stale_address_misleads_nobody(tmp_path: Path, address: Address) -> None:
    """Its process id is somebody else's by now, its port nobody's, or that of one who does not know the token."""
    make_database(tmp_path)
    settings = Settings(data=tmp_path)
    leave_address(tmp_path)
    assert call(settings, "GET", "/admin/v1/oems") == []
    leave_address(tmp_path, address.url + "/401/unauthorized")
    assert call(settings, "POST", "/admin/v1/oems", {"name": "x"})["name"] == "x"


@pytest.mark.parametrize("has_address", [True, False])
def test_a_folder_in_use_by_one_who_does_not_answer_is_told(tmp_path: Path, has_address: bool) -> None:
    """With the process that holds it, and where it was expected to answer."""
    database = Database.open(tmp_path)
    try:
        if has_address:
            leave_address(tmp_path)
        with pytest.raises(CommandError) as refusal:
            call(Settings(data=tmp_path), "GET", "/admin/v1/oems")
    finally:
        database.close()
    place = f"at {NOBODY}" if has_address else "(it starts, stops, or is another admin command)"
    assert refusal.value.exit_code == EX_TEMPFAIL
    assert str(refusal.value) == (
        f"{tmp_path} is in use by process {os.getpid()}, which does not answer {place}; try again"
    )


def test_a_folder_that_is_none_is_not_made_unasked(tmp_path: Path) -> None:
    """A slip in its name would else look like an empty server; the command that begins one may."""
    settings = Settings(data=tmp_path / "new")
    with pytest.raises(CommandError, match="holds no database") as refusal:
        call(settings, "GET", "/admin/v1/oems")
    assert refusal.value.exit_code == EX_CONFIG
    assert not settings.data.exists()
    assert call(settings, "GET", "/admin/v1/oems", may_make_folder=True) == []
    assert settings.data.stat().st_mode & 0o777 == 0o700
