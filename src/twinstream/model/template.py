"""Device templates: the shape of an OEM's model, which is the shape of its devices' twins.

Owns what may stand in one. A template is found by OEM, ``oem_model`` and version; a device that says no version gets
the newest one's shape. Invariant: a template only ever adds to a twin, so no history is lost by a change of it.
"""

from __future__ import annotations

import msgspec

from twinstream.model.check import check_text, must
from twinstream.model.device import RegistrationType
from twinstream.model.property import PropertyPlan, check_plan

PROPERTIES_LIMIT = 1000
"""Most properties of a template."""


class TemplatePlan(msgspec.Struct, frozen=True, kw_only=True):
    """A template to be made. ``name`` None means the model's; ``registration_type`` None: what the device has."""

    oem_model: str
    version: str = "1"
    name: str | None = None
    registration_type: RegistrationType | None = None
    properties: tuple[PropertyPlan, ...] = ()


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """A stored template. Times are seconds since 1970."""

    id: int
    oem: str
    oem_model: str
    version: str
    name: str
    registration_type: RegistrationType | None
    properties: tuple[PropertyPlan, ...]
    created_at: float
    updated_at: float


def check_template(plan: TemplatePlan) -> TemplatePlan:
    """Answer the plan with what it leaves out. Raises RequestError ``invalid``, naming the field."""
    check_text(plan.oem_model, field="oem_model", shortest=1)
    check_text(plan.version, field="version", shortest=1)
    check_text(plan.name or plan.oem_model, field="name", shortest=1)
    if len(plan.properties) > PROPERTIES_LIMIT:
        raise must("properties", f"hold at most {PROPERTIES_LIMIT}")
    properties = tuple(map(check_plan, plan.properties))
    if len({one.name for one in properties}) != len(properties):
        raise must("properties", "name each property once")
    return msgspec.structs.replace(plan, name=plan.name or plan.oem_model, properties=properties)
