"""Limits per minute over HTTP, on a whole server: wrong stream keys of an address, new subscriptions of a user."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.services import OPERATOR, PASSWORD
from twinstream.parts import Parts
from twinstream.process import Stop
from twinstream.settings import Settings

CURRENT = "/api/v1/subscriptions/getCurrentSeq"
ME, YOU = "192.0.2.1", "192.0.2.2"


@asynccontextmanager
async def open_server(folder: Path, **settings: Any) -> AsyncIterator[tuple[Parts, httpx.AsyncClient]]:
    """Open a server's application behind a proxy on this machine, with two users."""
    server = Parts(Settings(data=folder, trusted_proxies=("127.0.0.1",), **settings), Stop())
    try:
        await server.prepare()
        await server.admin.add_oem(OPERATOR, "OEM", "0dfc7900")
        for name in ("ana", "bob"):
            await server.admin.add_user(OPERATOR, "0dfc7900", f"{name}@a.example", PASSWORD, "EndUser")
        transport = httpx.ASGITransport(server.make_app(), client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://server.example") as http:
            yield server, http
    finally:
        await server.flush()
        await server.store.close()


async def try_key(http: httpx.AsyncClient, key: str, address: str | None, *, method: str = "GET") -> int:
    """Show a stream key from an address; answer the status."""
    headers = {} if address is None else {"X-Forwarded-For": address}
    path = CURRENT if method == "GET" else "/stream"
    answer = await http.request(method, path, params={"stream_key": key}, headers=headers)
    if answer.status_code == 429:
        assert answer.json()["request_id"]
        assert 0 < int(answer.headers["retry-after"]) <= 61
    return answer.status_code


async def sign_in(http: httpx.AsyncClient, name: str) -> dict[str, str]:
    """Sign in; answer the header for further requests."""
    body = {"user": {"email": f"{name}@a.example", "password": PASSWORD}}
    answer = await http.post("/users/sign_in", json=body)
    return {"authorization": f"auth_token {answer.json()['access_token']}"}


async def subscribe(http: httpx.AsyncClient, headers: dict[str, str], **changes: Any) -> httpx.Response:
    """Try to make a subscription."""
    body = {"name": "x", "client_type": "mobile", "subscription_type": "datapoint", **changes}
    return await http.post("/api/v1/subscriptions.json", json=body, headers=headers)


async def test_wrong_keys_of_an_address(tmp_path: Path) -> None:
    """After so many the answer is to wait, wherever they are shown; right keys and other addresses go on."""
    async with open_server(tmp_path / "folder", wrong_keys_per_minute=4) as (_, http):
        key = (await subscribe(http, await sign_in(http, "ana"))).json()["subscription"]["stream_key"]
        assert [await try_key(http, key, ME) for _ in range(9)] == [200] * 9
        wrong = [await try_key(http, f"{n:032x}", ME, method=method) for n, method in enumerate(("GET", "DELETE") * 3)]
        assert wrong == [401] * 4 + [429] * 2
        assert [await try_key(http, key, ME), await try_key(http, key, ME, method="DELETE")] == [200, 204]
        assert [await try_key(http, key, YOU), await try_key(http, "0" * 32, YOU)] == [200, 401]


async def test_who_is_not_counted(tmp_path: Path) -> None:
    """The proxy itself, as this machine; nobody, if there is no limit."""
    async with open_server(tmp_path / "one", wrong_keys_per_minute=1) as (_, http):
        assert [await try_key(http, "0" * 32, None) for _ in range(5)] == [401] * 5
    async with open_server(tmp_path / "two", wrong_keys_per_minute=0) as (_, http):
        assert [await try_key(http, "0" * 32, ME) for _ in range(5)] == [401] * 5


async def test_new_subscriptions_of_a_user(tmp_path: Path) -> None:
    """So many a minute, refused ones for their terms not counted; others of the user's go on, and so do others."""
    async with open_server(tmp_path / "folder", subscriptions_per_minute=2) as (_, http):
        ana, bob = await sign_in(http, "ana"), await sign_in(http, "bob")
        assert (await subscribe(http, ana, subscription_type="nonsense")).status_code == 422
        statuses = [(await subscribe(http, ana)).status_code for _ in range(4)]
        assert statuses == [201, 201, 429, 429]
        refused = await subscribe(http, ana)
        assert refused.json()["errors"][0]["code"] == "too_many_requests"
        assert 0 < int(refused.headers["retry-after"]) <= 61
        listed = (await http.get("/api/v1/subscriptions", headers=ana)).json()
        assert len(listed) == 2
        first = listed[0]["subscription"]["id"]
        assert (await http.delete(f"/api/v1/subscriptions/{first}", headers=ana)).status_code == 204
        assert (await subscribe(http, bob)).status_code == 201
