"""The demo as its user meets it: a real process, real sockets, and all five types of events within a minute."""

from __future__ import annotations

import asyncio
import json
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from websockets.asyncio.client import connect

from tests.live.server import ServerProcess, running_server
from twinstream.client.frame import split_message
from twinstream.demo import DemoFile, read_demo_file

pytestmark = [pytest.mark.live, pytest.mark.timeout(180)]

MINUTE_S = 60.0
DEVICE_KEYS = ["oem_id", "oem_model", "dsn", "resource_tags", "event_type"]
PROPERTY_KEYS = ["oem_id", "oem_model", "dsn", "property_name", "display_name", "base_type", *DEVICE_KEYS[3:]]
VALUE_KEYS = ["id", "created_at_from_device", "updated_at", "created_at", "user_uuid", "echo", "closed", "value"]
LOCATION_KEYS = ["dsn", "ip", "lat", "long", "provider", "user_uuid", "created_at"]
REGISTRATION_KEYS = ["dsn", "user_uuid", "registered", "registration_type"]
KEYS = {
    "connectivity": (DEVICE_KEYS, "connection", ["event_time", "user_uuid", "status"]),
    "datapoint": (PROPERTY_KEYS, "datapoint", [*VALUE_KEYS, "metadata"]),
    "datapointack": (
        PROPERTY_KEYS,
        "datapoint",
        [*VALUE_KEYS, "ack_message", "ack_status", "ack_id", "acked_at", "metadata"],
    ),
    "location": (DEVICE_KEYS, "location_event", LOCATION_KEYS),
    "registration": (DEVICE_KEYS, "registration_event", REGISTRATION_KEYS),
}
"""The keys of the documents' samples, in their order; of a registration without the time: its key is the outcome."""

Frames = dict[str, list[str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder that all runs of the demo here have in common."""
    return tmp_path_factory.mktemp("demo") / "data"


@pytest.fixture(scope="module")
def seen(folder: Path) -> tuple[DemoFile, Frames]:
    """What the demo's first minute brought on each stream, until the demo was killed; and its file."""
    server = ServerProcess(folder, demo=True)
    try:
        demo = await_demo_file(server)
        frames = asyncio.run(watch(demo, until=lambda frames: has_seen_all(frames)))
    finally:
        server.kill()
    return demo, frames


def await_demo_file(server: ServerProcess) -> DemoFile:
    """Wait until the demo of this very server has written its file."""
    deadline_s = time.monotonic() + 20
    while time.monotonic() < deadline_s:
        demo = read_demo_file(server.data / "demo.json")
        if demo is not None and demo.url == server.url:
            return demo
        time.sleep(0.02)
    raise AssertionError(f"no demo.json for {server.url}: {server.log.read_text()}")


async def watch(demo: DemoFile, until: Callable[[Frames], bool], **query: int) -> Frames:
    """Read all streams, as an observer, until the condition holds, at most a minute; answer the records by type."""
    frames: Frames = {kind: [] for kind in demo.stream_keys}
    enough = asyncio.Event()
    more = "".join(f"&{name}={value}" for name, value in query.items())

    async def read(kind: str, key: str) -> None:
        url = f"{demo.url.replace('http', 'ws', 1)}/stream?stream_key={key}&observe=1{more}"
        async with connect(url, proxy=None) as socket:
            async for message in socket:
                if message == "1|Z":
                    await socket.send("Z")
                    continue
                frames[kind].append(str(message))
                if until(frames):
                    enough.set()

    async with asyncio.timeout(MINUTE_S), asyncio.TaskGroup() as tasks:
        readers = [tasks.create_task(read(kind, key)) for kind, key in demo.stream_keys.items()]
        await enough.wait()
        for reader in readers:
            reader.cancel()
    return frames


def decode(frame: str) -> dict[str, Any]:
    """The event in a record; its length is checked on the way."""
    (text,) = split_message(frame)
    event: dict[str, Any] = json.loads(text)
    return event


def has_seen_all(frames: Frames) -> bool:
    """Tell whether every type has come, with every outcome: gone and back, given up and registered again, moved by its
    user and by itself.
    """
    statuses = [decode(frame)["connection"]["status"] for frame in frames["connectivity"]]
    outcomes = [decode(frame)["registration_event"]["registered"] for frame in frames["registration"]]
    providers = {decode(frame)["location_event"]["provider"] for frame in frames["location"]}
    return (
        all(frames.values())
        and "Offline" in statuses
        and statuses[-1] == "Online"
        and outcomes[-2:] == [False, True]
        and providers == {"user-based", "ip-based"}
    )


def numbers(frames: list[str]) -> list[int]:
    """The numbers of the events."""
    return [int(decode(frame)["seq"]) for frame in frames]


def test_the_file_tells_all_that_one_needs(seen: tuple[DemoFile, Frames], folder: Path) -> None:
    """demo.json is for its owner alone, and has the fields that other programs rely on, in their order."""
    path = folder / "demo.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    demo = json.loads(path.read_bytes())
    assert list(demo) == ["url", "oem_id", "app_id", "app_secret", "email", "password", "devices", "stream_keys"]
    assert demo["oem_id"] == "0dfc7900"
    assert [list(device) for device in demo["devices"]] == [["dsn", "key", "oem_model"]] * 3
    assert [device["dsn"] for device in demo["devices"]] == ["AC000W000340649", "AC000W005606115", "AC000W000340779"]
    assert all(isinstance(device["key"], int) for device in demo["devices"])
    assert set(demo["stream_keys"]) == set(KEYS)
    assert all(len(bytes.fromhex(key)) == 16 for key in demo["stream_keys"].values())


def test_within_a_minute_everything_has_happened(seen: tuple[DemoFile, Frames]) -> None:
    """All five types came, numbered from 1 without a gap: a device went Offline and back, one was given up and back."""
    _, frames = seen
    for kind, records in frames.items():
        assert numbers(records) == list(range(1, len(records) + 1)), kind


@pytest.mark.parametrize("kind", KEYS)
def test_events_look_as_the_documents_show_them(seen: tuple[DemoFile, Frames], kind: str) -> None:
    """Every event of the type has the documents' keys in the documents' order, and is compact ASCII."""
    metadata_keys, body_key, body_keys = KEYS[kind]
    for frame in seen[1][kind]:
        event = decode(frame)
        assert frame == f"{len(frame.partition('|')[2])}|{json.dumps(event, separators=(',', ':'))}"
        assert list(event) == ["seq", "metadata", body_key]
        assert list(event["metadata"]) == metadata_keys
        assert event["metadata"]["resource_tags"] == []
        assert event["metadata"]["event_type"] == kind
        expected = list(body_keys)
        if "file" in (event["metadata"].get("base_type"), *event[body_key]):
            expected.append("file")
        if kind == "registration":
            expected.append("registered_at" if event[body_key]["registered"] else "unregistered_at")
        assert list(event[body_key]) == expected


def test_the_traveller_is_nowhere_before_it_is_somebodys(seen: tuple[DemoFile, Frames]) -> None:
    """Every location event names the user."""
    assert all(decode(frame)["location_event"]["user_uuid"] for frame in seen[1]["location"])


def test_devices_answer_what_is_set(seen: tuple[DemoFile, Frames]) -> None:
    """A value set from the cloud is echoed by the device, and acknowledged by the one that is to."""
    _, frames = seen
    points = [decode(frame) for frame in frames["datapoint"]]
    echoed = {point["metadata"]["property_name"] for point in points if point["datapoint"]["echo"]}
    assert "Blue_LED" in echoed
    assert echoed & {"Green_LED", "Red_LED"}
    pressed = [p["datapoint"]["value"] for p in points if p["metadata"]["property_name"] == "Black_button"]
    assert pressed[:2] == [1, 0]
    sent = {point["metadata"]["property_name"] for point in points if point["datapoint"]["closed"]}
    assert sent == {"report", "log_file"}
    acked = [decode(frame) for frame in frames["datapointack"]]
    assert {(ack["metadata"]["property_name"], ack["datapoint"]["ack_status"]) for ack in acked} == {("Blue_LED", 200)}


async def test_killed_and_started_again_it_goes_on(seen: tuple[DemoFile, Frames], folder: Path) -> None:
    """After SIGKILL the keys are the same, what was sent is sent the same again, and the numbers go on."""
    before, frames = seen
    with running_server(folder, demo=True) as server:
        demo = await_demo_file(server)
        assert msgspec.structs.replace(demo, url=before.url) == before
        counts = {kind: len(records) for kind, records in frames.items()}
        soon = [kind for kind in counts if kind != "connectivity"]  # who was Online is so still
        again = await watch(demo, lambda now: all(len(now[kind]) > counts[kind] for kind in soon), seq_start=1)
        for kind, records in again.items():
            assert records[: counts[kind]] == frames[kind], kind
            assert numbers(records) == list(range(1, len(records) + 1)), kind
        assert server.stop() == 0


def test_tail_prints_the_demo(seen: tuple[DemoFile, Frames], folder: Path) -> None:
    """`twinstream tail` on a key of the demo prints each event as a line of JSON, here those from before."""
    _, frames = seen
    with running_server(folder, demo=True) as server:
        demo = await_demo_file(server)
        url = f"{demo.url.replace('http', 'ws', 1)}/stream?stream_key={demo.stream_keys['location']}"
        command = [sys.executable, "-m", "twinstream", "tail", "--count=1", url]
        finished = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert (finished.returncode, finished.stderr) == (0, "")
        assert finished.stdout == frames["location"][0].partition("|")[2] + "\n"
        secrets = [demo.password, demo.app_secret, *demo.stream_keys.values()]
    log = server.log.read_text()
    assert not [secret for secret in secrets if secret in log]
    assert not [line for line in log.splitlines() if json.loads(line)["level"] in ("error", "critical")]
