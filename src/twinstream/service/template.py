"""Device templates: what administrators do with them, and how a twin gets its shape from one.

Owns who may: the operator, and the administrators of the OEM. Invariant: shaping a twin adds the properties that are
missing, and changes or removes none.
"""

from __future__ import annotations

from collections.abc import Sequence

from twinstream.errors import RequestError
from twinstream.model.device import Device
from twinstream.model.principal import Operator, User
from twinstream.model.template import Template, TemplatePlan, check_template
from twinstream.model.user import OEM_ADMIN
from twinstream.ports.work import Store, UnitOfWork, View

Administrator = Operator | User


class TemplateService:
    """Use cases of administrators.

    Every method raises RequestError ``not_found`` for an OEM that does not exist or is not the caller's, and
    ``forbidden`` for a user of the OEM who is none of its administrators.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add(self, caller: Administrator, oem: str, plan: TemplatePlan) -> Template:
        """Add a template. Raises RequestError ``invalid``; ``conflict`` if there is one of this model and version."""
        checked = check_template(plan)

        def add(work: UnitOfWork) -> Template:
            _check(work, caller, oem)
            added = work.templates.add(oem, checked)
            if added is None:
                raise RequestError("conflict", "There is a template of this model and version.")
            return added

        return await self._store.run(add)

    async def replace(self, caller: Administrator, oem: str, template_id: int, plan: TemplatePlan) -> Template:
        """Replace a template; devices get what is new in it when they report next.

        Raises:
            RequestError: ``invalid``, ``not_found``; ``conflict`` if another is of this model and version.
        """
        checked = check_template(plan)

        def replace(work: UnitOfWork) -> Template:
            _check(work, caller, oem)
            _found(work.templates.find(oem, template_id))
            replaced = work.templates.replace(oem, template_id, checked)
            if replaced is None:
                raise RequestError("conflict", "There is another template of this model and version.")
            return replaced

        return await self._store.run(replace)

    async def find(self, caller: Administrator, oem: str, template_id: int) -> Template:
        """Find a template."""

        def find(view: View) -> Template:
            _check(view, caller, oem)
            return _found(view.templates.find(oem, template_id))

        return await self._store.query(find)

    async def list_of_oem(self, caller: Administrator, oem: str) -> Sequence[Template]:
        """List an OEM's templates, by id."""

        def read(view: View) -> Sequence[Template]:
            _check(view, caller, oem)
            return view.templates.list_of_oem(oem)

        return await self._store.query(read)

    async def remove(self, caller: Administrator, oem: str, template_id: int) -> None:
        """Delete a template; devices keep their shape."""

        def remove(work: UnitOfWork) -> None:
            _check(work, caller, oem)
            if not work.templates.remove(oem, template_id):
                raise RequestError("not_found")

        await self._store.run(remove)


def shape_twin(
    work: UnitOfWork, device: Device, *, oem_model: str | None = None, version: str | None = None
) -> Sequence[str]:
    """Give a device what its template has and it lacks; answer which properties: none without a template.

    Args:
        work: the unit of work.
        device: which.
        oem_model: the model that the device says it is; its own if there is no template for that.
        version: the version that it says; the newest of the model if there is no such version.
    """
    template = None
    for model in (oem_model, device.oem_model):
        if template is None and model is not None:
            template = version and work.templates.find_for(device.oem, model, version)
            template = template or work.templates.find_for(device.oem, model, None)
    if not template:
        return ()
    added = work.properties.add(device.key, template.properties)
    values: dict[str, object] = {"template_id": template.id, "template_version": template.version}
    values["oem_model"] = template.oem_model
    if template.registration_type is not None and device.user_uuid is None and device.gateway_key is None:
        values["registration_type"] = template.registration_type
    changed = {name: value for name, value in values.items() if value != getattr(device, name)}
    if changed:
        work.devices.change(device.key, **changed)
    return added


def _check(view: View, caller: Administrator, oem: str) -> None:
    if isinstance(caller, Operator):
        if view.oems.find(caller, oem) is None:
            raise RequestError("not_found", "There is no such OEM.")
    elif caller.oem != oem:
        raise RequestError("not_found", "There is no such OEM.")
    elif caller.role != OEM_ADMIN:
        raise RequestError("forbidden", "Templates are the business of the OEM's administrators.")


def _found(template: Template | None) -> Template:
    if template is None:
        raise RequestError("not_found", "There is no such template.")
    return template
