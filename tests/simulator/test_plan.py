"""What happens in a scenario: decided by the seed alone."""

from __future__ import annotations

from itertools import islice

import pytest

from twinstream.model.property import Direction
from twinstream.model.value import check_value
from twinstream.simulator.plan import plan_outages, plan_reports, plan_users
from twinstream.simulator.scenario import Outages, Scenario, list_examples, load_scenario


def history(scenario: Scenario, seed: int) -> list[object]:
    """The beginning of everything that happens."""
    devices = list(scenario.list_devices())[:5]
    reports = [list(islice(plan_reports(model, dsn, seed), 20)) for dsn, model in devices]
    outages = scenario.outages and [list(islice(plan_outages(scenario.outages, dsn, seed), 5)) for dsn, _ in devices]
    return [reports, outages, list(islice(plan_users(scenario, seed), 20))]


@pytest.mark.parametrize("scenario", list_examples(), ids=lambda one: one.name)
def test_the_same_seed_gives_the_same_fleet(scenario: Scenario) -> None:
    """The same values of the same devices at the same times; another seed gives others."""
    assert history(scenario, 7) == history(scenario, 7)
    assert history(scenario, 7) != history(scenario, 8)


@pytest.mark.parametrize("scenario", list_examples(), ids=lambda one: one.name)
def test_values_are_the_propertys(scenario: Scenario) -> None:
    """Devices tell outputs, users set inputs, in the order of time, with values that the server takes as they are."""
    slots = {(dsn, slot.name): slot for dsn, model in scenario.list_devices() for slot in model.properties}
    for dsn, model in scenario.list_devices():
        reports = list(islice(plan_reports(model, dsn, 1), 30))
        assert [one.at_s for one in reports] == sorted(one.at_s for one in reports)
        for one in reports:
            slot = slots[one.dsn, one.name]
            assert slot.direction is Direction.OUTPUT
            assert check_value(slot.base_type, one.value) == one.value
    for one in islice(plan_users(scenario, 1), 30):
        assert slots[one.dsn, one.name].direction is Direction.INPUT


def test_rates_are_those_of_the_scenario() -> None:
    """Over many datapoints the mean time between two is what the scenario says."""
    (dsn, model), *_ = load_scenario("household").list_devices()
    (last,) = islice(plan_reports(model, dsn, 1), 1999, 2000)
    assert last.at_s / 2000 == pytest.approx(model.interval_s, rel=0.1)


def test_outages_follow_one_another() -> None:
    """A device is back before it is gone again; together means that all are gone at the same time."""
    outages = list(islice(plan_outages(Outages(10, 5), "A", 1), 50))
    times = [time for outage in outages for time in outage]
    assert times == sorted(times)
    assert outages != list(islice(plan_outages(Outages(10, 5), "B", 1), 50))
    together = Outages(10, 5, together=True)
    assert list(islice(plan_outages(together, "A", 1), 9)) == list(islice(plan_outages(together, "B", 1), 9))
