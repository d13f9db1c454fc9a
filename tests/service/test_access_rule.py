"""Access rules: who makes them, and what they change for subscriptions that exist."""

from __future__ import annotations

import pytest

from tests.services import OPERATOR, Services, cloud
from twinstream.errors import RequestError
from twinstream.model.access_rule import RuleTerms
from twinstream.model.event import Change, Control, EventType
from twinstream.model.principal import User
from twinstream.model.subscription import ClientType

STAFF = RuleTerms("OEM::Staff", ClientType.CLOUD, EventType.DATAPOINT)


async def _user(services: Services, role: str, oem: str = "aaaaaaaa") -> User:
    return await services.add_user(oem, f"{role.replace('::', '-')}@x.example", role)


async def test_only_administrators_change_rules_and_only_staff_sees_them(services: Services) -> None:
    """Staff reads the OEM's rules, an end user nothing; only OEM::Admin makes and deletes them."""
    await services.add_oem("aaaaaaaa")
    admin, staff, end_user = [await _user(services, role) for role in ("OEM::Admin", "OEM::Staff", "EndUser")]
    rule = await services.access_rules.create(admin, STAFF)
    assert (rule.oem, rule.terms) == ("aaaaaaaa", STAFF)
    assert await services.access_rules.get(staff, rule.id) == rule
    assert rule in await services.access_rules.list(staff)
    for attempt in (
        services.access_rules.create(staff, STAFF),
        services.access_rules.delete(staff, rule.id),
        services.access_rules.get(end_user, rule.id),
        services.access_rules.list(end_user),
    ):
        with pytest.raises(RequestError) as caught:
            await attempt
        assert caught.value.status == 403


async def test_rules_of_another_oem_are_not_there(services: Services) -> None:
    """An administrator neither sees nor deletes the rules of another OEM, and they grant nothing in the own one."""
    for oem in ("aaaaaaaa", "bbbbbbbb"):
        await services.add_oem(oem)
    admin, other = await _user(services, "OEM::Admin"), await _user(services, "OEM::Admin", "bbbbbbbb")
    rule = await services.access_rules.create(admin, STAFF)
    assert rule.id not in {found.id for found in await services.access_rules.list(other)}
    for attempt in (services.access_rules.get(other, rule.id), services.access_rules.delete(other, rule.id)):
        with pytest.raises(RequestError) as caught:
            await attempt
        assert caught.value.status == 404
    staff = await _user(services, "OEM::Staff", "bbbbbbbb")
    with pytest.raises(RequestError, match="access rule"):
        await services.subscriptions.create(staff, cloud())


async def test_a_rule_narrows_what_is_delivered(services: Services) -> None:
    """A subscription gets what both its terms and a rule name; two rules grant what either does."""
    await services.add_oem("aaaaaaaa")
    admin, staff = await _user(services, "OEM::Admin"), await _user(services, "OEM::Staff")
    for model, name in (("ledevb", "Blue_LED"), ("linuxevb", "Red_LED")):
        terms = RuleTerms("OEM::Staff", ClientType.CLOUD, EventType.DATAPOINT, (model,), (name,))
        await services.access_rules.create(admin, terms)
    made = await services.subscriptions.create(staff, cloud("ledevb"))
    with pytest.raises(RequestError) as caught:
        await services.subscriptions.create(staff, cloud("ledevb", ("Red_LED",)))
    assert caught.value.code == "no_access_rule"
    for dsn, model, name in (
        ("ONE", "ledevb", "Blue_LED"),
        ("TWO", "ledevb", "Red_LED"),
        ("THREE", "linuxevb", "Red_LED"),
    ):
        await services.append("aaaaaaaa", dsn, oem_model=model, property_name=name)
    assert await services.read(made.subscription.id) == ['"dsn":"ONE"}']


async def test_a_change_of_rules_bears_on_subscriptions_from_then_on(services: Services) -> None:
    """Without its rule a subscription gets nothing more, with a new one it gets events again; what it had stays."""
    await services.add_oem("aaaaaaaa")
    admin, staff = await _user(services, "OEM::Admin"), await _user(services, "OEM::Staff")
    rule = await services.access_rules.create(admin, STAFF)
    made = await services.subscriptions.create(staff, cloud())
    untouched = await services.subscriptions.create(admin, cloud())
    await services.append("aaaaaaaa", "ONE")
    await services.access_rules.delete(admin, rule.id)
    await services.append("aaaaaaaa", "TWO")
    await services.access_rules.create(admin, STAFF)
    await services.append("aaaaaaaa", "THREE")
    assert await services.read(made.subscription.id) == ['"dsn":"ONE"}', '"dsn":"THREE"}']
    assert len(await services.read(untouched.subscription.id)) == 3
    controls = [record.entry for record in services.tail if isinstance(record.entry, Control)]
    assert controls == [Control(Change.FILTER, (made.subscription.id,))] * 2


async def test_a_new_role_takes_subscriptions_with_it(services: Services) -> None:
    """From the change of a role on, the rules for the new one bear on the user's subscriptions."""
    await services.add_oem("aaaaaaaa")
    admin = await _user(services, "OEM::Admin")
    made = await services.subscriptions.create(admin, cloud())
    await services.append("aaaaaaaa", "ONE")
    account = await services.admin.change_user(OPERATOR, admin.uuid, role="EndUser")
    await services.append("aaaaaaaa", "TWO")
    assert account.user.role == "EndUser"
    assert await services.read(made.subscription.id) == ['"dsn":"ONE"}']


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        (RuleTerms("EndUser", ClientType.CLOUD, EventType.DATAPOINT), "role"),
        (RuleTerms("Ayla::Admin", ClientType.CLOUD, EventType.DATAPOINT), "role"),
        (RuleTerms("OEM::Staff", ClientType.MOBILE, EventType.DATAPOINT), "client_type"),
    ],
)
async def test_rules_that_cannot_be(services: Services, terms: RuleTerms, field: str) -> None:
    """Rules are for roles of an OEM and for clients in the cloud."""
    await services.add_oem("aaaaaaaa")
    with pytest.raises(RequestError) as caught:
        await services.access_rules.create(await _user(services, "OEM::Admin"), terms)
    assert (caught.value.code, caught.value.field) == ("invalid", field)
