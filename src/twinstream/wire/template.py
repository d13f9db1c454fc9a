"""Bodies of device templates, in the operator's API: flat, without wrappers. A request is a `TemplatePlan`."""

from __future__ import annotations

import msgspec

from twinstream.model.property import PropertyPlan
from twinstream.model.template import Template
from twinstream.wire.time import format_time


class TemplateReply(msgspec.Struct, frozen=True):
    """A template."""

    id: int
    oem: str
    oem_model: str
    version: str
    name: str
    registration_type: str | None
    properties: tuple[PropertyPlan, ...]
    created_at: str
    updated_at: str


def show_template(template: Template) -> TemplateReply:
    """Write a template."""
    return TemplateReply(
        id=template.id,
        oem=template.oem,
        oem_model=template.oem_model,
        version=template.version,
        name=template.name,
        registration_type=template.registration_type,
        properties=template.properties,
        created_at=format_time(template.created_at),
        updated_at=format_time(template.updated_at),
    )
