"""``Idempotency-Key``: a datapoint is created once, whichever way the request comes; with the hot layer and without."""

from __future__ import annotations

from typing import Any

import pytest

from tests.twins import DSN
from tests.web.test_datapoint import of
from tests.web.twin_api import TwinApi

LEVEL = f"/apiv1/dsns/{DSN}/properties/level/datapoints"
BATCH = {"batch_datapoints": [{**of(1), "dsn": DSN, "name": "level"}, {**of("x"), "dsn": DSN, "name": "level"}]}
OWN = {"batch_datapoints": [{**of(1), "name": "temperature", "batch_id": 7}]}
KEY = {"Idempotency-Key": "f81d4fae-7dec-11d0"}


@pytest.mark.parametrize(
    ("path", "body", "by_user"),
    [
        (LEVEL, of(1), True),
        ("/apiv1/devices/1/properties/level/datapoints", of(1), True),
        ("/apiv1/properties/2/datapoints", of(1), True),
        ("/apiv1/batch_datapoints", BATCH, True),
        ("/devices/1/properties/temperature/datapoints", of(1), False),
        (f"/dev/v1/dsns/{DSN}/properties/temperature/datapoints", of(1), False),
        (f"/dev/v1/dsns/{DSN}/batch_datapoints", OWN, False),
    ],
)
async def test_a_repeated_request_is_answered_as_the_first(
    twin_api: TwinApi, path: str, body: dict[str, Any], by_user: bool
) -> None:
    """To the byte, hours later, with or without suffix; one event. With another key it is another request."""
    by = "ana" if by_user else twin_api.scene.device
    first = await twin_api.call("POST", path, body, by=by, headers=KEY)
    assert first.is_success, first.text
    twin_api.scene.twins.clock.turn(3600)
    again = await twin_api.call("POST", f"{path}.json", body, by=by, headers=KEY)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert len([one for one in twin_api.scene.twins.bodies() if "datapoint" in one]) == 1
    other = await twin_api.call("POST", path, body, by=by, headers={"Idempotency-Key": "other"})
    assert other.status_code == first.status_code
    assert len([one for one in twin_api.scene.twins.bodies() if "datapoint" in one]) == 2


async def test_a_key_is_the_callers_own(twin_api: TwinApi) -> None:
    """The same key of another caller, or on another path, is another request."""
    for by, path in (("ana", LEVEL), ("cid", LEVEL), ("ana", LEVEL.replace("level", "Blue_LED"))):
        assert (await twin_api.call("POST", path, of(1), by=by, headers=KEY)).status_code == 201
    assert len(twin_api.scene.twins.events()) == 3


async def test_the_same_key_with_another_body_is_409(twin_api: TwinApi) -> None:
    """Nothing is stored; the first answer stays."""
    first = await twin_api.call("POST", LEVEL, of(1), by="ana", headers=KEY)
    refused = await twin_api.call("POST", LEVEL, of(2), by="ana", headers=KEY)
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert (await twin_api.call("POST", LEVEL, of(1), by="ana", headers=KEY)).content == first.content
    assert len(twin_api.scene.twins.events()) == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "\x7f"])
async def test_keys_that_cannot_be(twin_api: TwinApi, key: str) -> None:
    """400, and nothing is stored."""
    answer = await twin_api.call("POST", LEVEL, of(1), by="ana", headers={"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
    assert twin_api.scene.twins.events() == []
