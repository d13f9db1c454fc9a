"""What questions about the log cost."""

from __future__ import annotations

from typing import Any

import pytest

from tests.services import Services, mobile
from twinstream.model.principal import Operator
from twinstream.service.numbering import Numbers
from twinstream.sqlite.insight import Insights

OEM = "aaaaaaaa"


async def test_a_devices_events_come_in_order_from_its_own_index(services: Services) -> None:
    """Reading the newest few neither sorts nor reads the log of the OEM."""
    await services.add_oem(OEM)
    plans: list[str] = []

    def explain(view: Any) -> None:
        run = view.insights._run

        def note(sql: str, values: Any) -> list[Any]:
            plans.extend(str(row[3]) for row in run(f"EXPLAIN QUERY PLAN {sql}", values))
            return []

        view.insights._run = note
        view.insights.list_events(Operator(), OEM, "ONE", shown=None, type=None, property_name=None, limit=1)

    await services.store.query(explain)
    assert plans[0] == "SEARCH event USING INDEX event_dsn (dsn=?)"
    assert not [plan for plan in plans if "B-TREE" in plan]


async def test_many_verdicts_count_the_log_once(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each number is counted from the one before it, not from the beginning."""
    await services.add_oem(OEM)
    ana = await services.add_user(OEM, "ana@x.example")
    subscription = (await services.subscriptions.create(ana, mobile())).subscription.id
    await services.append(OEM, "ONE", [ana], times=50)
    counted: list[int] = []
    count = Insights._count_matches

    def note(self: Insights, filter_text: str, after: int, through: int) -> int:
        counted.append(through - after)
        return count(self, filter_text, after, through)

    monkeypatch.setattr(Insights, "_count_matches", note)
    verdicts = await services.insights.explain(ana, subscription, "ONE", limit=40)
    assert [verdict.seq for verdict in verdicts] == list(range(50, 10, -1))
    assert sum(counted) <= services.log.head


async def test_nothing_is_looked_for_behind_the_newest_number(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A subscription that matches nothing, or has everything acknowledged, costs no look through the log for unread."""
    await services.add_oem(OEM)
    ana = await services.add_user(OEM, "ana@x.example")
    subscription = (await services.subscriptions.create(ana, mobile())).subscription.id
    await services.append(OEM, "ONE", times=5)
    assert await services.numbering.count(subscription) == Numbers(0, 1)

    async def look(*_: object) -> None:
        raise AssertionError("looked for unread events")

    monkeypatch.setattr(services.insights, "_find_unread", look)
    standing = await services.insights.describe(ana, subscription)
    assert (standing.lag, standing.unread_since, standing.loss_in_s) == (0, None, None)
