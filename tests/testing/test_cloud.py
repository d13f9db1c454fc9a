"""A cloud within a test: real sockets, and time that passes when the test says so."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from twinstream.cli.app import main
from twinstream.client import connect_sync
from twinstream.errors import Disconnect, RequestError
from twinstream.service.fault import FaultService
from twinstream.settings import SettingError
from twinstream.sqlite.database import FILE_NAME
from twinstream.testing import Cloud, TurnedClock, serve_in_thread

DSN = "AC000W000000001"


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    """A cloud that does not wait for clients which the test itself must answer for."""
    with serve_in_thread() as cloud:
        cloud.clock.patience_s = 0.0
        yield cloud


def get(cloud: Cloud, token: str) -> int:
    """Ask for the caller's subscriptions; answer the status."""
    headers = {"Authorization": f"auth_token {token}"}
    return httpx.get(f"{cloud.url}/api/v1/subscriptions.json", headers=headers, trust_env=False).status_code


def read_events(socket: ClientConnection, count: int) -> list[str]:
    """Read so many messages that are no heartbeat."""
    messages: list[str] = []
    while len(messages) < count:
        message = socket.recv(5)
        assert isinstance(message, str)
        if message != "1|Z":
            messages.append(message)
    return messages


def test_events_of_all_types(cloud: Cloud) -> None:
    """What the test does with a device comes out of the streams of all types."""
    names = ("connectivity", "datapoint", "datapointack", "location", "registration")
    streams = {name: cloud.stream(name) for name in names}
    device = cloud.add_device(DSN, properties={"Blue_LED": "boolean"}, acks=True)
    made = device.set("Blue_LED", 1)
    device.acknowledge("Blue_LED", made)
    device.report_many("Blue_LED", [0, 1])
    device.move(52.5, 13.4)
    assert {name: stream.last_seq for name, stream in streams.items()} == {
        "connectivity": 1,
        "datapoint": 3,
        "datapointack": 1,
        "location": 1,
        "registration": 1,
    }
    with connect(streams["datapoint"].url) as socket:
        first, second, third = read_events(socket, 3)
    assert made in first
    assert '"value":0' in second
    assert '"value":1' in third


def test_heartbeats_come_at_their_times(cloud: Cloud) -> None:
    """One heartbeat every 30 s of the turned clock, none before; an answer acknowledges what came before it."""
    device, stream = cloud.add_device(DSN, properties={"level": "integer"}), cloud.stream()
    with connect(stream.url) as socket:
        device.report("level", 5)
        read_events(socket, 1)
        stream.clock.advance(29.9)
        assert stream.heartbeats == 0
        stream.clock.advance(0.1)
        assert stream.heartbeats == 1
        assert socket.recv(5) == "1|Z"
        assert stream.acknowledged == 0
        socket.send("Z")
        stream.wait_acknowledged(1)


def test_who_answers_lives_through_an_hour(cloud: Cloud) -> None:
    """A client in a thread answers each of 120 heartbeats, and is still there when the subscription ends."""
    cloud.clock.patience_s = 5.0
    stream = cloud.stream()
    ends: list[BaseException] = []

    def read() -> None:
        try:
            with connect_sync(stream.url, idle_timeout_s=3600) as client:
                list(client)
        except Exception as end:
            ends.append(end)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    stream.wait_connected()
    cloud.clock.advance(3600)
    assert (stream.heartbeats, stream.opened, stream.close_codes) == (120, 1, [])
    stream.delete()
    reader.join(10)
    (end,) = ends
    assert isinstance(end, Disconnect)
    assert end.close_code == 4403


def test_who_does_not_answer_is_closed(cloud: Cloud) -> None:
    """Three heartbeats without an answer close a stream with 4408, though the library pongs."""
    cloud.clock.patience_s = 0.3
    stream = cloud.stream()
    with connect(stream.url) as socket:
        stream.clock.advance(91)
        assert stream.close_codes == []
        stream.clock.advance(30)
        assert stream.close_codes == [4408]
        with pytest.raises(ConnectionClosed) as closed:
            read_events(socket, 1)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4408


def test_tokens_expire(cloud: Cloud) -> None:
    """An access token is good for 86,400 s, and not a second longer."""
    token = cloud.add_user("ada@example.com").sign_in()["access_token"]
    assert get(cloud, token) == 200
    cloud.clock.advance(86_399)
    assert get(cloud, token) == 200
    cloud.clock.advance(2)
    assert get(cloud, token) == 401


def test_retention_and_presence(cloud: Cloud) -> None:
    """A device that fell silent is Offline; after a week its events are gone, and who asks for them learns of it."""
    device = cloud.add_device(DSN, properties={"level": "integer"})
    datapoints, connectivity = cloud.stream(), cloud.stream("connectivity")
    device.report_many("level", [1, 2, 3])
    assert connectivity.last_seq == 1
    cloud.clock.advance(601)
    assert connectivity.last_seq == 2
    cloud.clock.advance(604_801)
    device.report("level", 4)
    with connect(f"{datapoints.url}&seq_start=1") as socket:
        assert '"seq":"4"' in read_events(socket, 1)[0]
    assert datapoints.sent == [4]


def test_mobile_subscriptions_expire(cloud: Cloud) -> None:
    """A mobile subscription is gone after a day without a socket; its owner sees own devices only."""
    ada = cloud.add_user("ada@example.com")
    device = cloud.add_device(DSN, properties={"level": "integer"}, owner=ada)
    cloud.add_device("AC000W000000002", properties={"level": "integer"}).report("level", 1)
    stream = cloud.stream("datapoint,connectivity", client_type="mobile", owner=ada)
    device.report("level", 1)
    assert stream.last_seq == 2
    cloud.clock.advance(86_401)
    with pytest.raises(InvalidStatus) as refused:
        connect(stream.url)
    assert refused.value.response.status_code == 401


@pytest.mark.parametrize("code", [1012, 4008, None])
def test_close_codes(cloud: Cloud, code: int | None) -> None:
    """A stream is dropped with the code that the test names, or without a close frame."""
    stream = cloud.stream()
    with connect(stream.url) as socket:
        assert stream.drop(code) == 1
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(5)
    received = closed.value.rcvd
    assert (None if received is None else received.code) == code
    assert stream.close_codes == [code or 1006]
    assert stream.drop() == 0


def test_suspension(cloud: Cloud) -> None:
    """A suspended subscription closes with 4403 and refuses with 403, until it is resumed."""
    stream = cloud.stream()
    with connect(stream.url):
        stream.suspend()
    assert stream.close_codes == [4403]
    with pytest.raises(InvalidStatus):
        connect(stream.url)
    stream.resume()
    with connect(stream.url):
        assert stream.connected == 1


def test_a_restart_loses_nothing(cloud: Cloud) -> None:
    """The server comes back on its port with what it had; time goes on."""
    device, stream = cloud.add_device(DSN, properties={"level": "integer"}), cloud.stream()
    url, before_s = stream.url, cloud.clock.now_s()
    device.report("level", 1)
    cloud.clock.advance(10)
    with connect(stream.url) as socket:
        read_events(socket, 1)
        cloud.restart()
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(5)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012
    assert stream.url == url
    assert cloud.clock.now_s() == before_s + 10
    device.report("level", 2)
    with connect(f"{stream.url}&seq_start=2") as socket:
        assert '"value":2' in read_events(socket, 1)[0]


def test_faults_by_method_http_and_command(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    """The test, the owner over HTTP and `twinstream faults` on the folder set and see the same faults."""
    device, stream = cloud.add_device(DSN, properties={"level": "integer"}), cloud.stream()
    headers = {"Authorization": f"auth_token {cloud.owner.sign_in()['access_token']}"}
    url = f"{cloud.url}/api/v1/subscriptions/{stream.id}/faults"
    body = {"seed": 7, "duplicate": 1, "close": {"after_events": 4}}
    answer = httpx.put(url, json=body, headers=headers, trust_env=False)
    assert answer.json()["faults"]["close"] == {"code": None, "after_events": 4, "every_s": None}
    assert httpx.get(f"{cloud.url}/readyz", trust_env=False).json()["faults"] == "set on purpose on 1 subscription"
    assert "twinstream_faulty_subscriptions 1.0" in httpx.get(f"{cloud.url}/metrics", trust_env=False).text
    with connect(stream.url) as socket:
        device.report_many("level", [1, 2, 3])
        assert [message.split('"')[3] for message in read_events(socket, 4)] == ["1", "1", "2", "2"]
    assert stream.fault_counts["duplicated"] == 2
    assert stream.close_codes == [1006]
    assert main(["faults", "show", str(stream.id), f"--data={cloud.data}"]) == 0
    shown = capsys.readouterr().out
    assert "abrupt after 4 events" in shown
    assert main(["faults", "set", str(stream.id), "--profile=flaky-lte", "--seed=3", f"--data={cloud.data}"]) == 0
    assert httpx.get(url, headers=headers, trust_env=False).json()["faults"]["delay_ms"] == [20, 800]
    assert main(["faults", "list", "--json", f"--data={cloud.data}"]) == 0
    assert '"seed":3' in capsys.readouterr().out
    assert main(["faults", "set", str(stream.id), "--drop=2", f"--data={cloud.data}"]) == 64
    assert "--drop must be a share from 0 to 1" in capsys.readouterr().err
    assert main(["faults", "clear", "99", f"--data={cloud.data}"]) == 65
    assert "no subscription 99" in capsys.readouterr().err
    assert httpx.delete(url, headers=headers, trust_env=False).status_code == 204
    assert httpx.get(url, headers=headers, trust_env=False).json()["faults"] is None


def test_the_same_seed_has_the_same_faults(cloud: Cloud) -> None:
    """Set again on the same events, faults do the same again, however the events come together in messages."""
    device = cloud.add_device(DSN, properties={"level": "integer"})
    streams = [cloud.stream(), cloud.stream(batch_size=50)]
    device.report_many("level", list(range(200)))
    outcomes = []
    for stream in [*streams, *streams]:
        already = len(stream.sent)
        stream.faults(seed=7, drop=0.1, duplicate=0.1, reorder=4)
        with connect(f"{stream.url}&seq_start=1&seq_end=200") as socket:
            came = "".join(str(message) for message in socket)
        outcomes.append((stream.sent[already:], came.count('"seq"'), stream.fault_counts))
    assert all(outcome == outcomes[0] for outcome in outcomes)
    sent, count, done = outcomes[0]
    assert len(sent) == count == 200 - done["dropped"] + done["duplicated"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"drop": 1.5}, "drop"),
        ({"dropp": 1}, "dropp"),
        ({"profile": "none"}, "profile"),
        ({"delay_ms": [5, 1]}, "delay_ms"),
        ({"delay_ms": 5}, "delay_ms"),
        ({"close": {"code": 1012}}, "close"),
        ({"close": {"code": 1234, "after_events": 1}}, "code"),
        ({"reorder": -1}, "reorder"),
        ({"seed": -1}, "seed"),
    ],
)
def test_faults_that_cannot_be(cloud: Cloud, body: dict[str, object], field: str) -> None:
    """What is out of bounds is refused, and the field named."""
    stream = cloud.stream()
    with pytest.raises(RequestError) as refused:
        stream.faults(**body)
    assert (refused.value.code, refused.value.field) == ("invalid", field)


def test_without_allow_faults_they_are_refused(cloud: Cloud) -> None:
    """403, with the flag that is needed in the words."""
    stream = cloud.stream()

    service = FaultService(cloud.server.parts.store, None)
    with pytest.raises(RequestError, match="--allow-faults") as refused:
        cloud.call(lambda _: service.show(cloud.owner.principal, stream.id))
    assert (refused.value.code, refused.value.status) == ("faults_off", 403)


async def test_coroutines_turn_the_clock_too(cloud: Cloud) -> None:
    """`advance_async` leaves the event loop to clients on it, so they can answer."""
    cloud.clock.patience_s = 5.0
    stream = cloud.stream()
    async with connect_async(stream.url) as socket:

        async def answer() -> None:
            async for message in socket:
                assert message == "1|Z"
                await socket.send("Z")

        answering = asyncio.create_task(answer())
        await cloud.clock.advance_async(300)
        assert (stream.heartbeats, stream.close_codes) == (10, [])
        answering.cancel()


def test_clients_in_other_processes(cloud: Cloud) -> None:
    """A client is any program: `twinstream tail` gets what the test does."""
    device, stream = cloud.add_device(DSN, properties={"level": "integer"}), cloud.stream()
    device.report("level", 42)
    told = subprocess.run(
        [sys.executable, "-m", "twinstream", "tail", "--json", "--count=1", f"{stream.url}&seq_start=1"],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert '"value":42' in told.stdout


def test_a_folder_can_be_kept(tmp_path: Path) -> None:
    """A folder that the test names is there afterwards; the usual one is not."""
    folder = tmp_path / "folder"
    with serve_in_thread(data=folder) as cloud:
        assert cloud.data == folder
    assert (folder / FILE_NAME).exists()
    with serve_in_thread() as cloud:
        assert (cloud.data / FILE_NAME).exists()
    assert not cloud.data.exists()


def test_settings_are_checked() -> None:
    """A setting that cannot be says so, as on the command line."""
    with pytest.raises(SettingError), serve_in_thread(heartbeat_interval_s=60, inbound_timeout_s=45):
        pass


def test_a_clock_goes_forward_only() -> None:
    """Neither back nor by what is no number."""
    clock = TurnedClock()
    clock.advance(5)
    assert clock.monotonic_s() == 5
    for seconds in (-1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="forward"):
            clock.advance(seconds)


def test_mails_are_kept(cloud: Cloud) -> None:
    """Who signs up gets a mail, which the test reads."""
    person = {"email": "eve@example.com", "password": "correct horse", "firstname": "Eve", "lastname": "E"}
    body = {"user": person | {"application": cloud.add_application()}}
    httpx.post(f"{cloud.url}/users.json", json=body, trust_env=False).raise_for_status()
    stream = cloud.stream()
    stream.wait_until(lambda: bool(cloud.mails))
    assert cloud.mails[0].recipient == "eve@example.com"
