"""The models of the example devices: what they are made of, and how they answer.

Owns the table; the server learns of it from their templates, the simulated devices are built from it.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from twinstream.model.property import Direction, PropertyPlan
from twinstream.model.value import BaseType, Value


class DeviceModel(msgspec.Struct, frozen=True):
    """A kind of device. ``module`` is the communication module in it, ``sw_version`` what runs there.

    ``properties`` are by name. ``answers``: an input property, and the output in which the device repeats what it
    was set to.
    """

    oem_model: str
    module: str
    sw_version: str
    properties: Mapping[str, PropertyPlan]
    answers: Mapping[str, str]


def zero_value(base_type: BaseType) -> Value:
    """Return what a property of a new device holds."""
    return "" if base_type is BaseType.STRING else 0


def _plan(*plans: PropertyPlan) -> Mapping[str, PropertyPlan]:
    return {plan.name: plan for plan in plans}


def _input(name: str, base_type: BaseType = BaseType.BOOLEAN, *, ack_enabled: bool = False) -> PropertyPlan:
    return PropertyPlan(name=name, base_type=base_type, direction=Direction.INPUT, ack_enabled=ack_enabled)


def _output(name: str, base_type: BaseType = BaseType.BOOLEAN, *, mime_type: str | None = None) -> PropertyPlan:
    return PropertyPlan(name=name, base_type=base_type, direction=Direction.OUTPUT, mime_type=mime_type)


LEDEVB = DeviceModel(
    oem_model="ledevb",
    module="AY008ESP1",
    sw_version="demo 1.0",
    properties=_plan(_input("Green_LED"), _input("Red_LED"), _output("Black_button")),
    answers={},
)
"""The board of the documents' picture: a green LED, a red LED, and a black button."""

LINUXEVB = DeviceModel(
    oem_model="linuxevb",
    module="AYL-linux",
    sw_version="demo 1.0",
    properties=_plan(
        _input("Blue_LED", ack_enabled=True),
        _input("input", BaseType.INTEGER),
        _output("output", BaseType.INTEGER),
        _input("decimal_in", BaseType.DECIMAL),
        _output("decimal_out", BaseType.DECIMAL),
        _input("cmd", BaseType.STRING),
        _output("log", BaseType.STRING),
        _output("log_file", BaseType.FILE),
        _output("report", BaseType.MESSAGE, mime_type="application/json"),
    ),
    answers={"input": "output", "decimal_in": "decimal_out", "cmd": "log"},
)
"""A blue LED whose setting is acknowledged, a pair of properties of each other plain type, a file and a message."""
