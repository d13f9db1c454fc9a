"""What the operator sets up."""

from __future__ import annotations

import pytest

from tests.services import OPERATOR, PASSWORD, Services, mobile
from twinstream.errors import RequestError
from twinstream.model.event import Change, Control, EventType
from twinstream.model.oem import Retention

HOME = "127.0.0.1"


async def test_an_oem_works_at_once(services: Services) -> None:
    """Its id is given or made up, and its administrators may subscribe to all five types."""
    given = await services.admin.add_oem(OPERATOR, "Lamps", "0DFC7900")
    made_up = await services.admin.add_oem(OPERATOR, "Ovens")
    assert given.id == "0dfc7900"
    assert len(bytes.fromhex(made_up.id)) == 4
    assert sorted(oem.id for oem in await services.admin.list_oems(OPERATOR)) == sorted([given.id, made_up.id])
    admin = await services.add_user(given.id, "admin@a.example", "OEM::Admin")
    rules = await services.access_rules.list(admin)
    assert {rule.terms.subscription_type for rule in rules} == set(EventType)
    with pytest.raises(RequestError) as caught:
        await services.admin.add_oem(OPERATOR, "Lamps", "0dfc7900")
    assert caught.value.code == "conflict"


@pytest.mark.parametrize("oem", ["", "0dfc790", "0dfc79000", "0dfc790g", "٠dfc7900"])
async def test_an_oem_id_is_8_hex_digits(services: Services, oem: str) -> None:
    """Anything else is refused."""
    with pytest.raises(RequestError, match="8 hex digits"):
        await services.admin.add_oem(OPERATOR, "Lamps", oem)


async def test_retention_is_per_oem(services: Services) -> None:
    """Both limits are set together; None is the server's default."""
    await services.add_oem("aaaaaaaa")
    changed = await services.admin.set_retention(OPERATOR, "aaaaaaaa", Retention(3600.0, 1 << 20))
    assert changed.retention == Retention(3600.0, 1 << 20)
    assert (await services.admin.set_retention(OPERATOR, "aaaaaaaa", Retention())).retention == Retention()
    for oem, retention in (
        ("bbbbbbbb", Retention()),
        ("aaaaaaaa", Retention(age_s=0.5)),
        ("aaaaaaaa", Retention(size_bytes=1)),
    ):
        with pytest.raises(RequestError):
            await services.admin.set_retention(OPERATOR, oem, retention)


async def test_an_application_tells_its_secret_once(services: Services) -> None:
    """The secret is in the answer, and only its hash is stored."""
    await services.add_oem("aaaaaaaa")
    made = await services.admin.add_application(OPERATOR, "aaaaaaaa", "Lamp app", "lamp-id")
    assert (made.application.app_id, len(made.app_secret)) == ("lamp-id", 32)
    assert made.application in await services.admin.list_applications(OPERATOR, "aaaaaaaa")
    stored = await services.store.query(lambda view: view.connection.execute("SELECT * FROM application").fetchall())
    assert made.app_secret not in repr(stored)
    with pytest.raises(RequestError) as caught:
        await services.admin.add_application(OPERATOR, "aaaaaaaa", "Lamp app", "lamp-id")
    assert caught.value.code == "conflict"
    with pytest.raises(RequestError) as caught:
        await services.admin.add_application(OPERATOR, "bbbbbbbb", "Lamp app")
    assert caught.value.code == "not_found"


@pytest.mark.parametrize(
    ("email", "password", "role", "field"),
    [
        ("ana", PASSWORD, "EndUser", "email"),
        ("ana@a@b.example", PASSWORD, "EndUser", "email"),
        ("ana@a.example\r\nBcc: x@b.example", PASSWORD, "EndUser", "email"),
        (f"{'a' * 250}@b.example", PASSWORD, "EndUser", "email"),
        ("ana@a.example", "7 chars", "EndUser", "password"),
        ("ana@a.example", "x" * 1025, "EndUser", "password"),
        ("ana@a.example", PASSWORD, "Admin", "role"),
        ("ana@a.example", PASSWORD, "OEM::", "role"),
    ],
)
async def test_users_that_cannot_be(services: Services, email: str, password: str, role: str, field: str) -> None:
    """A malformed email, a short or endless password and an unknown role are refused by name."""
    await services.add_oem("aaaaaaaa")
    with pytest.raises(RequestError) as caught:
        await services.admin.add_user(OPERATOR, "aaaaaaaa", email, password, role)
    assert (caught.value.code, caught.value.field) == ("invalid", field)


async def test_an_email_has_one_form(services: Services) -> None:
    """Case, blanks around it and full-width letters make no second user; another OEM does."""
    for oem in ("aaaaaaaa", "bbbbbbbb"):
        await services.add_oem(oem)
    await services.add_user("aaaaaaaa", "ana@a.example")
    for spelling in ("Ana@A.EXAMPLE", " ana@a.example ", "\uff41na@a.example"):
        with pytest.raises(RequestError) as caught:
            await services.add_user("aaaaaaaa", spelling)
        assert caught.value.code == "conflict"
    await services.add_user("bbbbbbbb", "ana@a.example")
    assert [account.user.email for account in await services.admin.list_users(OPERATOR, "aaaaaaaa")] == [
        "ana@a.example"
    ]


async def test_a_new_password_signs_out(services: Services) -> None:
    """With a new password the old one and all tokens are void."""
    await services.add_oem("aaaaaaaa")
    ana = await services.add_user("aaaaaaaa", "ana@a.example")
    trio = await services.users.sign_in("ana@a.example", PASSWORD, None, HOME)
    await services.users.authenticate(trio.access_token)
    await services.admin.change_user(OPERATOR, ana.uuid, password="battery staple")
    with pytest.raises(RequestError):
        await services.users.authenticate(trio.access_token)
    with pytest.raises(RequestError):
        await services.users.sign_in("ana@a.example", PASSWORD, None, HOME)
    await services.users.sign_in("ana@a.example", "battery staple", None, HOME)
    with pytest.raises(RequestError, match="no such user"):
        await services.admin.change_user(OPERATOR, "nobody", role="EndUser")


async def test_a_deleted_user_is_gone_with_everything(services: Services) -> None:
    """Tokens, shares and subscriptions go with the user; a device has to be unregistered first."""
    await services.add_oem("aaaaaaaa")
    ana = await services.add_user("aaaaaaaa", "ana@a.example")
    trio = await services.users.sign_in("ana@a.example", PASSWORD, None, HOME)
    await services.users.authenticate(trio.access_token)
    made = await services.subscriptions.create(ana, mobile())
    await services.add_device("aaaaaaaa", "ONE", ana)
    with pytest.raises(RequestError) as caught:
        await services.admin.remove_user(OPERATOR, ana.uuid)
    assert caught.value.code == "conflict"
    assert await services.users.authenticate(trio.access_token) == ana
    await services.store.run(lambda work: work.connection.execute("UPDATE device SET user_uuid = NULL").fetchall())
    await services.admin.remove_user(OPERATOR, ana.uuid)
    for attempt in (
        services.users.authenticate(trio.access_token),
        services.users.refresh(trio.refresh_token),
        services.users.get_profile(ana),
        services.subscriptions.open_stream(made.stream_key or ""),
        services.users.sign_in("ana@a.example", PASSWORD, None, HOME),
    ):
        with pytest.raises(RequestError) as caught:
            await attempt
        assert caught.value.status == 401
    assert services.tail[-1].entry == Control(Change.DELETED, (made.subscription.id,))
    with pytest.raises(RequestError):
        await services.admin.remove_user(OPERATOR, ana.uuid)
