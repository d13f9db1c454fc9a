"""What comes later, and is empty until then: schedules, triggers, notifications, groups."""

from __future__ import annotations

from typing import Any

import pytest

from tests.twins import DSN
from tests.web.twin_api import TwinApi

OF_DEVICE: list[tuple[str, Any]] = [
    ("/apiv1/devices/1/schedules", []),
    ("/apiv1/devices/1/notifications", []),
    ("/apiv1/devices/1/notifications/all", {"notification": []}),
    (f"/apiv1/dsns/{DSN}/properties/level/triggers", []),
    (f"/apiv1/dsns/{DSN}/properties/level/triggers/all", []),
    ("/apiv1/properties/1/triggers", []),
]
OF_USER = ["/apiv1/schedules/all/by_user", "/apiv1/triggers/all/by_user", "/apiv1/groups"]


@pytest.mark.parametrize(("path", "empty"), OF_DEVICE)
async def test_lists_of_a_device_are_empty(twin_api: TwinApi, path: str, empty: Any) -> None:
    """In the envelope that clients expect, for who may see the device."""
    for suffix in ("", ".json"):
        answer = await twin_api.call("GET", path + suffix, by="bob")
        assert (answer.status_code, answer.json()) == (200, empty)
        assert (await twin_api.call("GET", path + suffix, by="dan")).status_code == 404
    assert (await twin_api.call("GET", path)).status_code == 401


@pytest.mark.parametrize("path", OF_USER)
async def test_lists_of_a_user_are_empty(twin_api: TwinApi, path: str) -> None:
    """For whoever is signed in."""
    answer = await twin_api.call("GET", f"{path}.json", by="dan")
    assert (answer.status_code, answer.json()) == (200, [])
    assert (await twin_api.call("GET", path)).status_code == 401
