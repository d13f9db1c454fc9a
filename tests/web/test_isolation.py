"""Nobody sees, changes or learns of what is another's: every operation, tried by everybody who may not, over HTTP.

The matrix is `isolation_table`: each refusal stands beside the same request made with success by whoever may, so that
it is the caller that was refused, and not the request.

A share that has not begun is an invitation: its holder sees it (with the giver's names and email, which the mail that
announces it tells as well), and may end it; until it begins it grants nothing, and the device does not exist for them.
A share that has ended is gone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.twins import DSN
from tests.web.described import describing
from tests.web.isolation_place import MARK, USERS, Ids, Place, holder_of, open_place
from tests.web.isolation_table import OUTSIDE, TABLE, Entry, Rule
from twinstream.model.device import Sight
from twinstream.service import datum, sight
from twinstream.web import hot

NOBODY = ("", "wrong", "expired", "gone")
"""Callers without a credential that is in force."""

BATCH = "POST /apiv1/batch_datapoints"

REFUSED_TO_USERS: dict[Rule, dict[str, int]] = {
    Rule.SEE: dict.fromkeys(USERS, 404),
    Rule.STEER: dict.fromkeys(USERS, 404) | {"reader": 403},
    Rule.OWN: dict.fromkeys(USERS, 404) | {"reader": 403, "writer": 403},
    Rule.KEEP: dict.fromkeys((*USERS, "reader", "writer"), 404),
    Rule.ADMIN: dict.fromkeys((*USERS, "ana", "reader"), 403) | {"admin": 404},
    Rule.SELF: {},
    Rule.DEVICE: dict.fromkeys(("ana", "writer", "admin"), 401) | {"device other": 404},
    Rule.OPERATOR: dict.fromkeys(("ana", "ada", "admin", "device own"), 401),
}
"""Whom a rule refuses, and how, beside `NOBODY`."""

OWN_OEM_ALONE = {
    "GET /api/v1/users/index_by_role": ("admin", "staff"),
    "GET /api/v1/users/index_by_label": ("admin", "staff"),
    "GET /api/v1/users/index_by_oem": ("admin", "staff"),
    "POST /api/v1/users/create_role_user": ("admin",),
    "POST /api/v1/users/create_associated_user": ("admin", "staff"),
    "POST /api/v1/oemAccessRules": ("admin",),
}
"""What others do in their own OEM, whatever the request says: nothing of Ana's is in the answer."""

STAFF_MAY = (
    "GET /api/v1/users/role_users",
    "PUT /api/v1/users/disassociate_user",
    "GET /api/v1/oemAccessRules/{rule_id}",
)
"""What staff may beside administrators: of another OEM they are told 404 like these."""

UNSEEN = (
    "GET /apiv1/dsns/{dsn}/properties/{name}/datapoints",
    "PUT /devices/{device_key}/cmd_post_process",
    "PUT /dev/v1/dsns/{dsn}/cmd_post_process",
)
"""Where the last id may be unknown: the page begins at the first then, and the result of no command is no news."""


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """The place, with everything in it."""
    async with open_place(tmp_path / "folder") as opened:
        yield opened


async def test_every_operation_has_an_entry() -> None:
    """A route that nobody has thought about fails here; so does an entry for a route that is gone."""
    async with describing() as client:
        paths = (await client.get("/openapi.json")).json()["paths"]
    operations = {f"{method.upper()} {path}" for path, item in paths.items() for method in item}
    outside = {operation for group in OUTSIDE.values() for operation in group}
    assert operations - TABLE.keys() - outside == set()
    assert (TABLE.keys() | outside) - operations == set()
    assert TABLE.keys() & outside == set()


async def test_who_may_not_is_refused_and_nothing_has_changed(place: Place) -> None:
    """By 401, 403 or 404 as the rule says; afterwards those who may see exactly what they saw before."""
    before = await place.see()
    assert await attack(place) == []
    assert await place.see() == before


async def test_what_is_not_yours_does_not_exist(place: Place) -> None:
    """The answer about a thing of another is, to the byte, the answer about a thing that there is not."""
    absent = place.absent()
    differences = []
    for operation, entry in TABLE.items():
        for caller in outsiders(entry, operation):
            real = await place.send(operation, entry, caller)
            never = await place.send(operation, entry, caller, absent)
            if tell(real, place.ids) != tell(never, absent):
                differences.append((operation, caller, real.status_code, real.text, never.status_code, never.text))
    assert differences == []


async def test_things_of_ones_own_lead_to_nothing_of_anothers(place: Place) -> None:
    """Where a path names several things, those before the last may be the caller's own: the last is not found."""
    before, wrong, tried = await place.see(), [], 0
    of_kind = {"bob": (Rule.SEE, Rule.STEER, Rule.OWN), "device other": (Rule.DEVICE,)}
    for operation, entry in TABLE.items():
        for caller in of_kind:
            ids = place.borrowed(caller, operation)
            if ids is None or entry.rule not in of_kind[caller]:
                continue
            answer = await place.send(operation, entry, caller, ids)
            if (answer.status_code != 404 and operation not in UNSEEN) or MARK in answer.text:
                wrong.append((operation, caller, answer.status_code, answer.text))
            mine = await place.send(operation, entry, caller, place.ids | place.own[caller])
            assert mine.is_success, (operation, caller, mine.text)
            tried += 1
    assert tried > 10
    assert wrong == []
    assert await place.see() == before


async def test_a_share_lets_its_holder_read_or_write(place: Place) -> None:
    """One for reading reads, one for writing writes as well, while it counts."""
    wrong = []
    for operation, entry in TABLE.items():
        holders = {Rule.SEE: ("reader", "writer"), Rule.STEER: ("writer",)}.get(entry.rule, ())
        for holder in holders:
            answer = await place.send(operation, entry, holder)
            if status_of(operation, answer) >= 300:
                wrong.append((operation, holder, answer.status_code, answer.text))
    assert wrong == []


async def test_who_may_succeeds_with_the_same_request(place: Place) -> None:
    """Owners, devices, administrators and the operator: so the requests of the other tests are good ones."""
    wrong = []
    for operation, entry in TABLE.items():
        answer = await place.send(operation, entry, holder_of(entry))
        if status_of(operation, answer) >= 300:
            wrong.append((operation, answer.status_code, answer.text))
    assert wrong == []


async def test_a_share_that_has_not_begun_is_an_invitation(place: Place) -> None:
    """Its holder sees it and may decline; the device is theirs to see from its beginning on; one that ended is gone."""
    path = "/api/v1/users/shares"
    (invitation,) = await place.call("GET", f"{path}/received", by="future")
    assert invitation["share"]["owner_profile"]["email"] == f"{MARK}@x.example"
    assert await place.call("GET", "/apiv1/devices", by="future") == []
    assert (await ask(place, "future", "GET", f"/apiv1/dsns/{DSN}")).status_code == 404
    assert await place.call("GET", f"{path}/received", by="past") == []
    assert (await ask(place, "past", "DELETE", f"{path}?resource_name=device&resource_id={DSN}")).status_code == 404
    given = await place.call("GET", path)
    assert {one["share"]["user_email"].split("@")[0] for one in given} == {"future", "reader", "writer"}
    await place.call("DELETE", f"{path}/{invitation['share']['id']}", by="future")
    assert await place.call("GET", f"{path}/received", by="future") == []
    begins = {"resource_name": "device", "resource_id": DSN, "user_email": "future@x.example"}
    await place.call("POST", path, {"share": begins | {"start_date_at": place.at(60), "end_date_at": place.at(120)}})
    seen = []
    for _ in range(3):
        seen.append((await ask(place, "future", "GET", f"/apiv1/dsns/{DSN}")).status_code)
        place.clock.turn(60)
    assert seen == [404, 200, 404]


async def test_addresses_of_files_open_that_file_alone(place: Place) -> None:
    """Altered, expired, for another method or another file: 403, whoever comes with it; and nothing was written."""
    file = f"/apiv1/properties/{place.ids['file_key']}/datapoints/{place.ids['file_id']}"
    good = (await place.call("GET", file))["file"]
    mine = f"/apiv1/properties/{place.own['bob']['file_key']}/datapoints/{place.own['bob']['file_id']}"
    bobs = (await place.call("GET", mine, by="bob"))["file"]
    signature = bobs.partition("?")[2]
    wrong = [
        good.partition("?")[0],
        f"{good.partition('?')[0]}?{signature}",
        good.replace("signature=", "signature=0"),
        good[:-1] + ("0" if good[-1] != "0" else "1"),
        good.replace("expires=", "expires=9"),
        good.replace("expires=", "expires=-"),
        f"{good}&expires=9999999999",
        good.replace(place.ids["file_id"], "../" + place.ids["file_id"]),
        place.ids["open_file"],
    ]
    for caller in ("", "bob", "reader", "admin", "device other"):
        for address in wrong:
            answer = await place.http.get(address, headers=place.callers[caller])
            assert answer.status_code in (400, 403, 404), (caller, address)
            assert MARK not in answer.text
        for address in (good, place.ids["open_file"].partition("?")[0], f"{place.ids['open_file']}0"):
            answer = await place.http.put(address, content=b"x", headers=place.callers[caller])
            assert answer.status_code == 403, (caller, address)
    assert (await place.http.get(good)).text == MARK
    assert (await place.http.put(place.ids["open_file"], content=b"whole")).status_code == 200
    place.clock.turn(3601)
    assert (await place.http.get(good)).status_code == 403


def _see_all(view: Any, user: Any, ref: Any) -> Sight:
    device = view.devices.find(ref)
    assert device is not None
    return Sight(device, None)


MUTANTS: dict[str, tuple[Any, str, Callable[..., Any]]] = {
    "a service does not ask who sees a device": (datum, "require_sight", _see_all),
    "a share for reading writes": (sight, "check_grant", lambda grant: None),
    "a device speaks for another": (hot, "require_own", lambda device, segment: None),
}


@pytest.mark.parametrize("mutant", MUTANTS)
async def test_the_matrix_sees_what_is_broken(place: Place, mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a check taken out of the server it names operations that let somebody in."""
    monkeypatch.setattr(*MUTANTS[mutant])
    assert await attack(place) != []


async def attack(place: Place) -> list[tuple[str, str, int, str]]:
    """Make every request as everybody who may not; answer those that were not refused as they should have been."""
    wrong = []
    for operation, entry in TABLE.items():
        for caller, status in refusals(operation, entry).items():
            answer = await place.send(operation, entry, caller)
            told = status_of(operation, answer)
            is_as_wanted = told == status if status else told < 500
            if not is_as_wanted or MARK in answer.text:
                wrong.append((operation, caller, told, answer.text[:200]))
    return wrong


def refusals(operation: str, entry: Entry) -> dict[str, int]:
    """Who is refused, and how; 0: whatever it is, it is about the caller's own."""
    refused = dict.fromkeys(NOBODY, 401) | REFUSED_TO_USERS[entry.rule]
    if entry.rule is Rule.SELF:
        refused |= dict.fromkeys((*USERS, "reader"), 0)
    if entry.rule in (Rule.SEE, Rule.STEER, Rule.OWN, Rule.KEEP, Rule.SELF, Rule.ADMIN):
        refused |= {"device own": 401, "device other": 401}
    refused |= dict.fromkeys(OWN_OEM_ALONE.get(operation, ()), 0)
    if operation in STAFF_MAY:
        refused |= {"staff": 404}
    if "/admin/v1/oems/" in operation and entry.rule is Rule.ADMIN:
        refused |= {"staff": 404}
    return {caller: status for caller, status in refused.items() if caller not in entry.parties}


def outsiders(entry: Entry, operation: str) -> list[str]:
    """Whom a thing does not exist for."""
    return [caller for caller, status in refusals(operation, entry).items() if status == 404]


def status_of(operation: str, answer: httpx.Response) -> int:
    """Answer the status; of a batch that of its first item."""
    if operation == BATCH and answer.is_success:
        return int(answer.json()[0]["status"])
    return answer.status_code


def tell(answer: httpx.Response, ids: Ids) -> tuple[int, Any]:
    """Answer what can be learned from an answer: all of it but the request's number; ids that were sent by name."""
    text = answer.text
    for name in ("dsn", "node_dsn", "uuid", "email"):
        text = text.replace(ids[name], f"<{name}>")
    body = answer.json() if answer.content else None
    return answer.status_code, text.replace(body["request_id"], "") if isinstance(body, dict) else text


async def ask(place: Place, by: str, method: str, path: str) -> httpx.Response:
    """Make a request, whatever comes of it."""
    return await place.http.request(method, path, headers=place.callers[by])
