"""Role labels of devices over HTTP: made, read, found, and who tries to reach beyond their own."""

from __future__ import annotations

from typing import Any

import pytest

from tests.twins import DSN, OEM
from tests.web.twin_api import TwinApi
from twinstream.model.device_role import MOST_DEVICE_LABELS, MOST_DEVICE_ROLES
from twinstream.model.registration import Claim

LABELS = "/apiv1/devices/1/role_labels"
ONE = "/apiv1/role_labels"
FIND = "/apiv1/devices/find_by_role_label"
DEALER = "OEM::Acme::Dealer"
LABEL = {"role_name": DEALER, "label": {"key": "dealer_id", "value": "101"}}
STRANGERS = ("dan", "eve", "sue", "root")
"""A user of the OEM without a share, one of another OEM, and staff of the OEM: a role shows nobody a device."""


def named(name: str = DEALER, **more: Any) -> dict[str, Any]:
    """The body of a role label."""
    return {"role_label": {"role_name": name, **more}}


async def call(twin_api: TwinApi, status: int, method: str, path: str, body: Any = None, by: str | None = "ana") -> Any:
    """Call, expecting this status; answer what the body says, None if it is empty."""
    answer = await twin_api.call(method, path, body, by=by)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


async def found(twin_api: TwinApi, query: str, by: str = "ana") -> list[str]:
    """The DSNs of the devices that are found."""
    return [entry["device"]["dsn"] for entry in await call(twin_api, 200, "GET", f"{FIND}?{query}", by=by)]


async def add_staff(twin_api: TwinApi) -> None:
    """Let there be staff, an administrator and a dealer of the OEM."""
    scene = twin_api.scene
    for name, role in (("sue", "OEM::Staff"), ("root", "OEM::Admin"), ("dea", DEALER)):
        scene.users[name] = await scene.twins.add_user(OEM, f"{name}@x.example", role)


@pytest.mark.parametrize("suffix", ["", ".json"])
async def test_a_role_label_from_its_making_to_its_end(twin_api: TwinApi, suffix: str) -> None:
    """Each call answers the whole of it, wrapped."""
    made = await call(twin_api, 201, "POST", f"{LABELS}{suffix}", named(description="Sold by"))
    assert made == {
        "role_label": {
            "id": 1,
            "device_key": 1,
            "role_name": DEALER,
            "description": "Sold by",
            "labels": [],
            "created_at": "2027-01-15T08:00:00Z",
            "updated_at": "2027-01-15T08:00:00Z",
        }
    }
    twin_api.scene.twins.clock.turn(60)
    labelled = await call(twin_api, 200, "PUT", f"{LABELS}/associate{suffix}", LABEL)
    assert labelled["role_label"]["labels"] == [{"key": "dealer_id", "value": "101"}]
    assert labelled["role_label"]["updated_at"] == "2027-01-15T08:01:00Z"
    assert await call(twin_api, 200, "GET", f"{ONE}/1{suffix}") == labelled
    assert await call(twin_api, 200, "GET", f"{LABELS}{suffix}") == [labelled]
    changed = await call(twin_api, 200, "PUT", f"{ONE}/1{suffix}", named("OEM::Acme::Fitter"))
    assert changed["role_label"] == labelled["role_label"] | {"role_name": "OEM::Acme::Fitter"}
    fitter = LABEL | {"role_name": "OEM::Acme::Fitter"}
    bare = await call(twin_api, 200, "PUT", f"{LABELS}/disassociate{suffix}", fitter)
    assert bare["role_label"]["labels"] == []
    assert await call(twin_api, 200, "DELETE", f"{ONE}/1{suffix}") is None
    for method, body in (("GET", None), ("PUT", named()), ("DELETE", None)):
        await call(twin_api, 404, method, f"{ONE}/1{suffix}", body)
    assert await call(twin_api, 200, "GET", f"{LABELS}{suffix}") == []


async def test_a_label_has_one_value_and_two_spellings(twin_api: TwinApi) -> None:
    """Another value takes its place; it is taken away by key and value, not by half of them."""
    await call(twin_api, 201, "POST", LABELS, named()["role_label"])
    for label in ({"key": "dealer_id", "value": "101"}, {"dealer_id": "102"}):
        await call(twin_api, 200, "PUT", f"{LABELS}/associate", {"role_name": DEALER, "label": label})
    await call(twin_api, 404, "PUT", f"{LABELS}/disassociate", LABEL)
    await call(twin_api, 404, "PUT", f"{LABELS}/disassociate", {"role_name": DEALER, "label": {"x": "102"}})
    role = await call(twin_api, 200, "GET", f"{ONE}/1")
    assert role["role_label"]["labels"] == [{"key": "dealer_id", "value": "102"}]


async def test_devices_are_found_among_those_that_the_caller_sees(twin_api: TwinApi) -> None:
    """By role, or by role and label; a role, even that very one, makes nothing visible."""
    await add_staff(twin_api)
    scene = twin_api.scene
    other = await scene.twins.make_device("AC000W000000002", scene.users["ana"])
    await scene.twins.make_device("AC000W000000003", scene.users["dan"])
    for key, by, value in ((1, "ana", "101"), (other.key, "ana", "102"), (3, "dan", "101")):
        await call(twin_api, 201, "POST", f"/apiv1/devices/{key}/role_labels", named(), by)
        body = {"role_name": DEALER, "label": {"dealer_id": value}}
        await call(twin_api, 200, "PUT", f"/apiv1/devices/{key}/role_labels/associate", body, by)
    assert await found(twin_api, f"role={DEALER}") == [DSN, other.dsn]
    assert await found(twin_api, f"role={DEALER}&key=dealer_id&value=101") == [DSN]
    assert await found(twin_api, f"role={DEALER}&key=dealer_id&value=101", "bob") == [DSN]
    assert await found(twin_api, f"role={DEALER}&key=dealer_id") == []
    assert await found(twin_api, "role=OEM::Acme::Other&key=dealer_id&value=101") == []
    for name in ("eve", "sue", "root", "dea"):
        assert await found(twin_api, f"role={DEALER}", name) == []
    answer = await call(twin_api, 200, "GET", f"{FIND}.json?role={DEALER}&key=dealer_id&value=102")
    assert answer == [await call(twin_api, 200, "GET", f"/apiv1/devices/{other.key}")]
    await call(twin_api, 422, "GET", FIND)
    await call(twin_api, 422, "GET", f"{FIND}?role={DEALER}&value=1")
    await call(twin_api, 401, "GET", f"{FIND}?role={DEALER}", by=None)


async def test_who_may(twin_api: TwinApi) -> None:
    """Holders of shares read, also those for writing; for all others, staff too, device and label do not exist."""
    await add_staff(twin_api)
    made = await call(twin_api, 201, "POST", LABELS, named())
    writes = (
        ("POST", LABELS, named("OEM::Acme::Fitter")),
        ("PUT", f"{LABELS}/associate", LABEL),
        ("PUT", f"{LABELS}/disassociate", LABEL),
        ("PUT", f"{ONE}/1", named(description="mine")),
        ("DELETE", f"{ONE}/1", None),
    )
    reads = (("GET", LABELS, None), ("GET", f"{ONE}/1", None))
    for method, path, body in writes:
        for name in ("bob", "cid"):
            await call(twin_api, 403, method, path, body, name)
    for method, path, body in (*writes, *reads):
        for name in (*STRANGERS, "dea"):
            await call(twin_api, 404, method, path, body, name)
        await call(twin_api, 401, method, path, body, None)
    for name in (*STRANGERS, "bob", "cid"):
        await call(twin_api, 404, "DELETE", f"{ONE}/{DEALER}", None, name)
    for name in ("ana", "bob", "cid"):
        assert await call(twin_api, 200, "GET", LABELS, None, name) == [made]
        assert await call(twin_api, 200, "GET", f"{ONE}/1", None, name) == made


async def test_a_name_does_where_it_is_the_only_one(twin_api: TwinApi) -> None:
    """Deleting by name, as documented: 409 if several of the caller's own devices have it, others' do not count."""
    twins, users = twin_api.scene.twins, twin_api.scene.users
    for dsn, owner in (("AC000W000000002", "ana"), ("AC000W000000003", "dan")):
        await twins.make_device(dsn, users[owner])
    for key, by in ((1, "ana"), (2, "ana"), (3, "dan")):
        await call(twin_api, 201, "POST", f"/apiv1/devices/{key}/role_labels", named(), by)
    await call(twin_api, 409, "DELETE", f"{ONE}/{DEALER}")
    await call(twin_api, 200, "DELETE", f"{ONE}/2")
    await call(twin_api, 200, "DELETE", f"{ONE}/{DEALER}.json")
    await call(twin_api, 404, "DELETE", f"{ONE}/{DEALER}")
    assert len(await call(twin_api, 200, "GET", "/apiv1/devices/3/role_labels", by="dan")) == 1


async def test_a_device_has_a_role_once(twin_api: TwinApi) -> None:
    """A second one of the name is 409, made or renamed."""
    await call(twin_api, 201, "POST", LABELS, named())
    await call(twin_api, 409, "POST", LABELS, named())
    await call(twin_api, 201, "POST", LABELS, named("OEM::Staff"))
    await call(twin_api, 409, "PUT", f"{ONE}/2", named())
    same = await call(twin_api, 200, "PUT", f"{ONE}/2", named("OEM::Staff", description="The same"))
    assert same["role_label"]["description"] == "The same"


async def test_there_are_so_many(twin_api: TwinApi) -> None:
    """Roles of a device, and labels of a role; another value in place of one is not more."""
    for number in range(MOST_DEVICE_ROLES):
        await call(twin_api, 201, "POST", LABELS, named(f"OEM::Acme::R{number}"))
    await call(twin_api, 422, "POST", LABELS, named())
    body = {"role_name": "OEM::Acme::R0"}
    for number in range(MOST_DEVICE_LABELS):
        await call(twin_api, 200, "PUT", f"{LABELS}/associate", body | {"label": {f"k{number}": "1"}})
    await call(twin_api, 422, "PUT", f"{LABELS}/associate", body | {"label": {"one": "more"}})
    await call(twin_api, 200, "PUT", f"{LABELS}/associate", body | {"label": {"k0": "2"}})


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", LABELS, named("EndUser"), 422),
        ("POST", LABELS, named("Ayla::Admin"), 422),
        ("POST", LABELS, named("1"), 422),
        ("POST", LABELS, named("x" * 5000), 422),
        ("POST", LABELS, named("OEM::Dealer\n"), 422),
        ("POST", LABELS, named(7), 422),  # type: ignore[arg-type]
        ("POST", LABELS, named(description="x" * 256), 422),
        ("POST", LABELS, {"role_label": {}}, 422),
        ("POST", LABELS, {"role_label": [DEALER]}, 422),
        ("POST", LABELS, [], 422),
        ("PUT", f"{LABELS}/associate", {"role_name": DEALER}, 422),
        ("PUT", f"{LABELS}/associate", LABEL | {"label": {}}, 422),
        ("PUT", f"{LABELS}/associate", LABEL | {"label": {"key": "x"}}, 422),
        ("PUT", f"{LABELS}/associate", LABEL | {"label": {"a": "1", "b": "2"}}, 422),
        ("PUT", f"{LABELS}/associate", LABEL | {"label": {"": "1"}}, 422),
        ("PUT", f"{LABELS}/associate", LABEL | {"label": {"key": "x" * 256, "value": ""}}, 422),
        ("PUT", f"{LABELS}/associate", LABEL | {"label": {"key": "x", "value": 1}}, 422),
        ("PUT", f"{LABELS}/associate", LABEL | {"role_name": "OEM::Staff"}, 404),
        ("PUT", f"{LABELS}/disassociate", LABEL, 404),
        ("PUT", f"{ONE}/1", named(description=5), 422),
        ("PUT", f"{ONE}/1", named("EndUser"), 422),
        ("PUT", f"{ONE}/{DEALER}", named(), 404),
        ("GET", f"{ONE}/0", None, 404),
        ("GET", f"{ONE}/-1", None, 404),
        ("GET", f"{ONE}/9999999999999999999", None, 404),
        ("GET", f"{ONE}/{DEALER}", None, 404),
        ("GET", "/apiv1/devices/99/role_labels", None, 404),
        ("GET", f"/apiv1/devices/{DSN}/role_labels", None, 404),
    ],
)
async def test_what_cannot_be(twin_api: TwinApi, method: str, path: str, body: Any, status: int) -> None:
    """Values out of bounds are 422, what does not exist 404; nothing changes."""
    made = await call(twin_api, 201, "POST", LABELS, named())
    await call(twin_api, status, method, path, body)
    assert await call(twin_api, 200, "GET", LABELS) == [made]


async def test_they_end_with_the_ownership(twin_api: TwinApi) -> None:
    """The next owner finds none."""
    await call(twin_api, 201, "POST", LABELS, named())
    twins, users = twin_api.scene.twins, twin_api.scene.users
    await twins.registrations.unregister(users["ana"], DSN)
    await twins.registrations.register(users["dan"], Claim(DSN, None, None, None))
    assert await call(twin_api, 200, "GET", LABELS, by="dan") == []
    await call(twin_api, 404, "GET", f"{ONE}/1", by="ana")
