"""Scenarios: what a fleet consists of and what happens to it, as a TOML file says it.

Owns the form of the file, its checks, and the examples that come along; knows no server. Invariant: a scenario that was
read can be simulated: every model has devices and outputs that take values.
"""

from __future__ import annotations

import difflib
import re
import tomllib
import zlib
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from twinstream.errors import RequestError, TwinstreamError
from twinstream.model.property import Direction, PropertyPlan, check_plan
from twinstream.model.value import BaseType, Value, check_value
from twinstream.simulator.model import DeviceModel

MOST_DEVICES = 5_000
"""Most devices of a scenario: each is a connection and a few requests a minute, and one process carries no more."""

LONGEST_S = 86_400.0
SHORTEST_INTERVAL_S = 0.05


class ScenarioError(TwinstreamError):
    """A scenario that cannot be simulated; the text names the file and what is wrong with it."""


class Slot(PropertyPlan, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A property, and between which values it moves; ``words`` are for strings."""

    low: float = 0.0
    high: float = 100.0
    words: tuple[str, ...] = ("on", "off", "idle")


class Model(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A kind of device. A device reports one of its outputs every ``interval_s`` on average, and polls in between."""

    oem_model: str
    devices: int = 1
    interval_s: float = 5.0
    poll_s: float = 2.0
    properties: tuple[Slot, ...] = ()


class Outages(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often a device loses its network, and for how long, on average; ``together``: all of them at once."""

    every_s: float
    lasting_s: float
    together: bool = False


class Users(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often somebody sets an input of some device, on average."""

    interval_s: float


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fleet and what happens to it. ``name`` is that of its file."""

    name: str = ""
    about: str = ""
    seed: int = 1
    models: tuple[Model, ...] = ()
    outages: Outages | None = None
    users: Users | None = None

    @property
    def oem(self) -> str:
        """The id of the OEM that the fleet belongs to: one of its own, by the scenario's name."""
        return f"{zlib.crc32(self.name.encode()):08x}"

    def list_devices(self) -> Iterator[tuple[str, Model]]:
        """Yield every DSN, in order, and what the device is. DSNs are by the scenario's name too."""
        number = 0
        for model in self.models:
            for _ in range(model.devices):
                yield f"AC{zlib.crc32(self.name.encode()) % 10**9:09d}{number:04d}", model
                number += 1


def make_device_model(model: Model) -> DeviceModel:
    """Make what `simulator.device` is built from."""
    plans = {slot.name: slot for slot in model.properties}
    return DeviceModel(oem_model=model.oem_model, module="simulated", sw_version="1.0", properties=plans, answers={})


def list_examples() -> list[Scenario]:
    """Read the scenarios that come along, by name."""
    folder = files("twinstream.simulator") / "scenarios"
    found = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".toml"))
    return [_parse((folder / name).read_text("utf-8"), name.removesuffix(".toml"), name) for name in found]


def load_scenario(place: str) -> Scenario:
    """Read a scenario: the path of a file, or the name of one that comes along.

    Raises:
        ScenarioError: there is none, or it cannot be simulated.
    """
    examples = {scenario.name: scenario for scenario in list_examples()}
    if place in examples and not Path(place).is_file():
        return examples[place]
    try:
        text = Path(place).read_text("utf-8-sig")
    except OSError as error:
        names = ", ".join(examples)
        raise ScenarioError(f"{place}: {error.strerror}; expected a file, or one of {names}") from None
    except UnicodeDecodeError:
        raise ScenarioError(f"{place}: no text in UTF-8; expected TOML") from None
    return _parse(text, Path(place).stem, place)


def _parse(text: str, name: str, place: str) -> Scenario:
    try:
        table = tomllib.loads(text)
        _check_keys(text, table, Scenario, "")
        scenario = msgspec.convert(table, Scenario)
        scenario = msgspec.structs.replace(scenario, name=name)
        _check(scenario)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ScenarioError(f"{place}: {str(error).replace('`', '').replace(' - at $', ' - at ')}") from None
    except RequestError as error:
        raise ScenarioError(f"{place}: {error.message}") from None
    except ValueError as error:
        raise ScenarioError(f"{place}: {error}") from None
    return scenario


_TABLES: Mapping[str, type[msgspec.Struct]] = {"models": Model, "properties": Slot, "outages": Outages, "users": Users}


def _check_keys(text: str, table: Mapping[str, Any], kind: type[msgspec.Struct], place: str) -> None:
    """Find a key that is none of the table's; msgspec would not say where it stands, nor what it might have been."""
    known = [field.encode_name for field in msgspec.structs.fields(kind)]
    for key, value in table.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"expected some of {', '.join(known)}"
            raise ValueError(f"{_find_line(text, key)}{place}{key}: no such key; {hint}")
        for entry in value if isinstance(value, list) else [value]:
            if key in _TABLES and isinstance(entry, dict):
                _check_keys(text, entry, _TABLES[key], f"{place}{key}.")


def _find_line(text: str, key: str) -> str:
    """Say in which line a key stands, if it stands in one only; tomllib keeps no lines."""
    found = list(re.finditer(rf"""^[ \t]*\[*(?:[\w-]+\.)*["']?{re.escape(key)}["']?[ \t]*[=.\]]""", text, re.MULTILINE))
    return f"line {text.count(chr(10), 0, found[0].start()) + 1}: " if len(found) == 1 else ""


def _check(scenario: Scenario) -> None:
    count = sum(model.devices for model in scenario.models)
    if not 1 <= count <= MOST_DEVICES:
        raise ValueError(f"{count} devices; expected 1 to {MOST_DEVICES}, in tables [[models]]")
    _check_unique("models", [model.oem_model for model in scenario.models])
    for model in scenario.models:
        if model.devices < 1 or not model.oem_model:
            raise ValueError("a model without a name (oem_model) or without devices")
        _check_time(f"{model.oem_model}: interval_s", model.interval_s, SHORTEST_INTERVAL_S)
        _check_time(f"{model.oem_model}: poll_s", model.poll_s, SHORTEST_INTERVAL_S)
        _check_unique(f"properties of {model.oem_model}", [slot.name for slot in model.properties])
        if not any(slot.direction is Direction.OUTPUT for slot in model.properties):
            raise ValueError(f'{model.oem_model}: no property with direction = "output", so it has nothing to tell')
        for slot in model.properties:
            _check_slot(model, slot)
    if scenario.outages:
        _check_time("outages.every_s", scenario.outages.every_s, 1.0)
        _check_time("outages.lasting_s", scenario.outages.lasting_s, 0.1)
    if scenario.users:
        _check_time("users.interval_s", scenario.users.interval_s, SHORTEST_INTERVAL_S)
        if not any(slot.direction is Direction.INPUT for model in scenario.models for slot in model.properties):
            raise ValueError('users have nothing to set: no property with direction = "input"')


def _check_slot(model: Model, slot: Slot) -> None:
    check_plan(slot)
    if slot.base_type in (BaseType.FILE, BaseType.MESSAGE):
        raise ValueError(f"{model.oem_model}.{slot.name}: base_type {slot.base_type} is not simulated")
    if slot.low > slot.high:
        raise ValueError(
            f"{model.oem_model}.{slot.name}: low is {slot.low:g} and high is {slot.high:g}; expected low <= high "
            "(unless given they are 0 and 100)"
        )
    if not slot.words:
        raise ValueError(f"{model.oem_model}.{slot.name}: words is empty; expected at least one")
    samples: Sequence[Value] = slot.words if slot.base_type is BaseType.STRING else (slot.low, slot.high)
    if slot.base_type is not BaseType.BOOLEAN:
        for sample in samples:
            check_value(slot.base_type, sample)


def _check_time(field: str, value: float, shortest: float) -> None:
    if not shortest <= value <= LONGEST_S:
        raise ValueError(f"{field} {value:g} cannot be; expected {shortest:g} to {LONGEST_S:g} seconds")


def _check_unique(what: str, names: Sequence[str]) -> None:
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"{what}: {twice[0]!r} is there twice")
