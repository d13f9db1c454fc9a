"""What happens in a scenario, and when: all of it is decided by the seed, before anything happens.

Pure: no clock, no network. Invariant: the same scenario with the same seed gives every device the same values at the
same times, whatever the server does and however many other devices there are. Times are seconds from the beginning.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from twinstream.model.property import Direction
from twinstream.model.value import BaseType, Value
from twinstream.simulator.scenario import Model, Outages, Scenario, Slot

STEP_SHARE = 0.1
"""A number moves by at most this share of its range from one datapoint to the next."""


class Setting(NamedTuple):
    """A value that a device measures, or that a user sets."""

    at_s: float
    dsn: str
    name: str
    value: Value


def plan_reports(model: Model, dsn: str, seed: int) -> Iterator[Setting]:
    """Yield what a device measures, for ever, in the order of time."""
    random = _seed(f"{seed} reports {dsn}")
    outputs = [slot for slot in model.properties if slot.direction is Direction.OUTPUT]
    values: dict[str, Value] = {}
    at_s = 0.0
    while True:
        at_s += random.expovariate(1 / model.interval_s)
        slot = random.choice(outputs)
        values[slot.name] = _move(slot, values.get(slot.name), random)
        yield Setting(at_s, dsn, slot.name, values[slot.name])


def plan_outages(outages: Outages, dsn: str, seed: int) -> Iterator[tuple[float, float]]:
    """Yield from when until when a device is out of reach, for ever."""
    random = _seed(f"{seed} outages {'all' if outages.together else dsn}")
    at_s = 0.0
    while True:
        begins_s = at_s + random.expovariate(1 / outages.every_s)
        at_s = begins_s + random.expovariate(1 / outages.lasting_s)
        yield begins_s, at_s


def plan_users(scenario: Scenario, seed: int) -> Iterator[Setting]:
    """Yield what users set, for ever; nothing if the scenario has none."""
    if scenario.users is None:
        return
    random = _seed(f"{seed} users")
    inputs = [
        (dsn, slot)
        for dsn, model in scenario.list_devices()
        for slot in model.properties
        if slot.direction is Direction.INPUT
    ]
    at_s = 0.0
    while True:
        at_s += random.expovariate(1 / scenario.users.interval_s)
        dsn, slot = random.choice(inputs)
        yield Setting(at_s, dsn, slot.name, _move(slot, None, random))


def _seed(text: str) -> Random:
    return Random(text)  # noqa: S311 - Why: the same text shall give the same fleet; nothing here is secret


def _move(slot: Slot, before: Value | None, random: Random) -> Value:
    """Choose a value; a number is near the one before."""
    if slot.base_type is BaseType.BOOLEAN:
        return random.randint(0, 1)
    if slot.base_type is BaseType.STRING:
        return random.choice(slot.words)
    if isinstance(before, (int, float)):
        reach = (slot.high - slot.low) * STEP_SHARE
        number = min(slot.high, max(slot.low, before + random.uniform(-reach, reach)))
    else:
        number = random.uniform(slot.low, slot.high)
    return round(number) if slot.base_type is BaseType.INTEGER else round(number, 2)
