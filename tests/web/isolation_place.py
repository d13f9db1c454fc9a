"""A place to break into: Ana's things in all of the application, and everybody who would like to have them.

Callers are signed in (or not any more) as clients are; nothing here stands in for a part of the server.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.services import PASSWORD, TurnedClock
from tests.twins import DSN, OEM
from tests.web.isolation_table import TABLE, Entry, Rule
from twinstream.model.event import Event, Record
from twinstream.parts import Parts
from twinstream.process import Stop
from twinstream.service.secret import hash_secret
from twinstream.settings import Settings
from twinstream.wire.time import format_time

MARK = "zzmarkzz"
"""Stands in all that Ana has told the server: whoever gets to see it has seen something of hers."""

USERS = ("bob", "past", "future", "staff", "admin")
"""Users with no right: a stranger, holders of a share that has ended or not begun, staff and admin of another OEM."""

OTHER_OEM = "bbbbbbbb"
OTHER_DSN = "AC000W000000002"
_SPARE_DSN = "AC000W000000003"
_ROLES = {"ada": "OEM::Admin", "staff": "OEM::Staff", "admin": "OEM::Admin"}
_PLANS = [
    {"name": "Blue_LED", "base_type": "boolean", "direction": "input", "ack_enabled": True},
    {"name": "level", "base_type": "integer", "direction": "input"},
    {"name": "state", "base_type": "string", "direction": "output"},
    {"name": "file_input", "base_type": "file", "direction": "input"},
    {"name": "message_output", "base_type": "message", "direction": "output"},
]
_ABSENT = {
    "dsn": "AC000W999999999",
    "node_dsn": "VR00ZN999999999",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "email": "nobody@x.example",
    "heir": "nobody@x.example",
    "oem": "cccccccc",
    "key": "none",
    "blue": "none",
    "level": "none",
    "name": "none",
    "label": "none",
    "spare_dsn": "AC000W999999998",
    "app_id": "none",
    "app_secret": "none",
}
"""Instead of Ana's: what there is not. All others are ids of this form, or numbers."""

Ids = dict[str, str]


class Place:
    """See the module. ``ids`` are Ana's things by name; ``own`` are those of the other tenants, by caller."""

    def __init__(self, server: Parts, clock: TurnedClock, http: httpx.AsyncClient) -> None:
        self.server = server
        self.clock = clock
        self.http = http
        self.callers = {
            name: _show(token) for name, token in (("operator", server.operator_token), ("wrong", "0" * 32))
        }
        self.callers[""] = {}
        self._tail: list[Record] = []
        server.store.log.follow(self._tail.extend)
        self.ids: Ids = {}
        self.own: dict[str, Ids] = {}

    async def send(self, operation: str, entry: Entry, by: str, ids: Ids | None = None) -> httpx.Response:
        """Make the request of an entry, with Ana's ids or others."""
        ids = ids or self.ids
        method, _, path = operation.partition(" ")
        path = path.format_map(ids | {name: ids[value] for name, value in entry.ids.items()})
        query = f"?{entry.query.format_map(ids)}" if entry.query else ""
        arguments: dict[str, Any] = {"headers": self.callers[by]}
        if entry.body is not None:
            arguments["json"] = _fill(entry.body, ids)
        if entry.content is not None:
            arguments["content"] = entry.content
        return await self.http.request(method, path + query, **arguments)

    async def call(self, method: str, path: str, body: Any = None, by: str = "ana") -> Any:
        """Make a request that succeeds; answer what is in its answer."""
        arguments = {} if body is None else {"json": body}
        answer = await self.http.request(method, path, headers=self.callers[by], **arguments)
        assert answer.is_success, (method, path, answer.status_code, answer.text)
        made = answer.json() if answer.content else None
        return next(iter(made.values())) if isinstance(made, dict) and len(made) == 1 else made

    async def see(self) -> dict[str, Any]:
        """Answer all that those who may are shown of Ana's things, and how many events tell of them."""
        events = [one.entry for one in self._tail if isinstance(one.entry, Event)]
        seen: dict[str, Any] = {"events": sum(event.dsn in (DSN, self.ids["node_dsn"]) for event in events)}
        for operation, entry in TABLE.items():
            if (
                operation.startswith("GET")
                and entry.rule not in (Rule.DEVICE, Rule.OPERATOR)
                and "/index_" not in operation
            ):
                answer = await self.send(operation, entry, holder_of(entry))
                assert answer.is_success, (operation, answer.status_code, answer.text)
                seen[operation] = json.loads(_SIGNED.sub("", answer.text)) if answer.content else None
        return seen

    def at(self, in_s: float) -> str:
        """Write a time as the API does."""
        return format_time(self.clock.now_s() + in_s)

    def absent(self) -> Ids:
        """Ids like Ana's, of things that there are not."""
        return {name: _ABSENT.get(name) or _unlike(value) for name, value in self.ids.items()}

    def borrowed(self, by: str, operation: str) -> Ids | None:
        """Ids with which a caller reaches for Ana's last thing through things of their own; None: there is one id."""
        names = [
            name for name in re.findall(r"{(\w+)}", operation + TABLE[operation].query) if name not in ("key", "name")
        ]
        if by not in self.own or len(names) < 2:
            return None
        kept = TABLE[operation].ids.get(names[-1], names[-1])
        mine = self.own[by] | {kept: self.ids[kept]}
        return {name: mine.get(name, value) for name, value in self.ids.items()}


def holder_of(entry: Entry) -> str:
    """Who may make the request of an entry."""
    return entry.by or {Rule.DEVICE: "device own", Rule.OPERATOR: "operator", Rule.ADMIN: "ada"}.get(entry.rule, "ana")


@asynccontextmanager
async def open_place(folder: Path) -> AsyncIterator[Place]:
    """Open a server's application with everybody and everything in it; its clock stands until it is turned."""
    clock = TurnedClock()
    server = Parts(Settings(data=folder, allow_faults=True), Stop(), clock=clock)
    try:
        await server.prepare()
        transport = httpx.ASGITransport(server.make_app(), client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://server.example") as http:
            place = Place(server, clock, http)
            await _furnish(place)
            yield place
    finally:
        await server.flush()
        await server.store.close()


async def _furnish(place: Place) -> None:
    for oem in (OEM, OTHER_OEM):
        await place.call("POST", "/admin/v1/oems", {"name": oem, "id": oem}, "operator")
    app = await place.call("POST", f"/admin/v1/oems/{OEM}/applications", {"name": "app", "app_id": "app"}, "operator")
    users: dict[str, Any] = {}
    for name in ("ana", "ada", "bob", "past", "future", "reader", "writer", "heir", "gone", "staff", "admin"):
        oem = OTHER_OEM if name in ("staff", "admin") else OEM
        person = {"email": f"{MARK if name == 'ana' else name}@x.example", "password": PASSWORD}
        person["role"] = _ROLES.get(name, "EndUser")
        users[name] = await place.call("POST", f"/admin/v1/oems/{oem}/users", person, "operator")
        await _sign_in(place, name, person["email"])
    keys = {dsn: await _make_device(place, dsn) for dsn in (DSN, OTHER_DSN, _SPARE_DSN)}
    for dsn, name in ((DSN, "own"), (OTHER_DSN, "other")):
        await _admit(place, f"device {name}", keys[dsn])
    for dsn, owner in ((DSN, "ana"), (_SPARE_DSN, "ana"), (OTHER_DSN, "bob")):
        await place.call("POST", "/apiv1/devices", {"device": {"dsn": dsn}}, owner)
    shares = await _share(place, DSN, "past", "future", "reader", "writer")
    place.callers["expired"] = place.callers["ana"]
    place.clock.turn(90_000)
    for name, user in users.items():
        await _sign_in(place, name, user["email"])
    await place.call("POST", "/users/sign_out", {"user": {"access_token": _token(place, "gone")}}, "gone")
    place.ids = {
        "uuid": users["ana"]["uuid"],
        "user_id": str(users["ana"]["id"]),
        "email": users["ana"]["email"],
        "heir": users["heir"]["email"],
        "oem": OEM,
        "share_id": str(shares["writer"]),
        "spare_dsn": _SPARE_DSN,
        "app_id": app["app_id"],
        "app_secret": app["app_secret"],
        **await _fill_twin(place, DSN, keys[DSN], "device own", "ana", MARK),
        **await _fill_account(place),
    }
    for dsn in (_SPARE_DSN, place.ids["node_dsn"]):
        await _share(place, dsn, "reader", "writer")
    await place.call("GET", f"/apiv1/dsns/{DSN}/lan")  # the first makes the key
    bobs = await _fill_twin(place, OTHER_DSN, keys[OTHER_DSN], "device other", "bob", "other")
    place.own = {"bob": {**bobs, "uuid": users["bob"]["uuid"]}, "device other": bobs}


async def _make_device(place: Place, dsn: str) -> int:
    body = {"dsn": dsn, "oem_model": "ledevb", "with_key": False, "properties": _PLANS}
    made = await place.call("POST", f"/admin/v1/oems/{OEM}/devices", body, "operator")
    return int(made["key"])


async def _share(place: Place, dsn: str, *holders: str) -> dict[str, int]:
    terms: dict[str, dict[str, str]] = {
        "past": {"operation": "write", "end_date_at": place.at(10)},
        "future": {"operation": "write", "start_date_at": place.at(999_999)},
        "reader": {"operation": "read"},
        "writer": {"operation": "write"},
    }
    named = {"resource_name": "device", "resource_id": dsn}
    shares = [{**named, "user_email": f"{name}@x.example", **terms[name]} for name in holders]
    made = await place.call("POST", "/api/v1/users/shares", {"shares": shares})
    return {name: share["share"]["id"] for name, share in zip(holders, made, strict=True)}


async def _admit(place: Place, name: str, key: int) -> None:
    """Give a device a credential, as if it had proven itself."""
    auth_hash = hash_secret(f"secret of {key}")
    await place.server.store.run(lambda work: work.devices.store_auth_hash(key, auth_hash))
    place.callers[name] = {"x-Ayla-auth-key": f"Ayla1.0 secret of {key}"}


async def _sign_in(place: Place, name: str, email: str) -> None:
    trio = await place.call("POST", "/users/sign_in", {"user": {"email": email, "password": PASSWORD}}, "")
    place.callers[name] = _show(trio["access_token"])


def _show(token: str) -> dict[str, str]:
    return {"authorization": f"auth_token {token}"}


def _token(place: Place, name: str) -> str:
    return place.callers[name]["authorization"].removeprefix("auth_token ")


async def _fill_twin(place: Place, dsn: str, key: int, own: str, owner: str, mark: str) -> Ids:
    """Give a device nodes, values, files and messages; where there is text, the mark is in it."""
    nodes = []
    for address in ("0x1", "0x2"):
        body = {"node": {"address": address, "oem_model": "bulb", "product_name": mark}}
        nodes.append(await place.call("POST", f"/dev/v1/dsns/{dsn}/nodes", body, own))
    await place.call("POST", f"/apiv1/devices/{key}/registration_window?duration=255", by=owner)
    await place.call("POST", "/apiv1/devices", {"device": {"dsn": nodes[0]["dsn"]}}, owner)
    twin, side = f"/apiv1/dsns/{dsn}", f"/devices/{key}"
    await place.call("PUT", side, {"device": {"ssid": mark}}, own)
    await place.call("PUT", twin, {"device": {"product_name": mark}}, owner)
    await place.call("POST", f"{twin}/data", {"datum": {"key": "note", "value": mark}}, owner)
    role = {"role_label": {"role_name": "OEM::Acme::Dealer", "description": mark}}
    role_label = await place.call("POST", f"/apiv1/devices/{key}/role_labels", role, owner)
    await place.call("PUT", f"/apiv1/devices/{key}/addr", {"addr": {"street": mark}}, owner)
    state = await place.call("POST", f"{side}/properties/state/datapoints", {"datapoint": {"value": mark}}, own)
    blue = await place.call("POST", f"{twin}/properties/Blue_LED/datapoints", {"datapoint": {"value": 1}}, owner)
    file = await place.call("POST", f"{twin}/properties/file_input/datapoints", {"datapoint": {}}, owner)
    open_file = await place.call("POST", f"{twin}/properties/file_input/datapoints", {"datapoint": {}}, owner)
    uploaded = await place.http.put(file["file"], content=mark.encode())
    assert uploaded.is_success, uploaded.text
    messages = [
        await place.call("POST", f"{side}/properties/message_output/datapoints", {"datapoint": {}}, own)
        for _ in range(2)
    ]
    listed = await place.call("GET", f"{twin}/properties", by=owner)
    keys = {one["property"]["name"]: one["property"]["key"] for one in listed}
    waiting = await place.call("GET", f"{side}/commands", by=own)
    return {
        "device_key": str(key),
        "dsn": dsn,
        "node_dsn": nodes[0]["dsn"],
        "node_key": str(nodes[0]["key"]),
        "role_label_id": str(role_label["id"]),
        "name": "state",
        "property_key": str(keys["state"]),
        "datapoint_id": state["id"],
        "level": "level",
        "level_key": str(keys["level"]),
        "blue": "Blue_LED",
        "blue_id": blue["id"],
        "file_key": str(keys["file_input"]),
        "file_id": file["id"],
        "open_file": open_file["file"],
        "message_key": str(keys["message_output"]),
        "message_id": messages[0]["id"],
        "message_too_id": messages[1]["id"],
        "cmd_id": str(_find_command(waiting)),
    }


async def _fill_account(place: Place) -> Ids:
    await place.call("POST", "/api/v1/users/data", {"datum": {"key": "note", "value": MARK}})
    wanted = {"name": MARK, "client_type": "mobile", "subscription_type": "datapoint"}
    rule = {"role": "OEM::Admin", "client_type": "cloud", "subscription_type": "datapoint", "oem_model": MARK}
    template = {"name": MARK, "oem_model": MARK, "version": "1", "properties": []}
    label = {"user_email": "ada@x.example", "role": "OEM::Admin", "label": {"floor": MARK}}
    await place.call("PUT", "/api/v1/users/assign_label", label, "ada")
    await place.call("PUT", "/api/v1/users/associate_role_user", {"role": "OEM::Admin", "label": {"floor": MARK}})
    return {
        "key": "note",
        "label": MARK,
        "subscription_id": str((await place.call("POST", "/api/v1/subscriptions", wanted))["id"]),
        "rule_id": str((await place.call("POST", "/api/v1/oemAccessRules", rule, "ada"))["id"]),
        "template_id": str((await place.call("POST", f"/admin/v1/oems/{OEM}/templates", template, "ada"))["id"]),
    }


def _find_command(waiting: Any) -> int:
    return int(next(one["cmd"]["id"] for one in waiting["cmds"]))


def _fill(body: Any, ids: Ids) -> Any:
    if isinstance(body, dict):
        return {name: _fill(item, ids) for name, item in body.items()}
    if isinstance(body, list):
        return [_fill(item, ids) for item in body]
    return body.format_map(ids) if isinstance(body, str) else body


def _unlike(id_: str) -> str:
    return str(int(id_) + 900_000) if id_.isdigit() else id_[:-4] + ("0000" if id_[-4:] != "0000" else "1111")


_SIGNED = re.compile(r"\?expires=\d+&signature=\w+")
