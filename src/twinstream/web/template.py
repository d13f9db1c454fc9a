"""Device templates, `/admin/v1/oems/<oem>/templates`: for the operator and for the OEM's administrators.

The compatible APIs have none for this; it is of our own design, in the form of `web.admin`.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, delete, get, post, put
from litestar.params import FromPath

from twinstream.model.template import TemplatePlan
from twinstream.service.template import Administrator, TemplateService
from twinstream.web.authentication import Given
from twinstream.web.body import read_json
from twinstream.web.openapi import describe_body
from twinstream.wire.body import read_body, read_id
from twinstream.wire.template import TemplateReply, show_template

_TEMPLATES = "/admin/v1/oems/{oem:str}/templates"
_TEMPLATE = f"{_TEMPLATES}/{{template_id:str}}"
_PLAN = describe_body(TemplatePlan)


@post(_TEMPLATES, status_code=201, operation_class=_PLAN, tags=["templates"])
async def create_template(
    oem: FromPath[str],
    request: Request[Any, Any, Any],
    administrator: Given[Administrator],
    templates: Given[TemplateService],
) -> TemplateReply:
    """Add a template: what devices of an ``oem_model`` are made of.

    A device gets its properties when it is made, when it activates, and whenever it reports itself; one that names no
    ``template_version``, or one that there is not, gets those of the newest template of its model. A device that nobody
    has registered takes over the ``registration_type`` too.
    """
    plan = read_body(await read_json(request), TemplatePlan)
    return show_template(await templates.add(administrator, oem, plan))


@get(_TEMPLATES, tags=["templates"])
async def list_templates(
    oem: FromPath[str], administrator: Given[Administrator], templates: Given[TemplateService]
) -> list[TemplateReply]:
    """List an OEM's templates."""
    return [show_template(template) for template in await templates.list_of_oem(administrator, oem)]


@get(_TEMPLATE, tags=["templates"])
async def get_template(
    oem: FromPath[str],
    template_id: FromPath[str],
    administrator: Given[Administrator],
    templates: Given[TemplateService],
) -> TemplateReply:
    """Answer a template."""
    return show_template(await templates.find(administrator, oem, read_id(template_id)))


@put(_TEMPLATE, operation_class=_PLAN, tags=["templates"])
async def replace_template(
    oem: FromPath[str],
    template_id: FromPath[str],
    request: Request[Any, Any, Any],
    administrator: Given[Administrator],
    templates: Given[TemplateService],
) -> TemplateReply:
    """Replace a template. Devices get what is new in it when they report next; what they have stays as it is."""
    plan = read_body(await read_json(request), TemplatePlan)
    return show_template(await templates.replace(administrator, oem, read_id(template_id), plan))


@delete(_TEMPLATE, tags=["templates"])
async def delete_template(
    oem: FromPath[str],
    template_id: FromPath[str],
    administrator: Given[Administrator],
    templates: Given[TemplateService],
) -> None:
    """Delete a template; devices keep their shape."""
    await templates.remove(administrator, oem, read_id(template_id))


ROUTES = [create_template, list_templates, get_template, replace_template, delete_template]
