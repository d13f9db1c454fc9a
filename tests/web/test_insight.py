"""How far a stream is, all at a glance, and why an event did not come."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import Api
from tests.services import OPERATOR
from twinstream.model.filter import Filter
from twinstream.model.subscription import Gap
from twinstream.ports.log import Cursor

PATH = "/api/v1/subscriptions"
CLOUD = {
    "name": "lamps",
    "oem_model": "ledevb",
    "property_name": "Blue_LED",
    "client_type": "cloud",
    "subscription_type": "datapoint",
}


async def _subscribe(api: Api, headers: dict[str, str], **terms: Any) -> int:
    body = {"client_type": "mobile", "subscription_type": "datapoint", **terms}
    made = await api.call(201, "POST", PATH, body, headers=headers)
    return int(made["subscription"]["id"])


async def _user(api: Api, name: str) -> Any:
    found = await api.services.admin.list_users(OPERATOR, "aaaaaaaa")
    return next(user.user for user in found if user.user.email.startswith(name))


async def test_a_new_subscription_has_nothing_to_lose(api: Api) -> None:
    """No events, no sockets, no gaps."""
    ana = await api.join("aaaaaaaa", "ana")
    status = (await api.call(200, "GET", f"{PATH}/{await _subscribe(api, ana)}/status.json", headers=ana))["status"]
    assert status == {
        "newest_seq": "0",
        "oldest_seq": "1",
        "acknowledged_seq": "0",
        "lag": 0,
        "unread_since": None,
        "loss_in_s": None,
        "gaps": 0,
        "is_suspended": False,
        "sessions": [],
    }


async def test_lag_and_time_to_loss_grow_from_the_acknowledged_event(api: Api) -> None:
    """Retention (an hour here) reaches the first event behind it; an acknowledgement that waits to be stored counts."""
    ana = await api.join("aaaaaaaa", "ana")
    subscription, user = await _subscribe(api, ana), await _user(api, "ana")
    for _ in range(3):
        await api.services.append("aaaaaaaa", "ONE", [user])
        await api.services.append("aaaaaaaa", "TWO")
        api.services.clock.turn(100)
    await api.services.subscriptions.record_gaps([Gap(subscription, 1, 2)])
    status = (await api.call(200, "GET", f"{PATH}/{subscription}/status", headers=ana))["status"]
    assert (status["newest_seq"], status["acknowledged_seq"], status["lag"], status["gaps"]) == ("3", "0", 3, 1)
    assert status["loss_in_s"] == pytest.approx(3300)
    first_two = await api.services.store.query(
        lambda view: view.insights.list_events(
            user, "aaaaaaaa", "ONE", shown=Filter("aaaaaaaa", None, None, {}), type=None, property_name=None, limit=9
        )
    )
    api.services.hub.report_acknowledgement(subscription, Cursor(first_two[1].position, 2))
    status = (await api.call(200, "GET", f"{PATH}/{subscription}/status", headers=ana))["status"]
    assert (status["acknowledged_seq"], status["lag"]) == ("2", 1)
    assert status["loss_in_s"] == pytest.approx(3500)


async def test_why_tells_the_number_or_what_stopped_the_event(api: Api) -> None:
    """Across a change of the subscription: each event is judged by what held when it happened."""
    staff = await api.join("aaaaaaaa", "sue", role="OEM::Admin")
    await api.services.append("aaaaaaaa", "ONE")
    subscription = await _subscribe(api, staff, **CLOUD)
    await api.services.append("aaaaaaaa", "ONE")
    await api.services.append("aaaaaaaa", "ONE", property_name="Red_LED")
    await api.call(200, "PUT", f"{PATH}/{subscription}", {"property_name": "Red_LED"}, headers=staff)
    await api.services.append("aaaaaaaa", "ONE", property_name="Red_LED")
    await api.services.append("aaaaaaaa", "ONE", oem_model="other")
    answer = await api.call(200, "GET", f"{PATH}/{subscription}/why.json?dsn=ONE", headers=staff)
    told = [
        (verdict["seq"], verdict["delivery"], [o["test"] for o in verdict["objections"]], verdict["text"])
        for verdict in answer["verdicts"]
    ]
    assert told == [
        (
            None,
            None,
            ["oem_model", "property_name"],
            "The model of its device, other, is none of those subscribed to or"
            " allowed: ledevb. Its property, Blue_LED, is none of those subscribed to or allowed: Red_LED.",
        ),
        ("2", "waiting", [], "It is number 2, and waits for a socket that reads it."),
        (None, None, ["property_name"], "Its property, Red_LED, is none of those subscribed to or allowed: Blue_LED."),
        ("1", "waiting", [], "It is number 1, and waits for a socket that reads it."),
        (None, None, [], "It happened before the subscription was made."),
    ]
    picked = await api.call(
        200,
        "GET",
        f"{PATH}/{subscription}/why?dsn=ONE&property_name=Red_LED&event_type=datapoint&limit=1",
        headers=staff,
    )
    assert [verdict["seq"] for verdict in picked["verdicts"]] == ["2"]
    assert picked["verdicts"][0]["event"] == {"dsn": "ONE"}


async def test_why_tells_nobody_of_events_that_were_not_theirs(api: Api) -> None:
    """A user hears of events that it could read, staff of those of the own OEM; all else is as if it never happened."""
    ana, bob = [await api.join("aaaaaaaa", name) for name in ("ana", "bob")]
    other = await api.join("bbbbbbbb", "eve", role="OEM::Admin")
    await api.services.append("aaaaaaaa", "ONE", [await _user(api, "ana")])
    for headers, count in ((ana, 1), (bob, 0), (other, 0)):
        subscription = await _subscribe(api, headers)
        answer = await api.call(200, "GET", f"{PATH}/{subscription}/why?dsn=ONE", headers=headers)
        assert (len(answer["verdicts"]), bool(answer["note"])) == (count, not count)
        for stranger in {"a": ana, "b": bob, "o": other}.values():
            if stranger is not headers:
                for question in ("why?dsn=ONE", "status"):
                    await api.call(404, "GET", f"{PATH}/{subscription}/{question}", headers=stranger)


async def test_why_tells_a_role_of_what_its_access_rules_grant(api: Api) -> None:
    """Staff learn no more of people's devices here than from a stream; administrators, who write the rules, of all."""
    admin = await api.join("aaaaaaaa", "sue", role="OEM::Admin")
    dealer = await api.join("aaaaaaaa", "dan", role="OEM::Company::Dealer")
    for name in ("Blue_LED", "Red_LED"):
        await api.services.append("aaaaaaaa", "ONE", property_name=name)
        await api.services.append("aaaaaaaa", "ONE", property_name=name, oem_model="other")

    async def ask(headers: dict[str, str]) -> list[tuple[str, str]]:
        subscription = await _subscribe(api, headers)
        answer = await api.call(200, "GET", f"{PATH}/{subscription}/why?dsn=ONE", headers=headers)
        return [(verdict["oem_model"], verdict["property_name"]) for verdict in answer["verdicts"]]

    assert (await ask(dealer), len(await ask(admin))) == ([], 4)
    rule = {
        "client_type": "cloud",
        "oem_model": "ledevb",
        "property_name": "Red_LED,Green_LED",
        "role": "OEM::Company::Dealer",
        "subscription_type": "datapoint",
    }
    await api.call(201, "POST", "/api/v1/oemAccessRules", {"OemAccessRule": rule}, headers=admin)
    assert await ask(dealer) == [("ledevb", "Red_LED")]
    await api.services.append("aaaaaaaa", "ONE", [await _user(api, "dan")])
    assert await ask(dealer) == [("ledevb", "Blue_LED"), ("ledevb", "Red_LED")]


@pytest.mark.parametrize(
    "query", ["", "dsn=", "dsn=A&event_type=data", "dsn=A&limit=0", "dsn=A&limit=101", "dsn=A&limit=x"]
)
async def test_bad_questions_are_refused(api: Api, query: str) -> None:
    """With 4xx and the name of the parameter."""
    ana = await api.join("aaaaaaaa", "ana")
    answer = await api.http.get(f"{PATH}/{await _subscribe(api, ana)}/why?{query}", headers=ana)
    assert answer.status_code in (400, 422), answer.text


async def test_the_overview_is_of_the_oem_for_its_administrators_and_of_the_own_for_others(api: Api) -> None:
    """Devices, the rate of events and cloud subscriptions of the OEM, the one first that loses events first."""
    ana = await api.join("aaaaaaaa", "ana")
    staff = await api.join("aaaaaaaa", "sue", role="OEM::Admin")
    await api.join("bbbbbbbb", "eve")
    dealer = await api.join("aaaaaaaa", "dee", role="OEM::Acme::Dealer")
    user = await _user(api, "ana")
    await api.services.add_device("aaaaaaaa", "ONE", user)
    await api.services.add_device("aaaaaaaa", "TWO", None)
    await api.services.add_device("bbbbbbbb", "THREE", None)
    own = await _subscribe(api, ana)
    idle = await _subscribe(api, staff, **{**CLOUD, "name": "idle", "property_name": "none"})
    slow = await _subscribe(api, staff, **CLOUD)
    await api.services.append("aaaaaaaa", "ONE", [user], times=50)
    api.services.clock.turn(5)
    overview = (await api.call(200, "GET", "/api/v1/overview", headers=staff))["overview"]
    assert (overview["scope"], overview["devices"], overview["events_per_s"]) == ("oem", {"total": 2, "online": 0}, 5.0)
    assert [one["id"] for one in overview["subscriptions"]] == [slow, idle]
    assert overview["subscriptions"][0]["standing"]["lag"] == 50
    overview = (await api.call(200, "GET", "/api/v1/overview.json", headers=ana))["overview"]
    assert (overview["scope"], overview["devices"], overview["events_per_s"]) == (
        "user",
        {"total": 1, "online": 0},
        None,
    )
    assert [one["id"] for one in overview["subscriptions"]] == [own]
    overview = (await api.call(200, "GET", "/api/v1/overview", headers=dealer))["overview"]
    assert (overview["scope"], overview["devices"]["total"], overview["subscriptions"]) == ("user", 0, [])
    api.services.clock.turn(60)
    overview = (await api.call(200, "GET", "/api/v1/overview", headers=staff))["overview"]
    assert overview["events_per_s"] == 0.0
