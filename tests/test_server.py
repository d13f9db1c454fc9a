"""The server as a process: starting, saying where it is, refusing to start, draining, and keeping secrets."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import ssl
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.certificate import make_certificate
from tests.live.server import ServerProcess, running_server
from twinstream.errors import RequestError
from twinstream.model.event import EventType
from twinstream.model.principal import Operator
from twinstream.model.subscription import ClientType, Terms
from twinstream.parts import Parts
from twinstream.process import Stop
from twinstream.settings import Settings

pytestmark = pytest.mark.live

PASSWORD = "correct horse battery staple"


def stream_key(server: ServerProcess) -> str:
    """Make an OEM, its administrator and a subscription; answer the stream key."""
    with server.operator() as operator:
        oem = operator.post("/admin/v1/oems", json={"name": "Acme"}).raise_for_status().json()["id"]
        user = {"email": "ana@example.com", "password": PASSWORD, "role": "OEM::Admin"}
        operator.post(f"/admin/v1/oems/{oem}/users", json=user).raise_for_status()
    with httpx.Client(base_url=server.url) as client:
        signed_in = client.post(
            "/users/sign_in.json", json={"user": {"email": "ana@example.com", "password": PASSWORD}}
        )
        token = signed_in.raise_for_status().json()["access_token"]
        wanted = {
            "oem_model": "*",
            "dsn": "*",
            "property_name": "*",
            "client_type": "cloud",
            "subscription_type": "datapoint",
        }
        headers = {"Authorization": f"auth_token {token}"}
        wanted["oem_model"] = "m"
        made = client.post("/api/v1/subscriptions.json", json=wanted, headers=headers).raise_for_status()
        return str(made.json()["subscription"]["stream_key"])


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server with default settings on an empty data folder."""
    with running_server(tmp_path / "data") as server:
        yield server


def test_it_says_where_it_is(server: ServerProcess) -> None:
    """A started server answers where it said, and has left url, token and pid for its operator alone."""
    assert httpx.get(server.url + "/healthz").status_code == 200
    assert httpx.get(server.url + "/readyz").status_code == 200
    path = server.data / "admin.json"
    address = json.loads(path.read_text())
    assert address == {"url": server.url, "token": address["token"], "pid": server.pid}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert server.stop() == 0
    assert not path.exists()


@pytest.mark.parametrize("on_terminal", [True, False])
def test_what_it_says_fits_the_listener(tmp_path: Path, on_terminal: bool) -> None:
    """A person is told the address and what to do next; a program gets a line of JSON too."""
    reading, writing = os.openpty() if on_terminal else os.pipe()
    command = [sys.executable, "-m", "twinstream", "serve", f"--data={tmp_path / 'data'}", "--port=0"]
    with subprocess.Popen(command, stdout=writing, stderr=subprocess.DEVNULL) as process:
        os.close(writing)
        said = b""
        while said.count(b"\n") < (2 if on_terminal else 3) and (more := os.read(reading, 1000)):
            said += more
        process.terminate()
        process.wait(20)
    os.close(reading)
    lines = said.decode().splitlines()
    assert lines[0].startswith("twinstream ")
    assert lines[-1] == "What to do next: twinstream admin --help"
    assert [json.loads(line)["pid"] for line in lines[1:-1]] == ([] if on_terminal else [process.pid])


def test_nobody_reads_what_it_says(tmp_path: Path) -> None:
    """A server whose standard output is closed starts, answers and stops like any other."""
    reading, writing = os.pipe()
    os.close(reading)
    data = tmp_path / "data"
    command = [sys.executable, "-m", "twinstream", "serve", f"--data={data}", "--port=0"]
    with subprocess.Popen(command, stdout=writing, stderr=subprocess.PIPE, text=True) as process:
        os.close(writing)
        deadline_s = time.monotonic() + 20
        while not (data / "admin.json").exists() and time.monotonic() < deadline_s:
            time.sleep(0.05)
        address = json.loads((data / "admin.json").read_text())
        assert httpx.get(address["url"] + "/healthz").status_code == 200
        process.terminate()
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "Traceback" not in errors
    assert "BrokenPipe" not in errors


def test_metrics(server: ServerProcess) -> None:
    """The metrics name sessions by state and closes by code, and no key."""
    text = httpx.get(server.url + "/metrics").text
    for name in ("sessions", "closes_total", "delivered_total", "writer_pending", "log_head"):
        assert f"twinstream_{name}" in text
    assert "process_resident_memory_bytes" in text


def test_the_port_is_taken(server: ServerProcess, tmp_path: Path) -> None:
    """A port that is in use is told in one line, with exit code 69."""
    ended = _run_server(tmp_path / "other", f"--port={server.address[1]}")
    assert ended.returncode == 69
    assert f"port {server.address[1]}: another program uses it" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_address_of_another_machine(tmp_path: Path) -> None:
    """An address that this machine does not have is told in one line, with exit code 69."""
    ended = _run_server(tmp_path / "data", "--port=0", "--host=192.0.2.1", "--behind-proxy")
    assert ended.returncode == 69
    assert "this machine has no such address" in ended.stderr


def test_the_folder_is_in_use(server: ServerProcess) -> None:
    """A second server on a folder ends with exit code 75 and names the first."""
    ended = _run_server(server.data, "--port=0")
    assert ended.returncode == 75
    assert str(server.pid) in ended.stderr


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_ipv6(tmp_path: Path) -> None:
    """An IPv6 address works, and stands in brackets in the URL."""
    with running_server(tmp_path / "data", host="::1") as server:
        assert server.url.startswith("http://[::1]:")
        assert httpx.get(server.url + "/healthz").status_code == 200


async def test_streams_are_closed_at_shutdown(tmp_path: Path) -> None:
    """SIGTERM: not ready, no new socket, open ones closed with 1012 one after the other, exit code 0 within 10 s."""
    with running_server(tmp_path / "data", sessions_per_key=100) as server:
        key = await asyncio.to_thread(stream_key, server)
        url = f"ws://127.0.0.1:{server.address[1]}/stream?stream_key={key}"
        streams = [await connect(url, compression=None) for _ in range(20)]
        started_s = time.monotonic()
        os.kill(server.pid, signal.SIGTERM)
        await asyncio.sleep(0.2)
        async with httpx.AsyncClient() as client:
            ready = await client.get(server.url + "/readyz")
            assert (ready.status_code, ready.json()["code"]) == (503, "shutting_down")
            upgrade = {
                "Connection": "Upgrade",
                "Upgrade": "websocket",
                "Sec-WebSocket-Version": "13",
                "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            }
            refused = await client.get(f"{server.url}/stream?stream_key={key}", headers=upgrade)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        for stream in streams:
            with pytest.raises(ConnectionClosed) as closed:
                await stream.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012
        assert await asyncio.to_thread(server.stop) == 0
        assert time.monotonic() - started_s < 10


async def test_a_stuck_client_does_not_hold_up_the_shutdown(tmp_path: Path) -> None:
    """A client that neither reads nor answers is cut when the grace is over; a second SIGTERM does not wait for it."""
    for hurried, limit_s in ((False, 10.0), (True, 3.0)):
        with running_server(tmp_path / str(hurried), shutdown_grace_s=4) as server:
            key = await asyncio.to_thread(stream_key, server)
            reader, writer = await asyncio.open_connection(*server.address)
            writer.write(
                f"GET /stream?stream_key={key} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
            )
            assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
            started_s = time.monotonic()
            os.kill(server.pid, signal.SIGTERM)
            if hurried:
                await asyncio.sleep(0.2)
            assert await asyncio.to_thread(server.stop) == 0
            assert time.monotonic() - started_s < limit_s
            writer.close()


def test_tls(tmp_path: Path) -> None:
    """With a certificate the server speaks https and wss, and nothing else on that port."""
    certificate, key_file = make_certificate(tmp_path)
    with running_server(tmp_path / "data", tls_cert=certificate, tls_key=key_file) as server:
        assert server.url.startswith("https://127.0.0.1:")
        trust = ssl.create_default_context(cafile=str(certificate))
        assert httpx.get(server.url + "/healthz", verify=trust).status_code == 200
        with pytest.raises(httpx.HTTPError):
            httpx.get(server.url.replace("https", "http") + "/healthz")
        with closing(socket.create_connection(server.address)) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert b"HTTP/1.1 2" not in plain.recv(100)


def test_no_secret_is_logged(tmp_path: Path) -> None:
    """Whatever is sent as a key, a token or a password stands nowhere in what the server writes to its log."""
    canary = "c0ffee00c0ffee00c0ffee00c0ffee%02d"
    with running_server(tmp_path / "data", log_level="debug") as server, httpx.Client(base_url=server.url) as client:
        key = stream_key(server)
        upgrade = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        }
        client.get(f"/stream?stream_key={canary % 1}", headers=upgrade)
        client.get(f"/stream?stream_key={canary % 2}")
        client.delete(f"/stream?stream_key={canary % 3}")
        client.delete(f"/stream?stream_key={key}")
        client.get("/apiv1/devices", headers={"Authorization": f"auth_token {canary % 4}"})
        client.post("/users/sign_in", json={"user": {"email": "x@example.com", "password": canary % 5}})
        client.post("/users/sign_in", content=b'{"user":{"password":"' + (canary % 6).encode())
        client.get(f"/nowhere/{canary % 7}?stream_key={canary % 8}")
        with closing(socket.create_connection(server.address)) as raw:
            raw.sendall(b"BAD /stream?stream_key=" + (canary % 9).encode() + b"\r\n\r\n")
            raw.recv(1000)
        token = json.loads((server.data / "admin.json").read_text())["token"]
        server.stop()
        written = server.log.read_text()
    for secret in (canary[:-4], key, token, PASSWORD):
        assert secret not in written
    assert "stream refused" in written


async def test_gaps_survive_a_full_disk(tmp_path: Path) -> None:
    """A gap record that cannot be stored waits until there is room again."""
    parts = Parts(Settings(data=tmp_path / "data"), Stop())
    try:
        oem = await parts.admin.add_oem(Operator(), "Acme", "aaaaaaaa")
        ana = (await parts.admin.add_user(Operator(), oem.id, "ana@example.com", PASSWORD, "EndUser")).user
        made = await parts._subscriptions.create(ana, Terms(ClientType.MOBILE, (EventType.DATAPOINT,)))
        for number in range(1, 1001):
            parts.hub.report_gap(made.subscription.id, number, number)

        def allow_pages(work: Any, more: int) -> None:
            work.connection.pragma("max_page_count", work.connection.pragma("page_count") + more)

        await parts.store.run(lambda work: allow_pages(work, 0))
        with pytest.raises(RequestError):
            await parts.store_cursors()
        await parts.store.run(lambda work: allow_pages(work, 1000))
        await parts.store_cursors()
        gaps = await parts._subscriptions.list_gaps(ana, made.subscription.id)
        assert [gap.from_seq for gap in gaps] == list(range(1, 1001))
    finally:
        await parts.store.close()


def _run_server(data: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "twinstream", "serve", f"--data={data}", *flags]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
