"""Users tied to users in a role, users made by staff, and who tries to reach beyond their own."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import Api, open_api
from tests.services import PASSWORD, Services
from twinstream.model.association import MOST_ASSOCIATIONS

PATH = "/api/v1/users"
OEM, OTHER = "aaaaaaaa", "bbbbbbbb"
ANA, BOB, DEA = (f"{name}@{OEM}.example" for name in ("ana", "bob", "dea"))
DEALER = "OEM::Acme::Dealer"
LABEL = {"dealer_id": "101"}
TIE: dict[str, Any] = {"role": DEALER, "label": LABEL}
UNTIE: dict[str, Any] = {"role": DEALER, "label_key": "dealer_id"}
NEW = "new@people.example"

Headers = dict[str, str]


async def _join_dealer(api: Api, admin: Headers, name: str = "dea", label: dict[str, str] = LABEL) -> Headers:
    """Add a user in the role, with a label."""
    dealer = await api.join(OEM, name, DEALER)
    body = {"user_email": f"{name}@{OEM}.example", "role": DEALER, "label": label}
    await api.call(200, "PUT", f"{PATH}/assign_label", body, headers=admin)
    return dealer


async def _join_three(api: Api) -> tuple[Headers, Headers, Headers]:
    """Add an administrator, a dealer and Ana."""
    admin = await api.join(OEM, "root", "OEM::Admin")
    return admin, await _join_dealer(api, admin), await api.join(OEM, "ana")


async def _ties(api: Api, headers: Headers) -> list[tuple[str, dict[str, str]]]:
    answer = await api.call(200, "GET", f"{PATH}/associated_users.json", headers=headers)
    return [(tie["user"]["email"], tie["label"]) for tie in answer]


@pytest.mark.parametrize("suffix", ["", ".json"])
async def test_a_tie_is_seen_by_both_and_ended_by_either(api: Api, suffix: str) -> None:
    """By the user with the key of the label, by the dealer with the user's email; a second time it is 404."""
    _, dealer, ana = await _join_three(api)
    for method, headers, body in (
        ("disassociate_role_user", ana, UNTIE),
        ("disassociate_user", dealer, {"user_email": ANA.upper()}),
    ):
        assert await api.call(200, "PUT", f"{PATH}/associate_role_user{suffix}", TIE, headers=ana) is None
        (tie,) = await api.call(200, "GET", f"{PATH}/associated_users{suffix}", headers=dealer)
        assert tie == await _only(api, ana)
        assert (tie["role"], tie["label"], tie["user"]["email"]) == (DEALER, LABEL, ANA)
        assert tie["user"].keys() == {"uuid", "email", "firstname", "lastname"}
        assert await api.call(200, "PUT", f"{PATH}/{method}{suffix}", body, headers=headers) is None
        await api.call(404, "PUT", f"{PATH}/{method}{suffix}", body, headers=headers)
        assert await _ties(api, ana) == await _ties(api, dealer) == []


async def _only(api: Api, headers: Headers) -> Any:
    (tie,) = await api.call(200, "GET", f"{PATH}/associated_users", headers=headers)
    return tie


async def test_a_tie_is_to_the_label_and_there_is_one_per_key(api: Api) -> None:
    """Whoever has role and label sees it; another value takes its place; who loses the label sees it no more."""
    admin, dealer, ana = await _join_three(api)
    second = await _join_dealer(api, admin, "deb")
    third = await _join_dealer(api, admin, "dec", {"dealer_id": "102"})
    await api.call(200, "PUT", f"{PATH}/associate_role_user", TIE, headers=ana)
    assert await _ties(api, dealer) == await _ties(api, second) == [(ANA, LABEL)]
    assert await _ties(api, third) == []
    other = TIE | {"label": {"dealer_id": "102"}}
    await api.call(200, "PUT", f"{PATH}/associate_role_user", other, headers=ana)
    assert await _ties(api, dealer) == []
    assert await _ties(api, third) == await _ties(api, ana) == [(ANA, {"dealer_id": "102"})]
    revoked = UNTIE | {"user_email": f"dec@{OEM}.example"}
    await api.call(200, "PUT", f"{PATH}/revoke_label", revoked, headers=admin)
    assert await _ties(api, third) == []
    await api.call(404, "PUT", f"{PATH}/disassociate_user", {"user_email": ANA}, headers=third)
    await api.call(200, "DELETE", "/users", headers=ana)


async def test_an_administrator_ties_others(api: Api) -> None:
    """Nobody else does; the caller's own email may be said."""
    admin, dealer, ana = await _join_three(api)
    bob = await api.join(OEM, "bob")
    for headers in (ana, dealer):
        await api.call(403, "PUT", f"{PATH}/associate_role_user", TIE | {"user_email": BOB}, headers=headers)
        await api.call(403, "PUT", f"{PATH}/disassociate_role_user", UNTIE | {"user_email": BOB}, headers=headers)
    await api.call(200, "PUT", f"{PATH}/associate_role_user", TIE | {"user_email": f" {BOB.upper()}"}, headers=admin)
    await api.call(200, "PUT", f"{PATH}/associate_role_user", TIE | {"user_email": ANA}, headers=ana)
    assert await _ties(api, dealer) == [(ANA, LABEL), (BOB, LABEL)]
    assert await _ties(api, admin) == []
    await api.call(200, "PUT", f"{PATH}/disassociate_role_user", UNTIE | {"user_email": BOB}, headers=admin)
    assert await _ties(api, bob) == []


async def test_a_tie_gives_no_access(api: Api) -> None:
    """The dealer sees neither Ana's account nor her shares, and cannot end others' ties as an end user might try."""
    admin, dealer, ana = await _join_three(api)
    bob = await api.join(OEM, "bob")
    await api.call(200, "PUT", f"{PATH}/associate_role_user", TIE, headers=ana)
    profile = await api.call(200, "GET", "/users/get_user_profile", headers=ana)
    user = await api.services.store.query(lambda view: view.users.find_credentials(ANA, OEM).user)
    dealing = await api.services.store.query(lambda view: view.users.find_credentials(DEA, OEM).user)
    await api.services.add_device(OEM, "AC1", user)
    assert user.uuid == profile["uuid"]
    assert await api.services.store.query(lambda view: view.devices.list_visible(dealing)) == []
    assert await api.call(200, "GET", f"{PATH}/shares/received", headers=dealer) == []
    await api.call(403, "PUT", f"{PATH}/disassociate_user", {"user_email": ANA}, headers=bob)
    await api.call(404, "PUT", f"{PATH}/disassociate_user", {"user_email": ANA}, headers=admin)
    assert await _ties(api, bob) == []


async def test_nobody_reaches_into_another_oem(api: Api) -> None:
    """Neither its labels nor its users are there, for end users, dealers and administrators alike."""
    _, dealer, ana = await _join_three(api)
    eve, ida = await api.join(OTHER, "eve", "OEM::Admin"), await api.join(OTHER, "ida")
    await api.call(200, "PUT", f"{PATH}/associate_role_user", TIE, headers=ana)
    for headers in (eve, ida):
        await api.call(404, "PUT", f"{PATH}/associate_role_user", TIE, headers=headers)
        assert await _ties(api, headers) == []
    twin = {"user_email": f"eve@{OTHER}.example", "role": "OEM::Admin", "label": LABEL}
    await api.call(200, "PUT", f"{PATH}/assign_label", twin, headers=eve)
    for method, body in (
        ("associate_role_user", TIE | {"user_email": ANA}),
        ("disassociate_role_user", UNTIE | {"user_email": ANA}),
        ("disassociate_user", {"user_email": ANA}),
    ):
        await api.call(404, "PUT", f"{PATH}/{method}", body, headers=eve)
        await api.call(401, "PUT", f"{PATH}/{method}", body)
    await api.call(404, "PUT", f"{PATH}/associate_role_user", TIE | {"role": "OEM::Admin"}, headers=ana)
    assert await _ties(api, dealer) == [(ANA, LABEL)]
    await api.call(401, "GET", f"{PATH}/associated_users")


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"role": "EndUser"}, 422),
        ({"role": "Ayla::Admin"}, 422),
        ({"role": None}, 422),
        ({"label": {}}, 422),
        ({"label": {"a": "1", "b": "2"}}, 422),
        ({"label": {"": "1"}}, 422),
        ({"label": {"dealer_id": 101}}, 422),
        ({"label": {"dealer_id": "x" * 256}}, 422),
        ({"label": "dealer_id"}, 422),
        ({"label": {"dealer_id": "102"}}, 404),
        ({"label": {"other": "101"}}, 404),
        ({"role": "OEM::Acme::Other"}, 404),
        ({"user_email": "nobody@a.example"}, 404),
        ({"user_email": 7}, 422),
    ],
)
async def test_ties_that_cannot_be(api: Api, changes: dict[str, Any], status: int) -> None:
    """A role of the OEM, one pair of texts, and somebody who has both."""
    admin, dealer, _ = await _join_three(api)
    await api.call(status, "PUT", f"{PATH}/associate_role_user", TIE | changes, headers=admin)
    assert await _ties(api, dealer) == await _ties(api, admin) == []


async def test_a_user_has_so_many_ties(api: Api) -> None:
    """One more is 422; a new value in place of one of them is not more."""
    admin, _, ana = await _join_three(api)
    for number in range(MOST_ASSOCIATIONS):
        name = f"OEM::Acme::R{number}"
        await api.services.add_user(OEM, f"r{number}@{OEM}.example", name)
        given = {"user_email": f"r{number}@{OEM}.example", "role": name, "label": LABEL}
        await api.call(200, "PUT", f"{PATH}/assign_label", given, headers=admin)
        await api.call(200, "PUT", f"{PATH}/associate_role_user", {"role": name, "label": LABEL}, headers=ana)
    await api.call(422, "PUT", f"{PATH}/associate_role_user", TIE, headers=ana)
    await api.call(200, "PUT", f"{PATH}/associate_role_user", TIE | {"role": "OEM::Acme::R0"}, headers=ana)


@pytest.mark.parametrize("suffix", ["", ".json"])
async def test_a_dealer_makes_a_user_who_is_tied_to_them(api: Api, suffix: str) -> None:
    """An end user, whatever the body says, who confirms the email with the token of the welcome mail."""
    _, dealer, _ = await _join_three(api)
    body = {"email": NEW.upper(), "password": PASSWORD, "firstname": "Nia", "role": "OEM::Admin", "oem": OTHER}
    made = await api.call(201, "POST", f"{PATH}/create_associated_user{suffix}", {"user": body}, headers=dealer)
    assert (made["email"], made["firstname"], made["role"], made["origin_oem_id"]) == (NEW, "Nia", "EndUser", OEM)
    assert await _ties(api, dealer) == [(NEW, LABEL)]
    await api.call(401, "POST", "/users/sign_in", {"user": {"email": NEW, "password": PASSWORD}})
    assert api.services.postbox.mails[-1].recipient == NEW
    await api.call(200, "PUT", "/users/confirmation", {"confirmation_token": api.services.postbox.take_token()})
    assert await _ties(api, await api.sign_in(NEW)) == [(NEW, LABEL)]


async def test_an_administrator_makes_a_user_in_a_role(api: Api) -> None:
    """Without a password: the user asks for one by mail, which confirms the address too."""
    admin = await api.join(OEM, "root", "OEM::Admin")
    made = await api.call(201, "POST", f"{PATH}/create_role_user", {"email": NEW, "role": DEALER}, headers=admin)
    assert (made["email"], made["role"], made["origin_oem_id"]) == (NEW, DEALER, OEM)
    api.services.postbox.take_token()
    await api.call(200, "POST", "/users/password", {"user": {"email": NEW}})
    reset = {"reset_password_token": api.services.postbox.take_token(), "password": PASSWORD}
    await api.call(200, "PUT", "/users/password.json", {"user": reset})
    trio = await api.call(200, "POST", "/users/sign_in", {"user": {"email": NEW, "password": PASSWORD}})
    assert trio["role"] == DEALER
    listed = await api.call(200, "GET", f"{PATH}/index_by_role?role={DEALER}", headers=admin)
    assert [entry["user"]["email"] for entry in listed] == [NEW]


async def test_a_user_who_never_answers_the_welcome_is_gone(api: Api) -> None:
    """After three days, as one who signed up, with the tie."""
    _, dealer, _ = await _join_three(api)
    await api.call(201, "POST", f"{PATH}/create_associated_user", {"user": {"email": NEW}}, headers=dealer)
    api.services.clock.turn(73 * 3600)
    assert await api.accounts.expire() == 1
    assert await _ties(api, await api.sign_in(DEA)) == []


async def test_a_server_that_believes_every_address_welcomes_without_a_token(services: Services) -> None:
    """The user signs in at once."""
    async with open_api(services, confirm_email=False) as api:
        admin = await api.join(OEM, "root", "OEM::Admin")
        body = {"user": {"email": NEW, "password": PASSWORD, "role": "EndUser"}}
        await api.call(201, "POST", f"{PATH}/create_role_user.json", body, headers=admin)
        assert "token" not in services.postbox.mails.pop().text
        await api.sign_in(NEW)


@pytest.mark.parametrize("path", ["create_role_user", "create_associated_user"])
@pytest.mark.parametrize(
    "changes",
    [
        {"email": None},
        {"email": "new"},
        {"email": "new@a.example\r\nBcc: all@b.example"},
        {"email": ANA},
        {"password": "1234567"},
        {"password": 7},
        {"firstname": "x" * 256},
        {"zip": 7},
    ],
)
async def test_users_who_cannot_be_made(api: Api, path: str, changes: dict[str, Any]) -> None:
    """422, and nothing is left behind: no user, no tie, no mail."""
    admin, dealer, _ = await _join_three(api)
    headers = admin if path == "create_role_user" else dealer
    body = {"user": {"email": NEW, "role": DEALER} | changes}
    failure = await api.call(422, "POST", f"{PATH}/{path}", body, headers=headers)
    assert [failure["field"]] == list(changes)
    assert len(await api.call(200, "GET", f"{PATH}/index_by_oem", headers=admin)) == 3
    assert (await _ties(api, dealer), api.services.postbox.mails) == ([], [])


async def test_who_may_make_users(api: Api) -> None:
    """In a role an administrator; tied ones who has a label of a role of the OEM; in no role above OEMs."""
    admin, dealer, ana = await _join_three(api)
    staff = await api.join(OEM, "sue", "OEM::Staff")
    body = {"user": {"email": NEW, "role": "OEM::Admin"}}
    for headers in (dealer, staff, ana):
        await api.call(403, "POST", f"{PATH}/create_role_user", body, headers=headers)
    await api.call(403, "POST", f"{PATH}/create_associated_user", body, headers=ana)
    for headers in (staff, admin):
        failure = await api.call(422, "POST", f"{PATH}/create_associated_user", body, headers=headers)
        assert failure["field"] == "label"
    for path in ("create_role_user", "create_associated_user"):
        await api.call(401, "POST", f"{PATH}/{path}", body)
    for role in ("Ayla::Admin", "root", "", None):
        await api.call(422, "POST", f"{PATH}/create_role_user", {"user": body["user"] | {"role": role}}, headers=admin)
    assert len(await api.call(200, "GET", f"{PATH}/index_by_oem", headers=admin)) == 4
