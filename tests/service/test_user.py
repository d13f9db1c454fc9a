"""Signing in, refreshing and signing out."""

from __future__ import annotations

import asyncio

import pytest

from tests.services import OPERATOR, PASSWORD, Services
from twinstream.errors import RequestError
from twinstream.model.application import ApplicationKey
from twinstream.model.token import TokenTrio
from twinstream.service.user import IDLE_S

HOME = "127.0.0.1"


async def _refuse(services: Services, email: str, password: str, *, source: str = HOME) -> RequestError:
    with pytest.raises(RequestError) as caught:
        await services.users.sign_in(email, password, None, source)
    return caught.value


async def _sign_in(services: Services, email: str = "ana@a.example", *, source: str = HOME) -> TokenTrio:
    return await services.users.sign_in(email, PASSWORD, None, source)


async def _is_in_force(services: Services, access_token: str) -> bool:
    try:
        await services.users.authenticate(access_token)
    except RequestError as error:
        return error.code != "unauthorized"
    return True


async def test_sign_in_gives_a_token_trio_for_a_day(services: Services) -> None:
    """The tokens are 32 hex digits each, live 86,400 s, and come with the role."""
    application = await services.add_oem("aaaaaaaa")
    ana = await services.add_user("aaaaaaaa", "ana@a.example", "OEM::Staff")
    trio = await services.users.sign_in(" Ana@A.Example ", PASSWORD, application, HOME)
    assert (trio.expires_in_s, trio.role, len(trio.access_token), len(trio.refresh_token)) == (
        86_400,
        "OEM::Staff",
        32,
        32,
    )
    assert await services.users.authenticate(trio.access_token) == ana
    assert (await services.users.get_profile(ana)).user == ana
    services.clock.turn(86_400)
    assert not await _is_in_force(services, trio.access_token)


async def test_wrong_applications_are_told_from_wrong_users(services: Services) -> None:
    """A wrong application is 404 whoever signs in; a wrong user is 401."""
    application = await services.add_oem("aaaaaaaa")
    await services.add_user("aaaaaaaa", "ana@a.example")
    for wrong in (ApplicationKey(application.app_id, "guess"), ApplicationKey("guess", application.app_secret)):
        with pytest.raises(RequestError) as caught:
            await services.users.sign_in("ana@a.example", PASSWORD, wrong, HOME)
        assert (caught.value.code, caught.value.status) == ("bad_application", 404)
    unknown = await _refuse(services, "nobody@a.example", PASSWORD)
    wrong_password = await _refuse(services, "ana@a.example", "wrong")
    assert (
        (unknown.status, unknown.message) == (wrong_password.status, wrong_password.message) == (401, unknown.message)
    )


async def test_an_application_decides_the_oem(services: Services) -> None:
    """The same email in two OEMs is two users; without an application nobody can say which."""
    applications = {oem: await services.add_oem(oem) for oem in ("aaaaaaaa", "bbbbbbbb")}
    for oem, application in applications.items():
        user = await services.add_user(oem, "ana@a.example")
        trio = await services.users.sign_in("ana@a.example", PASSWORD, application, HOME)
        assert await services.users.authenticate(trio.access_token) == user
    assert (await _refuse(services, "ana@a.example", PASSWORD)).code == "bad_sign_in"


async def test_refresh_replaces_both_tokens(services: Services) -> None:
    """After a refresh the old access token opens nothing, and the new pair works."""
    await services.add_oem("aaaaaaaa")
    await services.add_user("aaaaaaaa", "ana@a.example")
    old = await _sign_in(services)
    assert await _is_in_force(services, old.access_token)
    new = await services.users.refresh(old.refresh_token)
    assert {new.access_token, new.refresh_token}.isdisjoint({old.access_token, old.refresh_token})
    assert not await _is_in_force(services, old.access_token)
    assert await _is_in_force(services, new.access_token)


async def test_a_used_refresh_token_revokes_its_family(services: Services) -> None:
    """Who shows a refresh token a second time loses all that grew out of that sign-in, and nothing else."""
    await services.add_oem("aaaaaaaa")
    await services.add_user("aaaaaaaa", "ana@a.example")
    stolen, other = await _sign_in(services), await _sign_in(services)
    newest = await services.users.refresh((await services.users.refresh(stolen.refresh_token)).refresh_token)
    assert await _is_in_force(services, newest.access_token)
    for _ in range(2):
        with pytest.raises(RequestError, match="unknown, expired or used"):
            await services.users.refresh(stolen.refresh_token)
    assert not await _is_in_force(services, newest.access_token)
    with pytest.raises(RequestError):
        await services.users.refresh(newest.refresh_token)
    assert await _is_in_force(services, other.access_token)


async def test_a_refresh_without_an_answer_may_be_repeated(services: Services) -> None:
    """Within a minute, however often, while nobody uses what was not answered: only the last pair is in force."""
    await services.add_oem("aaaaaaaa")
    await services.add_user("aaaaaaaa", "ana@a.example")
    first = await _sign_in(services)
    services.clock.turn(100)
    assert await _is_in_force(services, first.access_token)
    trios = []
    for _ in range(3):
        trios.append(await services.users.refresh(first.refresh_token))
        services.clock.turn(20)
    *lost, got = trios
    assert [await _is_in_force(services, trio.access_token) for trio in lost] == [False, False]
    assert await _is_in_force(services, got.access_token)
    next_ = await services.users.refresh(got.refresh_token)
    assert await _is_in_force(services, next_.access_token)


@pytest.mark.parametrize("case", ["used", "late", "refreshed", "lost pair"])
async def test_a_refresh_token_is_repeated_in_vain(services: Services, case: str) -> None:
    """It ends the family once its answer has arrived, or after a minute; so does the refresh token of a lost answer."""
    await services.add_oem("aaaaaaaa")
    await services.add_user("aaaaaaaa", "ana@a.example")
    first = await _sign_in(services)
    services.clock.turn(100)
    newest = await services.users.refresh(first.refresh_token)
    again = first
    if case == "used":
        assert await _is_in_force(services, newest.access_token)
    elif case == "late":
        services.clock.turn(61)
    elif case == "refreshed":
        services.clock.turn(1)
        newest = await services.users.refresh(newest.refresh_token)
    else:
        again, newest = newest, await services.users.refresh(first.refresh_token)
    with pytest.raises(RequestError, match="unknown, expired or used"):
        await services.users.refresh(again.refresh_token)
    assert not await _is_in_force(services, newest.access_token)


async def test_an_idle_refresh_token_is_void(services: Services) -> None:
    """A refresh token lives 90 days from when it was made, and is then forgotten."""
    await services.add_oem("aaaaaaaa")
    await services.add_user("aaaaaaaa", "ana@a.example")
    trio, idle = await _sign_in(services), await _sign_in(services)
    services.clock.turn(IDLE_S - 1)
    trio = await services.users.refresh(trio.refresh_token)
    services.clock.turn(1)
    with pytest.raises(RequestError, match="expired"):
        await services.users.refresh(idle.refresh_token)
    assert await _is_in_force(services, trio.access_token)
    services.clock.turn(IDLE_S + 1)
    assert await services.users.expire() == 2  # the pair that was refreshed, and its successor
    with pytest.raises(RequestError, match="unknown"):
        await services.users.refresh(trio.refresh_token)


async def test_sign_out_revokes_the_family(services: Services) -> None:
    """After a sign-out neither token works, however often it is repeated; other sign-ins stay."""
    await services.add_oem("aaaaaaaa")
    await services.add_user("aaaaaaaa", "ana@a.example")
    first, other = await _sign_in(services), await _sign_in(services)
    assert await _is_in_force(services, first.access_token)
    for _ in range(2):
        await services.users.sign_out(first.access_token)
    assert not await _is_in_force(services, first.access_token)
    with pytest.raises(RequestError):
        await services.users.refresh(first.refresh_token)
    assert await _is_in_force(services, other.access_token)


@pytest.mark.parametrize("token", ["", "x", "\ud800", "é" * 100, "0" * 100_000])
async def test_odd_tokens_are_unauthorized(services: Services, token: str) -> None:
    """Whatever is shown as an access token is looked up or refused, and never an error of the server."""
    assert not await _is_in_force(services, token)


async def test_tokens_are_stored_as_hashes(services: Services, tmp_path: object) -> None:
    """Nothing that opens anything stands in the database."""
    await services.add_oem("aaaaaaaa")
    await services.add_user("aaaaaaaa", "ana@a.example")
    trio = await _sign_in(services)

    def dump(view: object) -> str:
        rows = view.connection.execute("SELECT * FROM token JOIN user ON user.id = token.user_id")  # type: ignore[attr-defined]
        return repr(rows.fetchall())

    stored = await services.store.query(dump)
    assert "argon2id$v=19$m=19456,t=2,p=1$" in stored
    assert not any(secret in stored for secret in (trio.access_token, trio.refresh_token, PASSWORD))


async def test_a_verified_token_costs_no_query(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second request with a token asks the store nothing."""
    await services.add_oem("aaaaaaaa")
    ana = await services.add_user("aaaaaaaa", "ana@a.example")
    trio = await _sign_in(services)
    assert await services.users.authenticate(trio.access_token) == ana

    async def refuse(question: object) -> None:
        raise AssertionError("asked")

    monkeypatch.setattr(services.store, "query", refuse)
    assert await services.users.authenticate(trio.access_token) == ana


async def test_five_failures_lock_the_account_for_this_source(services: Services) -> None:
    """After five wrong passwords in a row the right one is refused too, for 30 minutes, from there and only there."""
    await services.add_oem("aaaaaaaa")
    await services.add_user("aaaaaaaa", "ana@a.example")
    for _ in range(5):
        assert (await _refuse(services, "ana@a.example", "wrong")).code == "bad_sign_in"
    locked = await _refuse(services, "ANA@a.example", PASSWORD)
    assert (locked.code, locked.status) == ("locked", 401)
    assert locked.retry_after_s is not None
    assert 1790 < locked.retry_after_s <= 1801
    await _sign_in(services, source="192.0.2.7")
    services.clock.turn(30 * 60)
    await _sign_in(services)


async def test_accounts_that_do_not_exist_are_locked_too(services: Services) -> None:
    """A lock tells nobody whether there is such an account."""
    for _ in range(5):
        assert (await _refuse(services, "nobody@a.example", "wrong")).code == "bad_sign_in"
    assert (await _refuse(services, "nobody@a.example", "wrong")).code == "locked"


async def test_many_guesses_at_once_are_no_more_than_a_few(services: Services) -> None:
    """Guesses made at the same time are counted like guesses one after the other."""
    await services.add_oem("aaaaaaaa")
    await services.add_user("aaaaaaaa", "ana@a.example")
    codes = [
        error.code for error in await asyncio.gather(*(_refuse(services, "ana@a.example", f"{n}") for n in range(20)))
    ]
    assert codes.count("bad_sign_in") <= 6
    assert set(codes) == {"bad_sign_in", "locked"}


async def test_right_passwords_at_once_all_succeed(services: Services) -> None:
    """Twenty devices of one user that start together are all signed in."""
    await services.add_oem("aaaaaaaa")
    await services.add_user("aaaaaaaa", "ana@a.example")
    trios = await asyncio.gather(*(_sign_in(services) for _ in range(20)))
    assert len({trio.access_token for trio in trios}) == 20


async def test_an_endless_password_is_not_hashed(services: Services) -> None:
    """A password beyond 1,024 bytes is refused for its length."""
    assert (await _refuse(services, "ana@a.example", "é" * 513)).code == "invalid"


async def test_a_user_deleted_while_signing_in_gets_no_token(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the comparison of the password and the token the account can go; then there is no token."""
    await services.add_oem("aaaaaaaa")
    ana = await services.add_user("aaaaaaaa", "ana@a.example")
    verify = services.passwords.verify

    async def verify_and_delete(*args: object, **options: object) -> bool:
        right = await verify(*args, **options)  # type: ignore[arg-type]
        await services.admin.remove_user(OPERATOR, ana.uuid)
        return right

    monkeypatch.setattr(services.passwords, "verify", verify_and_delete)
    assert (await _refuse(services, "ana@a.example", PASSWORD)).code == "bad_sign_in"
