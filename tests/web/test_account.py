"""Accounts over HTTP: from signing up to deletion, and what strangers try."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import Api, open_api
from tests.services import PASSWORD, Services, mobile
from twinstream.model.application import ApplicationKey
from twinstream.model.event import Control, EventType

OEM = "aaaaaaaa"
EMAIL = "ana@a.example"
NEW = "battery staple"


async def _sign_up(api: Api, status: int = 201, **changes: Any) -> Any:
    user = {"email": EMAIL, "password": PASSWORD, "firstname": "Ana", "lastname": "Lee", **changes}
    return await api.call(status, "POST", "/users.json?email_template_id=x", {"user": user})


async def _sign_in(api: Api, status: int = 200, email: str = EMAIL, password: str = PASSWORD) -> Any:
    return await api.call(status, "POST", "/users/sign_in", {"user": {"email": email, "password": password}})


def _application(key: ApplicationKey) -> dict[str, str]:
    return {"app_id": key.app_id, "app_secret": key.app_secret}


async def _join(api: Api) -> tuple[dict[str, str], dict[str, str]]:
    """Sign up, confirm and sign in; answer the application and the header."""
    application = _application(await api.services.add_oem(OEM))
    await _sign_up(api, application=application)
    await api.call(200, "PUT", "/users/confirmation", {"confirmation_token": api.services.postbox.take_token()})
    trio = await _sign_in(api)
    return application, {"authorization": f"auth_token {trio['access_token']}"}


async def test_signing_up(api: Api) -> None:
    """The account is there, signs in once its email is confirmed, and its token works once."""
    application = _application(await api.services.add_oem(OEM))
    made = await _sign_up(api, application=application, city="Oslo", role="OEM::Admin", id=7)
    assert (made["email"], made["firstname"], made["city"], made["role"]) == (EMAIL, "Ana", "Oslo", "EndUser")
    assert "password" not in made
    assert (await _sign_in(api, 401))["code"] == "unconfirmed"
    assert (await _sign_in(api, 401, password="wrong-password"))["code"] == "bad_sign_in"
    first = api.services.postbox.take_token()
    resend = {"user": {"email": EMAIL.upper(), "application": application}}
    await api.call(200, "POST", "/users/confirmation.json", resend)
    second = api.services.postbox.take_token()
    for token, status in ((first, 422), ("x", 422), (second, 200), (second, 422)):
        await api.call(status, "PUT", "/users/confirmation.json", {"confirmation_token": token})
    assert (await _sign_in(api))["role"] == "EndUser"
    await api.call(200, "POST", "/users/confirmation.json", resend)
    assert api.services.postbox.mails == []


async def test_the_wrong_application_is_404_and_none_422(api: Api) -> None:
    """Who signs up does so in an application's OEM."""
    await api.services.add_oem(OEM)
    await _sign_up(api, 404, application={"app_id": "x", "app_secret": "y"})
    await _sign_up(api, 422)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"email": "ana"}, "email"),
        ({"email": "ana@a.example\r\nBcc: all@b.example"}, "email"),
        ({"email": "a" * 300 + "@a.example"}, "email"),
        ({"email": None}, "email"),
        ({"password": "1234567"}, "password"),
        ({"password": "Password123!"}, "password"),
        ({"password": "qwertyuiop"}, "password"),
        ({"password": EMAIL}, "password"),
        ({"password": "x" * 1025}, "password"),
        ({"firstname": "x" * 256}, "firstname"),
        ({"zip": "x" * 256}, "zip"),
        ({"zip": 7}, "zip"),
    ],
)
async def test_wrong_fields_are_told_by_name(api: Api, changes: dict[str, Any], field: str) -> None:
    """422 with a text, and a list of texts by field."""
    application = _application(await api.services.add_oem(OEM))
    failure = await _sign_up(api, 422, application=application, **changes)
    assert list(failure["errors"]) == [field]
    assert isinstance(failure["error"], str)
    assert api.services.postbox.mails == []


async def test_an_email_is_taken_once_per_oem(api: Api) -> None:
    """Also in another spelling; in another OEM it is free."""
    application, _ = await _join(api)
    failure = await _sign_up(api, 422, application=application, email=" ANA@a.example ")
    assert failure["errors"] == {"email": ["is taken."]}
    await _sign_up(api, application=_application(await api.services.add_oem("bbbbbbbb")))


async def test_without_confirmation_it_signs_in_at_once(services: Services) -> None:
    """A server can believe every address."""
    async with open_api(services, confirm_email=False) as api:
        await _sign_up(api, application=_application(await services.add_oem(OEM)))
        await _sign_in(api)
        assert services.postbox.mails == []


async def test_the_profile_is_changed_in_part(api: Api) -> None:
    """What is left out stays, null takes back, and what is the server's cannot be set."""
    _, headers = await _join(api)
    before = await api.call(200, "GET", "/users/get_user_profile.json", headers=headers)
    changes = {
        "city": "Oslo",
        "phone": "5",
        "firstname": "Anna",
        "uuid": "x",
        "email": "z@z.example",
        "role": "OEM::Admin",
    }
    await api.call(200, "PUT", "/users.json", {"user": changes}, headers=headers)
    after = await api.call(200, "PUT", "/users", {"user": {"phone": None}}, headers=headers)
    assert after == {**before, "city": "Oslo", "firstname": "Anna", "updated_at": after["updated_at"]}
    await api.call(401, "PUT", "/users", {"user": {}})


async def test_changing_the_password(api: Api) -> None:
    """It needs the current one; the caller stays signed in, others do not."""
    _, headers = await _join(api)
    other = await _sign_in(api)
    for body, field in (
        ({"password": NEW}, "current_password"),
        ({"current_password": PASSWORD}, "password"),
        ({"current_password": "wrong", "password": NEW}, "current_password"),
        ({"current_password": PASSWORD, "password": "short"}, "password"),
    ):
        assert (await api.call(422, "PUT", "/users", {"user": body}, headers=headers))["field"] == field
    change: Any = {"user": {"current_password": PASSWORD, "password": NEW}}
    await api.call(200, "PUT", "/users", change, headers=headers)
    await api.call(200, "GET", "/users/get_user_profile", headers=headers)
    stale = {"authorization": f"auth_token {other['access_token']}"}
    await api.call(401, "GET", "/users/get_user_profile", headers=stale)
    await _sign_in(api, 401)
    await _sign_in(api, password=NEW)


async def test_resetting_the_password(api: Api) -> None:
    """The mailed token works once and for six hours; unknown addresses are answered alike, and get no mail."""
    application, headers = await _join(api)
    for email in ("nobody@a.example", EMAIL):
        body: Any = {"user": {"email": email, "application": application}}
        assert await api.call(200, "POST", "/users/password.json", body) == {}
    (mail,) = api.services.postbox.mails
    assert mail.recipient == EMAIL
    token = api.services.postbox.take_token()
    wrong = {"reset_password_token": token, "password": NEW, "password_confirmation": "other"}
    refused = await api.call(422, "PUT", "/users/password", {"user": wrong})
    assert refused["error"] == "password_confirmation must be the same as password."
    assert refused["errors"] == {"password_confirmation": ["must be the same as password."]}
    fields: dict[str, str] = {"reset_password_token": token, "password": NEW, "password_confirmation": NEW}
    await api.call(422, "PUT", "/users/confirmation", {"confirmation_token": token})
    await api.call(200, "PUT", "/users/password.json", {"user": fields})
    await api.call(422, "PUT", "/users/password.json", {"user": fields})
    await api.call(401, "GET", "/users/get_user_profile", headers=headers)
    await _sign_in(api, password=NEW)
    await api.call(200, "POST", "/users/password", {"user": {"email": EMAIL}})
    api.services.clock.turn(6 * 3600)
    late = fields | {"reset_password_token": api.services.postbox.take_token()}
    assert (await api.call(422, "PUT", "/users/password", late))["field"] == "reset_password_token"


async def test_nobody_is_flooded_with_mail(api: Api) -> None:
    """After five mails in half an hour an address gets no more, and the answer is the same."""
    application, _ = await _join(api)
    for _ in range(7):
        await api.call(200, "POST", "/users/password", {"user": {"email": EMAIL, "application": application}})
    assert len(api.services.postbox.mails) == 5
    api.services.clock.turn(1800)
    await api.call(200, "POST", "/users/password", {"user": {"email": EMAIL, "application": application}})
    assert len(api.services.postbox.mails) == 6


async def test_another_email(api: Api) -> None:
    """It signs out at once; the new address counts once it is confirmed, and the old one is told."""
    _, headers = await _join(api)
    await api.call(422, "PUT", "/users/update_email", {"email": "nonsense"}, headers=headers)
    await api.call(200, "PUT", "/users/update_email.json", {"email": "New@a.example"}, headers=headers)
    await api.call(401, "GET", "/users/get_user_profile", headers=headers)
    notice = api.services.postbox.mails.pop()
    assert (notice.recipient, "new@a.example" in notice.text) == (EMAIL, True)
    await _sign_in(api)
    await _sign_in(api, 401, "new@a.example")
    await api.call(200, "PUT", "/users/confirmation", {"confirmation_token": api.services.postbox.take_token()})
    await _sign_in(api, 401)
    await _sign_in(api, email="new@a.example")


async def test_deletion_takes_everything(api: Api) -> None:
    """Devices lose their owner with an event, tokens and subscriptions end, and the email is free again."""
    application, headers = await _join(api)
    services = api.services
    profile = await api.call(200, "GET", "/users/get_user_profile", headers=headers)
    user = await services.users.authenticate(headers["authorization"].split()[1])
    await services.add_device(OEM, "AC000W000000001", user)
    await services.subscriptions.create(user, mobile(EventType.DATAPOINT))
    services.tail.clear()
    await api.call(200, "DELETE", "/users.json", headers=headers)
    entries = [record.entry for record in services.tail]
    assert [entry.dsn for entry in entries if not isinstance(entry, Control)] == ["AC000W000000001"]
    assert any(isinstance(entry, Control) for entry in entries)
    await api.call(401, "GET", "/users/get_user_profile", headers=headers)
    await _sign_in(api, 401)
    assert (await _sign_up(api, application=application))["uuid"] != profile["uuid"]


async def test_the_last_administrator_stays(api: Api) -> None:
    """An OEM is never left without one; the second may go."""
    first = await api.join(OEM, "one", "OEM::Admin")
    await api.call(409, "DELETE", "/users", headers=first)
    await api.join(OEM, "two", "OEM::Admin")
    await api.call(200, "DELETE", "/users", headers=first)


async def test_who_sees_whom(api: Api) -> None:
    """Oneself; staff everybody of their OEM; everybody else is not there."""
    ana, bob = await api.join(OEM, "ana"), await api.join(OEM, "bob")
    staff, stranger = await api.join(OEM, "sue", "OEM::Staff"), await api.join("bbbbbbbb", "eve", "OEM::Admin")
    own = await api.call(200, "GET", "/users/get_user_profile", headers=ana)
    assert own["origin_oem_name"] == f"OEM {OEM}"
    for headers, status in ((ana, 200), (bob, 404), (staff, 200), (stranger, 404)):
        answer = await api.call(status, "GET", f"/users/{own['uuid']}.json", headers=headers)
        assert status != 200 or answer == own
    await api.call(404, "GET", "/users/nobody", headers=ana)
    await api.call(401, "GET", f"/users/{own['uuid']}")


async def test_who_never_confirms_is_forgotten(api: Api) -> None:
    """After three days the email is free again; who has confirmed stays."""
    application, _ = await _join(api)
    await _sign_up(api, application=application, email="typo@a.example")
    api.services.clock.turn(72 * 3600 + 1)
    assert await api.accounts.expire() == 1
    await _sign_up(api, application=application, email="typo@a.example")
    await _sign_in(api)
