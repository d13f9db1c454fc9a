"""Reading the history of datapoints over HTTP: lists, pages and spans of time."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.twins import DSN
from tests.web.test_datapoint import LEVEL, of
from tests.web.twin_api import TwinApi

DAY = "2027-01-15"


async def make(twin_api: TwinApi, count: int) -> list[Any]:
    """Set the level 0, 1, ... with ten seconds between, from 08:00:00 on; answer the replies."""
    made = []
    for value in range(count):
        made.append((await twin_api.call("POST", LEVEL, of(value), by="ana")).json())
        twin_api.scene.twins.clock.turn(10)
    return made


async def values(twin_api: TwinApi, query: str) -> list[int]:
    """The values that a list has."""
    answer = await twin_api.call("GET", f"{LEVEL}.json?{query}", by="ana")
    assert answer.status_code == 200, answer.text
    return [entry["datapoint"]["value"] for entry in answer.json()]


async def test_a_list_is_limited_by_time(twin_api: TwinApi) -> None:
    """Both ends are included, to the second; brackets come raw or encoded."""
    await make(twin_api, 5)
    since, end = "filter[created_at_since_date]", "filter[created_at_end_date]"
    assert await values(twin_api, f"{since}={DAY}T08:00:10Z") == [1, 2, 3, 4]
    assert await values(twin_api, f"{since}={DAY}T08:00:10Z&{end}={DAY}T08:00:20Z") == [1, 2]
    assert await values(twin_api, f"filter%5Bcreated_at_end_date%5D={DAY}%2008:00:19&limit=1") == [1]
    assert await values(twin_api, f"{since}={DAY}") == [0, 1, 2, 3, 4]
    assert await values(twin_api, f"{since}=2027/01/16") == []
    for wrong in ("x", "2027-02-30", "2027-01-15T25:00:00Z", "0000-01-01", f"{DAY}T08:00:00+01:00"):
        answer = await twin_api.call("GET", f"{LEVEL}?{since}={wrong}", by="ana")
        assert (answer.status_code, answer.json()["field"]) == (422, since)


async def test_pages_go_forward_and_back(twin_api: TwinApi) -> None:
    """From the oldest on; each names its neighbours and its number."""
    made = await make(twin_api, 5)
    ids = [entry["datapoint"]["id"] for entry in made]

    async def page(query: str) -> tuple[list[int], dict[str, Any]]:
        body = (
            await twin_api.call(
                "GET",
                f"{LEVEL}.json?paginated=true&{query if 'per_page' in query else 'per_page=2&' + query}",
                by="bob",
            )
        ).json()
        return [entry["datapoint"]["value"] for entry in body["datapoints"]], body["meta"]

    assert await page("") == ([0, 1], {"previous_page": None, "next_page": ids[1], "current_page_number": 1})
    forward = f"is_forward_page=true&next={ids[1]}"
    assert await page(forward) == ([2, 3], {"previous_page": ids[2], "next_page": ids[3], "current_page_number": 2})
    last = ([4], {"previous_page": ids[4], "next_page": None, "current_page_number": 3})
    assert await page(f"is_forward_page=true&next={ids[3]}&previous={ids[2]}") == last
    back = f"is_forward_page=false&previous={ids[4]}"
    assert await page(back) == ([2, 3], {"previous_page": ids[2], "next_page": ids[3], "current_page_number": 2})
    assert (await page(f"is_forward_page=false&previous={ids[2]}"))[0] == [0, 1]
    assert (await page(f"next={ids[4]}"))[0] == []
    gone = "00000000-0000-1000-8000-000000000000"
    assert (await page(f"next={gone}"))[0] == [0, 1]
    assert (await page(f"is_forward_page=false&previous={gone}"))[0] == []
    assert len((await page("per_page=100000"))[0]) == 5
    assert (await page(f"filter[created_at_since_date]={DAY}T08:00:20Z"))[1]["current_page_number"] == 1
    for query, field in (
        ("is_forward_page=false", "previous"),
        ("is_forward_page=false&previous=garbage", "previous"),
        ("next=garbage", "next"),
        ("per_page=-1", "per_page"),
        ("per_page=x", "per_page"),
    ):
        answer = await twin_api.call("GET", f"{LEVEL}?paginated=true&{query}", by="ana")
        assert (answer.status_code, answer.json()["field"]) == (400, field)


async def ranges(twin_api: TwinApi, body: Any, path: str = LEVEL, by: str = "ana") -> Any:
    """Ask for the ends of spans, with a body on GET."""
    return await twin_api.call("GET", f"{path}/time_range_filter.json", by=by, content=json.dumps(body).encode())


async def test_spans_of_time_are_asked_for_in_a_body(twin_api: TwinApi) -> None:
    """The first and the last of each, after its start and through its end; the property stands beside them."""
    await make(twin_api, 5)
    wanted = [
        {"time_range_id": 7, "start_time": "2027/01/15 08:00:00", "end_time": "2027/01/15 08:00:30"},
        {"time_range_id": "b", "start_time": "2027/01/15 08:00:30", "end_time": "2027/01/15 08:00:40"},
        {"time_range_id": None, "start_time": "2028/01/01 00:00:00", "end_time": "2029/01/01 00:00:00"},
    ]
    for path in (LEVEL, "/apiv1/devices/1/properties/level/datapoints"):
        answer = await ranges(twin_api, {"time_range_filter": wanted}, path)
        assert answer.json()["property"]["name"] == "level"
        found = [
            (one["time_range_id"], [p["value"] for p in one["datapoints"]]) for one in answer.json()["time_ranges"]
        ]
        assert found == [(7, [1, 3]), ("b", [4]), (None, [])]
    assert (await ranges(twin_api, {"time_range_filter": wanted}, by="eve")).status_code == 404
    assert (await ranges(twin_api, {"time_range_filter": wanted * 34})).status_code == 422


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"time_range_filter": {}},
        {"time_range_filter": [{}]},
        {"time_range_filter": [{"time_range_id": 1, "start_time": "x", "end_time": "y"}]},
    ],
)
async def test_what_is_no_span_is_refused(twin_api: TwinApi, body: Any) -> None:
    """422."""
    assert (await ranges(twin_api, body)).status_code == 422


async def test_a_new_owner_sees_no_earlier_datapoints(twin_api: TwinApi) -> None:
    """Not in a list, a page or a span."""
    await make(twin_api, 3)
    await twin_api.call("DELETE", "/apiv1/devices/1.json", by="ana")
    await twin_api.call("POST", "/apiv1/devices.json", {"device": {"dsn": DSN}}, by="dan")
    await twin_api.call("POST", LEVEL, of(9), by="dan")
    (one,) = (await twin_api.call("GET", LEVEL, by="dan")).json()
    assert one["datapoint"]["value"] == 9
    page = (await twin_api.call("GET", f"{LEVEL}?paginated=true", by="dan")).json()
    assert (page["datapoints"], page["meta"]["current_page_number"]) == ([one], 1)
    body = {"time_range_filter": [{"time_range_id": 1, "start_time": "2020/01/01", "end_time": "2030/01/01"}]}
    answer = await ranges(twin_api, body, by="dan")
    assert answer.json()["time_ranges"][0]["datapoints"] == [one["datapoint"]]
    assert (await twin_api.call("GET", LEVEL, by="ana")).status_code == 404
