"""`/api/v1/subscriptions`, in the forms of the documents and of the mobile clients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.api import Api, open_api
from tests.services import OPERATOR, Services
from twinstream.model.subscription import Gap

PATH = "/api/v1/subscriptions"
MOBILE: dict[str, Any] = {
    "name": "ANDROID_DSS",
    "description": "DATAPOINT",
    "dsn": "A,B",
    "property_name": "*",
    "client_type": "mobile",
    "batch_size": "1",
    "subscription_type": "datapoint,datapointack",
}
CLOUD: dict[str, Any] = {
    "name": "lamps",
    "description": None,
    "oem_model": "ledevb",
    "dsn": "*",
    "property_name": "Blue_LED, Green_LED",
    "client_type": "cloud",
    "subscription_type": "datapoint",
}
FIELDS = [
    *("id", "oem", "dsn", "name", "description", "property_name", "connection_status", "batch_size", "is_suspended"),
    *("created_at", "updated_at", "date_suspended", "user_uuid", "oem_model", "stream_key", "client_type"),
    *("subscription_type", "start_from"),
]


async def test_the_mobile_form(api: Api) -> None:
    """Made unwrapped, answered wrapped, in the documents' order; listed as an array of wrappers."""
    ana = await api.join("aaaaaaaa", "ana")
    made = await api.call(201, "POST", PATH, MOBILE, headers=ana)
    fields = made["subscription"]
    assert list(fields) == FIELDS
    assert {name: fields[name] for name in ("oem", "dsn", "oem_model", "batch_size", "connection_status")} == {
        "oem": "aaaaaaaa",
        "dsn": "A,B",
        "oem_model": "*",
        "batch_size": 1,
        "connection_status": "Offline",
    }
    assert (fields["is_suspended"], fields["date_suspended"]) == (False, None)
    assert fields["subscription_type"] == "datapoint,datapointack"
    assert len(fields["stream_key"]) == 32
    assert await api.call(200, "GET", f"{PATH}/{fields['id']}.json", headers=ana) == made
    assert await api.call(200, "GET", f"{PATH}.json", headers=ana) == [made]
    assert await api.call(204, "DELETE", f"{PATH}/{fields['id']}", headers=ana) is None
    await api.call(404, "DELETE", f"{PATH}/{fields['id']}", headers=ana)


async def test_a_mobile_client_may_leave_out_nearly_everything(api: Api) -> None:
    """Without a dsn, or with null or an empty one, it is every device of the user; wrapped is as good as unwrapped."""
    ana = await api.join("aaaaaaaa", "ana")
    least = {"client_type": "mobile", "subscription_type": "connectivity"}
    for body in (least, {"subscription": least}, {**least, "dsn": None}, {**least, "dsn": ""}):
        fields = (await api.call(201, "POST", PATH, body, headers=ana))["subscription"]
        assert (fields["dsn"], fields["oem_model"], fields["property_name"]) == ("*", "*", "*")
        assert (fields["name"], fields["description"], fields["batch_size"]) == (None, None, 1)
        assert fields["start_from"] == "acknowledged"


async def test_a_change_without_an_id_in_the_path(api: Api) -> None:
    """Mobile clients name the subscription in the body; what the server owns stays as it is."""
    ana = await api.join("aaaaaaaa", "ana")
    made = (await api.call(201, "POST", PATH, MOBILE, headers=ana))["subscription"]
    body = {
        **made,
        "dsn": "C",
        "batch_size": 5,
        "stream_key": "0" * 32,
        "oem": "bbbbbbbb",
        "user_uuid": "x",
        "is_suspended": True,
        "role": "OEM::Admin",
    }
    for wanted in (body, {**body, "id": str(made["id"])}, {"subscription": body}):
        changed = (await api.call(200, "PUT", PATH, wanted, headers=ana))["subscription"]
        assert changed == {**made, "dsn": "C", "batch_size": 5, "updated_at": changed["updated_at"]}
    path = f"{PATH}/{made['id']}.json"
    left = (await api.call(200, "PUT", path, {"start_from": "live"}, headers=ana))["subscription"]
    assert left == {**made, "dsn": "C", "batch_size": 5, "start_from": "live", "updated_at": left["updated_at"]}
    for broken in ({}, {"id": "x"}, {"id": None}):
        await api.call(422, "PUT", PATH, broken, headers=ana)
    for unknown in (10**15, -1, 2**63 - 1):
        await api.call(404, "PUT", PATH, {"id": unknown}, headers=ana)


async def test_the_cloud_form(api: Api) -> None:
    """An OEM's administrator subscribes at once; an end user and a role without a rule are 403."""
    admin = await api.join("aaaaaaaa", "admin", "OEM::Admin")
    made = (await api.call(201, "POST", f"{PATH}.json", {**CLOUD, "oem": "bbbbbbbb"}, headers=admin))["subscription"]
    assert (made["oem"], made["dsn"], made["oem_model"]) == ("aaaaaaaa", "*", "ledevb")
    assert made["property_name"] == "Blue_LED,Green_LED"
    for name, role in (("ana", "EndUser"), ("staff", "OEM::Staff")):
        caller = await api.join("aaaaaaaa", name, role)
        failure = await api.call(403, "POST", PATH, CLOUD, headers=caller)
        assert failure["errors"][0]["code"] in ("forbidden", "no_access_rule")


async def test_a_star_may_be_escaped(api: Api) -> None:
    """`\\*`, as the documents' samples print it, is the star, in each list and in a change too."""
    admin = await api.join("aaaaaaaa", "admin", "OEM::Admin")
    wanted = {**CLOUD, "property_name": "\\*", "oem_model": " \\* ", "dsn": "A"}
    made = (await api.call(201, "POST", PATH, wanted, headers=admin))["subscription"]
    assert (made["property_name"], made["oem_model"], made["dsn"]) == ("*", "*", "A")
    change = {"dsn": "\\*", "oem_model": "ledevb"}
    changed = (await api.call(200, "PUT", f"{PATH}/{made['id']}", change, headers=admin))["subscription"]
    assert (changed["dsn"], changed["oem_model"]) == ("*", "ledevb")


async def test_all_devices_of_all_models_is_refused_with_a_remedy(api: Api) -> None:
    """A cloud subscription names devices or models; who names neither is told so."""
    admin = await api.join("aaaaaaaa", "admin", "OEM::Admin")
    failure = await api.call(422, "POST", PATH, {**CLOUD, "dsn": "*", "oem_model": "*"}, headers=admin)
    assert failure["errors"][0]["message"] == (
        "Name either the devices (dsn) or their models (oem_model); both can't be *."
    )


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"dsn": "*", "oem_model": "*"}, "dsn"),
        ({"dsn": "\\*", "oem_model": "\\*"}, "dsn"),
        ({"dsn": "A,\\*"}, "dsn"),
        ({"dsn": None, "oem_model": "*"}, "dsn"),
        ({"dsn": "A,*"}, "dsn"),
        ({"dsn": ",".join(map(str, range(1001)))}, "dsn"),
        ({"dsn": 7}, "dsn"),
        ({"oem_model": ""}, "oem_model"),
        ({"oem_model": None}, "oem_model"),
        ({"oem_model": " , ,"}, "oem_model"),
        ({"property_name": None}, "property_name"),
        ({"property_name": ["Blue_LED"]}, "property_name"),
        ({"client_type": "desktop"}, "client_type"),
        ({"client_type": None}, "client_type"),
        ({"subscription_type": "datapoint,location"}, "subscription_type"),
        ({"subscription_type": "weather"}, "subscription_type"),
        ({"subscription_type": ""}, "subscription_type"),
        ({"subscription_type": "*"}, "subscription_type"),
        ({"subscription_type": None}, "subscription_type"),
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": -1}, "batch_size"),
        ({"batch_size": 10**9}, "batch_size"),
        ({"batch_size": "many"}, "batch_size"),
        ({"batch_size": "٣"}, "batch_size"),
        ({"batch_size": True}, "batch_size"),
        ({"batch_size": 1.5}, "batch_size"),
        ({"name": "x" * 256}, "name"),
        ({"name": {}}, "name"),
        ({"start_from": "yesterday"}, "start_from"),
    ],
)
async def test_fields_that_cannot_be(api: Api, changes: dict[str, Any], field: str) -> None:
    """Every wrong field is 422, named in the message and beside it."""
    admin = await api.join("aaaaaaaa", "admin", "OEM::Admin")
    failure = await api.call(422, "POST", PATH, {**CLOUD, **changes}, headers=admin)
    assert failure["field"] == field
    assert field in failure["errors"][0]["message"]
    assert await api.call(200, "GET", PATH, headers=admin) == []


@pytest.mark.parametrize("body", [[], "text", 7, {}, {"subscription": None}, {"subscription": []}])
async def test_bodies_that_are_no_subscription(api: Api, body: Any) -> None:
    """Not an object, an empty one, a wrapper around nothing."""
    ana = await api.join("aaaaaaaa", "ana")
    answer = await api.http.post(PATH, json=body, headers=ana)
    assert answer.status_code == 422


async def test_odd_names_are_text(api: Api) -> None:
    """Quotes, per cent signs, tags and right-to-left marks are stored as they come."""
    ana = await api.join("aaaaaaaa", "ana")
    odd = "%_'; DROP TABLE subscription; -- </script> \u202e🔑 | |Z"
    body = {**MOBILE, "name": odd, "description": odd, "property_name": odd, "dsn": " a ,, %_ "}
    fields = (await api.call(201, "POST", PATH, body, headers=ana))["subscription"]
    assert (fields["name"], fields["description"], fields["dsn"]) == (odd, odd, "a,%_")


async def test_numbers_of_a_stream(api: Api) -> None:
    """`getCurrentSeq` takes the key as its credential, and tells the last number and the oldest kept."""
    ana = await api.join("aaaaaaaa", "ana")
    made = (await api.call(201, "POST", PATH, {**MOBILE, "dsn": None}, headers=ana))["subscription"]
    url = f"{PATH}/getCurrentSeq.json?stream_key={made['stream_key']}"
    assert await api.call(200, "GET", url) == {"seq": "0", "oldest": "1"}
    user = (await api.services.admin.list_users(OPERATOR, "aaaaaaaa"))[0].user
    await api.services.append("aaaaaaaa", "A", [user], times=3)
    assert await api.call(200, "GET", url) == {"seq": "3", "oldest": "1"}
    for query in ("", "?stream_key=", "?stream_key=x", f"?stream_key={'0' * 32}"):
        failure = await api.call(401, "GET", f"{PATH}/getCurrentSeq{query}")
        assert failure["errors"][0]["code"] == "unknown_key"
    await api.call(400, "GET", f"{url}&stream_key={made['stream_key']}")


async def test_numbers_of_a_stream_with_strict_security(tmp_path: Path) -> None:
    """`getCurrentSeq` takes the key in `Authorization` too, and with strict_security from there only."""
    services = Services(tmp_path, strict_security=True)
    try:
        async with open_api(services) as api:
            ana = await api.join("aaaaaaaa", "ana")
            made = (await api.call(201, "POST", PATH, {**MOBILE, "dsn": None}, headers=ana))["subscription"]
            key = {"authorization": f"stream_key {made['stream_key']}"}
            assert await api.call(200, "GET", f"{PATH}/getCurrentSeq", headers=key) == {"seq": "0", "oldest": "1"}
            failure = await api.call(400, "GET", f"{PATH}/getCurrentSeq?stream_key={made['stream_key']}")
            assert failure["errors"][0]["code"] == "bad_query"
    finally:
        await services.store.close()


async def test_gaps_are_listed(api: Api) -> None:
    """What retention took is told with numbers as strings."""
    ana = await api.join("aaaaaaaa", "ana")
    made = (await api.call(201, "POST", PATH, MOBILE, headers=ana))["subscription"]
    assert await api.call(200, "GET", f"{PATH}/{made['id']}/gaps", headers=ana) == []
    await api.services.subscriptions.record_gaps([Gap(made["id"], 1, 5)])
    (gap,) = await api.call(200, "GET", f"{PATH}/{made['id']}/gaps.json", headers=ana)
    assert (gap["from_seq"], gap["through_seq"]) == ("1", "5")


async def test_presence_of_a_socket_shows(api: Api) -> None:
    """`connection_status` is Online while a socket of the subscription is open."""
    ana = await api.join("aaaaaaaa", "ana")
    made = (await api.call(201, "POST", PATH, MOBILE, headers=ana))["subscription"]
    api.services.connected.add(made["id"])
    shown = (await api.call(200, "GET", f"{PATH}/{made['id']}", headers=ana))["subscription"]
    assert shown["connection_status"] == "Online"


async def test_strangers_find_nothing(api: Api) -> None:
    """Other users of the OEM, administrators of another one and nobody at all: 404, or 401 without a token."""
    ana = await api.join("aaaaaaaa", "ana")
    made = (await api.call(201, "POST", PATH, MOBILE, headers=ana))["subscription"]
    strangers = [
        await api.join("aaaaaaaa", "bob"),
        await api.join("aaaaaaaa", "admin", "OEM::Admin"),
        await api.join("bbbbbbbb", "admin", "OEM::Admin"),
    ]
    calls = (
        ("GET", f"{PATH}/{made['id']}", None),
        ("GET", f"{PATH}/{made['id']}/gaps", None),
        ("PUT", f"{PATH}/{made['id']}", {"name": "mine"}),
        ("PUT", PATH, {"id": made["id"], "name": "mine"}),
        ("DELETE", f"{PATH}/{made['id']}", None),
    )
    for method, path, body in calls:
        for stranger in strangers:
            await api.call(404, method, path, body, headers=stranger)
        await api.call(401, method, path, body)
    assert await api.call(200, "GET", f"{PATH}/{made['id']}", headers=ana) == {"subscription": made}


async def test_an_owner_suspends_and_resumes_but_not_what_the_operator_suspended(api: Api) -> None:
    """Somebody else's is not found; the operator's word stands until the operator takes it back."""
    ana, bob = [await api.join("aaaaaaaa", name) for name in ("ana", "bob")]
    made = (await api.call(201, "POST", PATH, MOBILE, headers=ana))["subscription"]
    suspended = (await api.call(200, "PUT", f"{PATH}/{made['id']}/suspend.json", headers=ana))["subscription"]
    assert (suspended["is_suspended"], suspended["stream_key"]) == (True, made["stream_key"])
    await api.call(404, "PUT", f"{PATH}/{made['id']}/resume", headers=bob)
    resumed = (await api.call(200, "PUT", f"{PATH}/{made['id']}/resume", headers=ana))["subscription"]
    assert (resumed["is_suspended"], resumed["date_suspended"]) == (False, None)
    await api.services.subscriptions.set_suspended(OPERATOR, made["id"], True)
    await api.call(200, "PUT", f"{PATH}/{made['id']}/suspend", headers=ana)
    await api.call(403, "PUT", f"{PATH}/{made['id']}/resume", headers=ana)
    await api.services.subscriptions.set_suspended(OPERATOR, made["id"], False)
    await api.call(200, "PUT", f"{PATH}/{made['id']}/suspend", headers=ana)
    await api.call(200, "PUT", f"{PATH}/{made['id']}/resume", headers=ana)
