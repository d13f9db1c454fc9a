"""The history of connections over HTTP."""

from __future__ import annotations

import pytest

from tests.twins import DSN, PRESENCE_TIMEOUT_S
from tests.web.twin_api import TwinApi
from twinstream.model.registration import Claim

PATH = f"/apiv1/dsns/{DSN}/connection_history"


async def come_and_go(twin_api: TwinApi, times: int = 1) -> None:
    """Let the device talk, and then be silent for too long."""
    twins = twin_api.scene.twins
    for _ in range(times):
        twins.clock.turn(1)
        await twin_api.call("GET", f"/dsns/{DSN}.json", by=twin_api.scene.device)
        twins.clock.turn(PRESENCE_TIMEOUT_S + 1)
        await twins.presence.tick()


async def test_comings_and_goings_are_listed(twin_api: TwinApi) -> None:
    """The newest first, page by page, for whoever sees the device; since it has its owner."""
    await come_and_go(twin_api, 2)
    listed = [entry["connection"] for entry in (await twin_api.call("GET", f"{PATH}.json", by="bob")).json()]
    assert [entry["status"] for entry in listed] == ["Offline", "Online"] * 2
    assert listed[-1]["event_time"] == "2027-01-15T08:00:01Z"
    page = await twin_api.call("GET", f"{PATH}?limit=2&before={listed[1]['id']}", by="ana")
    assert [entry["connection"] for entry in page.json()] == listed[2:]
    by_key = await twin_api.call("GET", "/apiv1/devices/1/connection_history", by="ana")
    assert [entry["connection"] for entry in by_key.json()] == listed
    for name in ("dan", "eve"):
        assert (await twin_api.call("GET", PATH, by=name)).status_code == 404
    for query in ("limit=x", "before=-1", "limit=1&limit=2"):
        assert (await twin_api.call("GET", f"{PATH}?{query}", by="ana")).status_code == 400
    twins, users = twin_api.scene.twins, twin_api.scene.users
    await twins.registrations.unregister(users["ana"], DSN)
    twins.clock.turn(1)
    await twins.registrations.register(users["dan"], Claim(DSN, None, None, None))
    assert (await twin_api.call("GET", PATH, by="dan")).json() == []


async def test_the_history_is_bounded(twin_api: TwinApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the newest changes of each device are kept."""
    monkeypatch.setattr("twinstream.sqlite.connection.KEPT", 3)
    await come_and_go(twin_api, 3)
    assert len((await twin_api.call("GET", PATH, by="ana")).json()) == 3
