"""The lanes of the server itself: for each scenario a process, with its devices, subscriptions and subscribers.

Owns how a scenario is set up over the REST APIs, as anybody would do it, and the requests that a lane publishes. A
user's devices come in two models: those of `WATCHED` are subscribed to, those of `UNWATCHED` not; otherwise they are
alike and equally many, so that the same requests to either cost the same but for the delivery. The subscriptions are
those of an OEM's administrator: to a whole model, whose one device posts values itself, or each to one of as many
devices, whose values their owner sets.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bench.api import Api, Call
from bench.floors import STAMP
from bench.ingest import Load
from bench.scenario import BACK_TO_BACK, ONE_BY_ONE, Lane, Scenario
from bench.tool import Child, Watcher

NAME = "twinstream"
OEM = "0be7c400"
MODELS = WATCHED, UNWATCHED = "bench", "quiet"
PASSWORD = "as fast as the hardware allows"
BATCH = 50
"""Datapoints of one request where ingest is measured in batches."""

POSTING_DEVICES = 16
"""Devices with keys of their own; making a key takes 50 to 100 ms."""

BACK_TO_BACK_CONNECTIONS = 16


@dataclass(frozen=True)
class People:
    """Access tokens: the administrator subscribes, the owner has the devices and sets their values."""

    admin: str
    owner: str


class Server(Child):
    """`twinstream serve` on a folder of its own."""

    def __init__(self, folder: Path, core: int | None, command: Sequence[str] = ()) -> None:
        folder.mkdir()
        self.data = folder / "data"
        program = command or [sys.executable, "-m", "twinstream"]
        arguments = [*program, "serve", "--data", str(self.data), "--port", "0", "--log-level", "warning"]
        arguments += ["--subscriptions-per-minute", "0"]
        super().__init__(arguments, core, stderr=folder / "stderr.txt")
        line = self.hear_line()
        while not line.startswith("{"):
            line = self.hear_line()
        self.port = int(urlsplit(json.loads(line)["url"]).port or 0)
        self.people = People("", "")
        self.operator_token = str(json.loads((self.data / "admin.json").read_text())["token"])


@dataclass(frozen=True)
class UserPosts:
    """What a user posts: each device's one value in turn."""

    token: str
    dsns: Sequence[str]

    def requests(self, size: int) -> str:
        """Return requests for `publish`, each with ``size`` datapoints, enough of them to set all devices once."""
        header = f"Authorization: auth_token {self.token}"
        posts = []
        for first in range(0, len(self.dsns) - size + 1, size):
            items = [
                {"datapoint": {"value": STAMP}, "dsn": dsn, "name": "p00"} for dsn in self.dsns[first : first + size]
            ]
            if size == 1:
                target = f"/apiv1/dsns/{self.dsns[first]}/properties/p00/datapoints.json"
                posts.append(_post(target, header, {"datapoint": {"value": STAMP}}))
            else:
                posts.append(_post("/apiv1/batch_datapoints.json", header, {"batch_datapoints": items}))
        return "".join(posts)


@dataclass(frozen=True)
class DevicePosts:
    """What a device posts: the values of its properties in turn."""

    dsn: str
    key: int
    auth_key: str
    names: Sequence[str]

    def requests(self, size: int) -> str:
        """Return requests for `publish`, each with ``size`` datapoints, enough of them to set all properties once."""
        header = f"x-Ayla-auth-key: Ayla1.0 {self.auth_key}"
        value = {"value": STAMP, "base_type": "string"}
        posts = []
        for first in range(0, len(self.names) - size + 1, size):
            names = self.names[first : first + size]
            if size == 1:
                posts.append(
                    _post(f"/devices/{self.key}/properties/{names[0]}/datapoints.json", header, {"datapoint": value})
                )
            else:
                items = [{"batch_id": n, "datapoint": value, "name": name} for n, name in enumerate(names)]
                posts.append(
                    _post(f"/dev/v1/dsns/{self.dsn}/batch_datapoints.json", header, {"batch_datapoints": items})
                )
        return "".join(posts)


def server_lanes(
    scenarios: Sequence[Scenario],
    stack: ExitStack,
    cores: tuple[int | None, int | None],
    folder: Path,
    life_s: float,
    idle_kib: dict[str, float],
) -> Iterator[Lane]:
    """Start the servers and their subscribers, to be ended by `stack`, and yield their lanes.

    Puts what an idle connection of the largest scenario takes into ``idle_kib``.
    """
    server_core, load_core = cores
    largest = max(scenario.subscribers for scenario in scenarios)
    for scenario in scenarios:
        place = folder / f"server-{scenario.name}"
        server = stack.enter_context(Server(place, server_core))
        with Api(server.port) as api:
            people = server.people = _populate(api, server.operator_token)
            posters: Sequence[UserPosts | DevicePosts]
            if scenario.reach == "turn":
                posters = [_add_devices(api, server, people, model, scenario.subscribers) for model in MODELS]
                dsns = [f"{WATCHED}{number:05}" for number in range(scenario.subscribers)]
            else:
                posters = [_add_poster(api, server, people, model, model) for model in MODELS]
                dsns = ["*"] * scenario.subscribers
            keys = _subscribe(api, people, dsns)
        before_bytes = server.memory_bytes()
        targets = [f"/stream?stream_key={key}" for key in keys]
        watcher = stack.enter_context(Watcher(server.port, targets, load_core, place, life_s))
        if scenario.subscribers == largest:
            idle_kib[NAME] = (server.memory_bytes() - before_bytes) / 1024 / len(keys)
        for pattern, size, connections in (
            (ONE_BY_ONE, 1, 1),
            (BACK_TO_BACK, 1, BACK_TO_BACK_CONNECTIONS),
            (f"bursts of {scenario.burst}", scenario.burst, 1),
        ):
            if pattern == BACK_TO_BACK and scenario.readers > 1:  # a fan-out is back to back by itself
                continue
            yield Lane(
                server=NAME,
                scenario=scenario,
                pattern=pattern,
                child=server,
                port=server.port,
                watcher=watcher,
                watched=_write(place / f"watched-{size}.http", posters[0].requests(size)),
                unwatched=_write(place / f"unwatched-{size}.http", posters[1].requests(size)),
                events_per_request=size,
                connections=connections,
            )


def ingest_loads(lane: Lane, folder: Path) -> list[Load]:
    """Make devices of their own on the server of this lane, and what they post."""
    server = lane.child
    assert isinstance(server, Server)
    with Api(server.port) as api:
        posters = [
            _add_poster(api, server, server.people, UNWATCHED, f"posting{number:02}")
            for number in range(POSTING_DEVICES)
        ]
    single, batch = (
        _write(folder / f"ingest-{size}.http", "".join(poster.requests(size) for poster in posters))
        for size in (1, BATCH)
    )
    return [
        Load("one by one", single, 1, 1),
        Load(f"{POSTING_DEVICES} devices at a time", single, 1, POSTING_DEVICES),
        Load(f"batches of {BATCH}, 4 at a time", batch, BATCH, 4),
    ]


def _populate(api: Api, operator_token: str) -> People:
    api.call(Call("POST", "/admin/v1/oems", {"id": OEM, "name": "benchmark"}), operator_token)
    path = f"/admin/v1/oems/{OEM}"
    application = api.call(Call("POST", f"{path}/applications", {"name": "benchmark"}), operator_token)
    known = {"app_id": application["app_id"], "app_secret": application["app_secret"]}
    tokens = []
    for name, role in (("admin", "OEM::Admin"), ("owner", "EndUser")):
        person = {"email": f"{name}@example.com", "password": PASSWORD}
        api.call(Call("POST", f"{path}/users", {**person, "role": role}), operator_token)
        signed_in = api.call(Call("POST", "/users/sign_in.json", {"user": {**person, "application": known}}))
        tokens.append(str(signed_in["access_token"]))
    return People(*tokens)


def _add_devices(api: Api, server: Server, people: People, model: str, count: int) -> UserPosts:
    """Make devices of a model with one property each, and register them to the owner, who sets their values."""
    dsns = [f"{model}{number:05}" for number in range(count)]
    properties = [{"name": "p00", "base_type": "string", "direction": "input"}]
    devices = [{"dsn": dsn, "oem_model": model, "properties": properties, "with_key": False} for dsn in dsns]
    api.call_all([Call("POST", f"/admin/v1/oems/{OEM}/devices", device) for device in devices], server.operator_token)
    _register(api, people, dsns)
    return UserPosts(people.owner, dsns)


def _add_poster(api: Api, server: Server, people: People, model: str, dsn: str) -> DevicePosts:
    """Make and register a device with `BATCH` properties that posts values itself."""
    names = [f"p{number:02}" for number in range(BATCH)]
    properties = [{"name": name, "base_type": "string", "direction": "output"} for name in names]
    device = {"dsn": dsn, "oem_model": model, "properties": properties}
    made = api.call(Call("POST", f"/admin/v1/oems/{OEM}/devices", device), server.operator_token)
    _register(api, people, [dsn])
    return DevicePosts(dsn, made["key"], api.device_key(dsn, made["public_key"]), names)


def _register(api: Api, people: People, dsns: Sequence[str]) -> None:
    api.call_all([Call("POST", "/apiv1/devices.json", {"device": {"dsn": dsn}}) for dsn in dsns], people.owner)


def _subscribe(api: Api, people: People, dsns: Sequence[str]) -> list[str]:
    """Subscribe the administrator once for each of the DSNs; return the stream keys."""
    terms = {"oem_model": WATCHED, "property_name": "*", "client_type": "cloud", "subscription_type": "datapoint"}
    calls = [Call("POST", "/api/v1/subscriptions.json", {**terms, "name": "benchmark", "dsn": dsn}) for dsn in dsns]
    return [made["subscription"]["stream_key"] for made in api.call_all(calls, people.admin)]


def _write(path: Path, requests: str) -> Path:
    path.write_bytes(requests.encode("ascii"))  # no translation of line ends
    return path


def _post(path: str, header: str, body: object) -> str:
    text = json.dumps(body)
    return (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\n{header}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(text)}\r\n\r\n{text}"
    )
