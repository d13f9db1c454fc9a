"""`twinstream admin` beside real servers: running, killed, speaking TLS, reachable from outside."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cli.test_tls import write_pair
from tests.live.server import ServerProcess, running_server

pytestmark = pytest.mark.live

OEM = "0dfc7900"
EMAIL = "ada@example.com"
PASSWORD = "correct horse"


def admin(data: Path, *arguments: str, password: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run `twinstream admin` with a password on its standard input."""
    return subprocess.run(
        [sys.executable, "-m", "twinstream", "admin", *arguments, f"--data={data}"],
        input=password or "",
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def ask(data: Path, *arguments: str, password: str | None = None) -> Any:
    """Run it; answer what it prints as JSON."""
    done = admin(data, *arguments, "--json", password=password)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def set_up(data: Path) -> dict[str, str]:
    """Make an OEM, an application and a user; answer the body by which the user signs in."""
    ask(data, "oem", "add", "Example", "--id", OEM)
    app = ask(data, "app", "add", OEM, "Example")
    ask(data, "user", "add", OEM, EMAIL, password=PASSWORD)
    return {"app_id": app["app_id"], "app_secret": app["app_secret"]}


def sign_in(server: ServerProcess, application: dict[str, str], password: str = PASSWORD) -> httpx.Response:
    """Sign the user in."""
    body = {"user": {"email": EMAIL, "password": password, "application": application}}
    return httpx.post(f"{server.url}/users/sign_in.json", json=body)


def test_a_running_server_does_it_at_once(server: ServerProcess) -> None:
    """Who was added can sign in; who got another password is signed out, and needs it."""
    application = set_up(server.data)
    token = sign_in(server, application).raise_for_status().json()["access_token"]
    profile = f"{server.url}/users/get_user_profile.json"
    authorization = {"Authorization": f"auth_token {token}"}
    assert httpx.get(profile, headers=authorization).status_code == 200
    ask(server.data, "user", "password", OEM, EMAIL, password="another one")
    assert httpx.get(profile, headers=authorization).status_code == 401
    assert sign_in(server, application).status_code == 401
    assert sign_in(server, application, "another one").status_code == 200


def test_a_suspended_subscription_lets_nobody_in(server: ServerProcess) -> None:
    """Until it is resumed."""
    application = set_up(server.data)
    ask(server.data, "user", "role", OEM, EMAIL, "OEM::Admin")
    token = sign_in(server, application).json()["access_token"]
    terms = {
        "name": "all",
        "dsn": "*",
        "oem_model": "ledevb",
        "property_name": "*",
        "client_type": "cloud",
        "subscription_type": "datapoint",
    }
    made = httpx.post(
        f"{server.url}/api/v1/subscriptions.json",
        json={"subscription": terms},
        headers={"Authorization": f"auth_token {token}"},
    ).raise_for_status()
    [listed] = ask(server.data, "subscription", "list", OEM)
    assert (listed["name"], listed["stream_key"], listed["is_suspended"]) == ("all", None, False)
    stream = f"{server.url}/stream?stream_key={made.json()['subscription']['stream_key']}"
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    assert ask(server.data, "subscription", "suspend", str(listed["id"]))["is_suspended"] is True
    assert httpx.get(stream, headers=upgrade).status_code == 403
    assert ask(server.data, "subscription", "resume", str(listed["id"]))["is_suspended"] is False
    assert httpx.get(stream, headers=upgrade).status_code == 101


def test_before_the_first_start_and_after_a_kill_the_folder_does_it(tmp_path: Path) -> None:
    """What was set up without a server is there in the next one; `admin.json` of a killed one does no harm."""
    data = tmp_path / "data"
    application = set_up(data)
    server = ServerProcess(data)
    try:
        sign_in(server, application).raise_for_status()
    finally:
        server.kill()
    assert (data / "admin.json").exists()
    ask(data, "user", "password", OEM, EMAIL, password="another one")
    with running_server(data) as server:
        assert sign_in(server, application).status_code == 401
        assert sign_in(server, application, "another one").status_code == 200


def test_a_server_that_stands_still_is_told(server: ServerProcess) -> None:
    """Its lock is held, its address is that of nobody: the line names the process, and nothing is done behind it."""
    path, aside = server.data / "admin.json", server.data / "aside"
    address = json.loads(path.read_text())
    path.rename(aside)
    done = admin(server.data, "oem", "add", "x")
    assert (done.returncode, done.stdout) == (75, "")
    assert "(it starts, stops, or is another admin command)" in done.stderr
    path.touch(0o600)
    path.write_text(json.dumps(address | {"url": "http://127.0.0.1:1"}))
    assert admin(server.data, "oem", "add", "x").stderr == (
        f"twinstream: {server.data} is in use by process {server.pid}, "
        "which does not answer at http://127.0.0.1:1; try again\n"
    )
    aside.rename(path)
    assert ask(server.data, "oem", "list") == []


def test_a_server_that_speaks_tls_is_reached(tmp_path: Path) -> None:
    """Whatever name stands in its certificate."""
    certificate, key = write_pair(tmp_path, "server")
    with running_server(tmp_path / "data", tls_cert=certificate, tls_key=key) as server:
        assert server.url.startswith("https://")
        ask(server.data, "oem", "add", "Example")
        assert [oem["name"] for oem in ask(server.data, "oem", "list")] == ["Example"]


def test_a_server_on_an_outer_address_is_reached(tmp_path: Path) -> None:
    """Though it lets its operator in from this machine only."""
    outer = find_outer_address()
    if outer is None:
        pytest.skip("this machine has no address but its loopback's")
    with running_server(tmp_path / "data", host=outer, behind_proxy="true") as server:
        assert ask(server.data, "oem", "list") == []


def test_a_prompt_asks_twice_and_shows_nothing(tmp_path: Path) -> None:
    """On a terminal; two that differ change nothing."""
    data = tmp_path / "data"
    ask(data, "oem", "add", "Example", "--id", OEM)
    assert prompt(data, "user", "add", OEM, EMAIL, answers=[PASSWORD, "correct hose"])[0] == 64
    assert ask(data, "user", "list", OEM) == []
    exit_code, shown = prompt(data, "user", "add", OEM, EMAIL, answers=[PASSWORD, PASSWORD])
    assert exit_code == 0
    assert PASSWORD not in shown
    assert prompt(data, "user", "delete", OEM, EMAIL, answers=["n"])[0] == 64
    assert [user["email"] for user in ask(data, "user", "list", OEM)] == [EMAIL]
    assert prompt(data, "user", "delete", OEM, EMAIL, answers=["y"])[0] == 0
    assert ask(data, "user", "list", OEM) == []


def prompt(data: Path, *arguments: str, answers: list[str]) -> tuple[int, str]:
    """Run it on a terminal, answering each prompt; answer exit code and what the terminal showed."""
    terminal, line = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "twinstream", "admin", *arguments, f"--data={data}"],
        stdin=line,
        stdout=line,
        stderr=line,
        start_new_session=True,
    )
    os.close(line)
    shown = ""
    try:
        with open(terminal, "rb+", buffering=0) as screen:
            for answer in answers:
                while not shown.endswith((": ", "] ")):
                    shown += screen.read(1024).decode()
                screen.write(answer.encode() + b"\n")
                shown += "\n"
            try:
                while chunk := screen.read(1024):
                    shown += chunk.decode()
            except OSError:  # Why: so a terminal says that nobody is at its other end any more
                pass
        return process.wait(30), shown
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def find_outer_address() -> str | None:
    """Answer an IPv4 address of this machine that is not its loopback's."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: it only chooses a route
        except OSError:
            return None
        address: str = probe.getsockname()[0]
    return None if address.startswith("127.") else address
