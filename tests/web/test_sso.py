"""Signing in by an identity provider, which here is a real HTTP server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.api import OPERATOR_HEADERS, Api
from twinstream.model.application import ApplicationKey
from twinstream.wire.sso import Signed, write_headers
from twinstream.wire.time import format_time

OEM = "aaaaaaaa"
PATH = "/api/v1/token_sign_in"
USER = {
    "uuid": "idp-7",
    "email": "ana@idp.example",
    "firstname": "Ana",
    "lastname": None,
    "phone": "5",
    "nickname": "a",
}


class Provider:
    """Answers every request with one status and one body; remembers the heads of requests."""

    def __init__(self) -> None:
        self.status = 200
        self.body: Any = {"response": {"status": 1, "message": "ok", "user": USER}}
        self.heads: list[str] = []
        self.url = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        body = json.dumps(self.body).encode()
        writer.write(b"HTTP/1.1 %d X\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % (self.status, len(body)))
        writer.write(body)
        await writer.drain()
        writer.close()


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    """An identity provider on a free port."""
    provider = Provider()
    async with await asyncio.start_server(provider.answer, "127.0.0.1", 0) as server:
        provider.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api/v1/authenticate"
        yield provider


async def _configure(api: Api, provider: Provider) -> ApplicationKey:
    key = await api.services.add_oem(OEM)
    body = {"url": provider.url, "app_secret": key.app_secret}
    path = f"/admin/v1/applications/{key.app_id}/identity_provider"
    await api.call(204, "PUT", path, body, headers=OPERATOR_HEADERS)
    return key


def _of(key: ApplicationKey, token: str = "their-token") -> dict[str, str]:
    return {"token": token, "app_id": key.app_id, "app_secret": key.app_secret}


async def test_a_token_is_exchanged(api: Api, provider: Provider) -> None:
    """As JSON and as a form, whatever the content type; the provider gets a signed request; it is one account."""
    key = await _configure(api, provider)
    profiles = []
    for content, kind in (
        (json.dumps(_of(key)), "application/json"),
        (urlencode(_of(key)), "application/x-www-form-urlencoded"),
        (urlencode(_of(key)), "application/json"),
    ):
        answer = await api.http.post(f"{PATH}.json", content=content, headers={"content-type": kind})
        assert answer.status_code == 200
        trio = answer.json()
        assert (trio["code"], trio["expires_in"], trio["role"], len(trio["refresh_token"])) == (
            "ok",
            86400,
            "EndUser",
            32,
        )
        headers = {"authorization": f"auth_token {trio['access_token']}"}
        profiles.append(await api.call(200, "GET", "/users/get_user_profile", headers=headers))
    assert len({profile["uuid"] for profile in profiles}) == 1
    assert (profiles[0]["email"], profiles[0]["firstname"], profiles[0]["phone"]) == ("ana@idp.example", "Ana", "5")
    assert "GET /api/v1/authenticate?token=their-token HTTP/1.1" in provider.heads[0]
    assert f"Credential={key.app_id}/user/sso/v1" in provider.heads[0]


async def test_what_is_refused(api: Api, provider: Provider) -> None:
    """Unknown tokens 422, wrong applications 404, no JSON wanted 406, a provider that fails 503; with `errors`."""
    key = await _configure(api, provider)
    assert isinstance((await api.call(404, "POST", PATH, _of(key) | {"app_secret": "x"}))["errors"], str)
    await api.call(422, "POST", PATH, {"token": "x"})
    await api.call(406, "POST", PATH, _of(key), headers={"accept": "text/html"})
    assert provider.heads == []
    provider.status = 401
    assert isinstance((await api.call(422, "POST", PATH, _of(key)))["errors"], str)
    provider.status, provider.body = 200, {"response": {"status": 0}}
    await api.call(422, "POST", PATH, _of(key))
    for provider.status, provider.body in ((500, {}), (200, {}), (200, "x" * 70_000)):
        await api.call(503, "POST", PATH, _of(key))


async def test_without_a_provider_it_is_422(api: Api) -> None:
    """The token of nobody we know is worth nothing; Google and Facebook are not asked either."""
    assert isinstance((await api.call(422, "POST", PATH, _of(await api.services.add_oem(OEM))))["errors"], str)
    await api.call(422, "POST", "/users/provider_auth.json", {"code": "x", "provider": "google_provider"})


async def test_a_provider_does_not_get_accounts_with_passwords(api: Api, provider: Provider) -> None:
    """An email that somebody here has already is refused."""
    key = await _configure(api, provider)
    await api.services.add_user(OEM, "ana@idp.example", "OEM::Admin")
    assert (await api.call(422, "POST", PATH, _of(key)))["field"] == "email"


async def test_the_provider_deletes_its_user(api: Api, provider: Provider) -> None:
    """By a request signed just now with the application's secret, and covering the query."""
    key = await _configure(api, provider)
    trio = await api.call(200, "POST", PATH, _of(key))
    headers = {"authorization": f"auth_token {trio['access_token']}"}
    query = (("operation", "DELETE"), ("uuid", "idp-7"))
    now_s = api.services.clock.now_s()
    for secret, at_s, signed_query, status in (
        ("guess", now_s, query, 401),
        (key.app_secret, now_s - 20, query, 401),
        (key.app_secret, now_s, (("operation", "DELETE"), ("uuid", "idp-8")), 401),
        (key.app_secret, now_s, query, 202),
        (key.app_secret, now_s, query, 202),
    ):
        date = format_time(at_s).replace("-", "").replace(":", "")
        signed = Signed("PUT", "/api/v1/ssouser", signed_query, "user.server.example", date)
        signature = write_headers(signed, key.app_id, secret)
        if status == 202:
            await api.call(202, "PUT", f"/api/v1/ssouser.json?{urlencode(query)}", headers=signature)
            await api.call(401, "GET", "/users/get_user_profile", headers=headers)
        else:
            await api.call(status, "PUT", f"/api/v1/ssouser?{urlencode(query)}", headers=signature)
            await api.call(200, "GET", "/users/get_user_profile", headers=headers)
    await api.call(401, "PUT", f"/api/v1/ssouser?{urlencode(query)}")
    stranger = write_headers(Signed("PUT", "/", (), "", "20270115T080000Z"), "nobody", "x")
    await api.call(403, "PUT", f"/api/v1/ssouser?{urlencode(query)}", headers=stranger)
