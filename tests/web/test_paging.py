"""Pages of devices over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.twins import DSN
from tests.web.twin_api import TwinApi


async def fetch(twin_api: TwinApi, query: str, by: str = "ana") -> dict[str, Any]:
    """Fetch a page."""
    answer = await twin_api.call("GET", f"/apiv1/devices.json?paginated=1&{query}", by=by)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


async def list_dsns(twin_api: TwinApi, query: str, by: str = "ana") -> list[str]:
    """The DSNs of a page."""
    return [entry["device"]["dsn"] for entry in (await fetch(twin_api, query, by))["devices"]]


async def test_pages_hold_every_device_once(twin_api: TwinApi) -> None:
    """In the order asked for, whatever is equal by key; devices without the value come last."""
    ana = twin_api.scene.users["ana"]
    for dsn in ("D2", "D3", "D4"):
        await twin_api.scene.twins.make_device(dsn, ana)
    for key, name in ((1, "lamp"), (2, "Bell"), (3, "lamp"), (4, "alarm")):
        await twin_api.call("PUT", f"/apiv1/devices/{key}", {"device": {"product_name": name}}, by="ana")
    page = await fetch(twin_api, "page=2&per_page=3")
    assert [entry["device"]["dsn"] for entry in page.pop("devices")] == ["D3"]
    assert page == {"current_page_number": 2, "per_page": 3, "num_pages": 2, "total": 4}
    assert await list_dsns(twin_api, "") == ["D4", "D2", DSN, "D3"]
    assert await list_dsns(twin_api, "order_by=key&order=desc&per_page=2") == ["D4", "D3"]
    await twin_api.call("GET", f"/dsns/{DSN}", by=twin_api.scene.device)
    assert await list_dsns(twin_api, "order_by=connected_at&order=desc") == [DSN, "D2", "D3", "D4"]
    assert await list_dsns(twin_api, "page=3&per_page=3") == []
    assert await list_dsns(twin_api, f"user_uuid={ana.uuid}", by="bob") == [DSN]
    assert await list_dsns(twin_api, f"user_uuid={twin_api.scene.users['dan'].uuid}", by="bob") == []


@pytest.mark.parametrize(
    "query",
    ["page=0", "page=x", "page=-1", "per_page=0", "per_page=501", "order_by=regtoken", "order=up", "page=1&page=2"],
)
async def test_a_page_that_cannot_be_is_refused(twin_api: TwinApi, query: str) -> None:
    """400, naming the parameter; without ``paginated`` nobody looks at them."""
    answer = await twin_api.call("GET", f"/apiv1/devices?paginated=true&{query}", by="ana")
    assert (answer.status_code, answer.json()["field"]) == (400, query.partition("=")[0])
    if query == "per_page=501":
        assert answer.json()["error"]["message"] == "per_page must be from 1 to 500."
    assert (await twin_api.call("GET", f"/apiv1/devices?{query}&timestamp=1", by="ana")).status_code == 200
