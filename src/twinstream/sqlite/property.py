"""Properties in SQLite: the table `property`."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from twinstream.model import principal
from twinstream.model.device import DeviceRef
from twinstream.model.property import Property, PropertyPlan, PropertyRef
from twinstream.ports.command import NewValue
from twinstream.sqlite.device import VISIBLE, bind_user, encode, name_column
from twinstream.sqlite.repository import Repository
from twinstream.sqlite.structure import write_object


class Properties(Repository):
    """See `ports.property.Properties`."""

    def add(self, device_key: int, plans: Sequence[PropertyPlan]) -> Sequence[str]:
        """Give a device properties."""
        return [name for (name,) in self._run(_ADD, {"device_key": device_key, "plans": encode(plans)})]

    def list_inputs(self, device_key: int) -> Sequence[NewValue]:
        """List the present values of a device's inputs."""
        (row,) = self._run(
            f"""SELECT json_group_array({_INPUT} ORDER BY property.key) FROM property
            WHERE property.device_key = ? AND property.direction = 'input' AND property.datapoint_id IS NOT NULL
                AND property.base_type NOT IN ('file', 'message')""",
            (device_key,),
        )
        return _INPUTS.decode(row[0])

    def find_visible(self, user: principal.User, ref: PropertyRef) -> Property | None:
        """Find a property that the user may see."""
        row = self._first(
            f"""SELECT {_OBJECT} FROM {VISIBLE} AS visible JOIN device USING (key)
                JOIN property ON property.device_key = device.key WHERE {match_property(ref)} AND {SHOWN}""",
            {**bind_user(user), **bind_property(ref), "now_s": self._now_s},
        )
        return None if row is None else _PROPERTY.decode(row[0])

    def list_visible(
        self, user: principal.User, device: DeviceRef, names: Sequence[str] | None
    ) -> Sequence[Property] | None:
        """List a device's properties that the user may see."""
        row = self._first(
            f"""SELECT (
                SELECT json_group_array({_OBJECT} ORDER BY property.name) FROM property
                WHERE property.device_key = device.key AND {SHOWN}
                    AND (:names IS NULL OR property.name IN (SELECT value FROM json_each(:names)))
            ) FROM {VISIBLE} AS visible JOIN device USING (key) WHERE device.{name_column(device)} = :device""",
            {
                **bind_user(user),
                "device": device,
                "names": None if names is None else encode(names),
                "now_s": self._now_s,
            },
        )
        return None if row is None else _PROPERTIES.decode(row[0])


def match_property(ref: PropertyRef) -> str:
    """Write the condition that a joined row of `device` and `property` is the one referred to; see `bind_property`."""
    device, _ = ref
    if device is None:
        return "property.key = :property"
    return f"device.{name_column(device)} = :device AND property.name = :property"


def bind_property(ref: PropertyRef) -> dict[str, object]:
    """Answer the values that `match_property` asks for."""
    return {"device": ref[0], "property": ref[1]}


_DEFAULTS = {
    "display_name": "plan.value ->> 'name'",
    "read_only": "plan.value ->> 'direction' = 'output'",
}
"""What a plan that says nothing of it means (see `model.property.check_plan`)."""

SHOWN = """(property.denied_roles = '[]' OR :role NOT IN (SELECT value FROM json_each(property.denied_roles)))"""
"""The condition that whoever has the role ``:role`` sees the property; `bind_user` answers the value."""

_ADD = f"""
    INSERT INTO property (device_key, {", ".join(PropertyPlan.__struct_fields__)})
    SELECT :device_key, {
    ", ".join(
        f"plan.value ->> '{name}'" if name not in _DEFAULTS else f"coalesce(plan.value ->> '{name}', {_DEFAULTS[name]})"
        for name in PropertyPlan.__struct_fields__
    )
}
    FROM json_each(:plans) AS plan WHERE true ON CONFLICT (device_key, name) DO NOTHING RETURNING name"""

_OBJECT = write_object(
    Property,
    "property",
    value="json(property.value)",
    denied_roles="json(property.denied_roles)",
    product_name="device.product_name",
)
_INPUT = write_object(NewValue, "property", property_key="property.key", value="json(property.value)")
_INPUTS = msgspec.json.Decoder(list[NewValue])
_PROPERTY = msgspec.json.Decoder(Property)
_PROPERTIES = msgspec.json.Decoder(list[Property])
