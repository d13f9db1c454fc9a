"""Role labels of devices: written by owners, read by whoever sees the device.

Invariants: they let nobody see a device who does not see it anyway, nor find it; they end with the owner's ownership
(`service.registration`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from twinstream.errors import RequestError
from twinstream.model.check import invalid
from twinstream.model.device import DeviceRef, Sight
from twinstream.model.device_role import (
    MOST_DEVICE_ROLES,
    DeviceRole,
    add_label,
    check_device_role,
    remove_label,
)
from twinstream.model.principal import User
from twinstream.ports.work import Store, UnitOfWork, View
from twinstream.service.sight import require_ownership, require_sight


class DeviceRoleService:
    """Use cases of users. A role label of a device that the user does not see is ``not_found``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def list_all(self, user: User, ref: DeviceRef) -> Sequence[DeviceRole]:
        """List a device's, by id. Raises RequestError ``not_found``."""

        def read(view: View) -> Sequence[DeviceRole]:
            return view.device_roles.list_of([require_sight(view, user, ref).device.key])

        return await self._store.query(read)

    async def find(self, user: User, role_id: int) -> DeviceRole:
        """Find one. Raises RequestError ``not_found``."""

        def read(view: View) -> DeviceRole:
            role = view.device_roles.find(role_id)
            if role is None:
                raise RequestError("not_found")
            require_sight(view, user, role.device_key)
            return role

        return await self._store.query(read)

    async def find_devices(self, user: User, role_name: str, label: tuple[str, str] | None) -> Sequence[Sight]:
        """Find those devices, of all that the user sees, that have this role and, unless None, label (key, value)."""

        def read(view: View) -> Sequence[Sight]:
            sights = view.devices.list_visible(user)
            roles = view.device_roles.list_of([sight.device.key for sight in sights])
            keys = {
                role.device_key
                for role in roles
                if role.role_name == role_name and (label is None or role.labels.get(label[0]) == label[1])
            }
            return [sight for sight in sights if sight.device.key in keys]

        return await self._store.query(read)

    async def create(self, user: User, ref: DeviceRef, role_name: str, description: str) -> DeviceRole:
        """Say that a role has to do with a device of the user's own.

        Raises:
            RequestError: ``invalid``, also for the 33rd; ``conflict`` for a role that is there; ``not_found``;
                ``forbidden`` for the holder of a share.
        """
        check_device_role(role_name, description)

        def add(work: UnitOfWork) -> DeviceRole:
            key = require_ownership(work, user, ref).key
            present = work.device_roles.list_of([key])
            if len(present) >= MOST_DEVICE_ROLES and role_name not in {role.role_name for role in present}:
                raise invalid("role_name", f"is one too many: there are at most {MOST_DEVICE_ROLES}")
            return work.device_roles.add(key, role_name, description)

        return await self._store.run(add)

    async def associate(self, user: User, ref: DeviceRef, role_name: str, label: tuple[str, str]) -> DeviceRole:
        """Give a role of the user's own device a label, in place of one with the same key.

        Raises RequestError ``invalid``; ``not_found``; ``forbidden`` for the holder of a share.
        """
        return await self._label(user, ref, role_name, lambda role: add_label(role.labels, *label))

    async def disassociate(self, user: User, ref: DeviceRef, role_name: str, label: tuple[str, str]) -> DeviceRole:
        """Take a label from a role of the user's own device.

        Raises RequestError ``not_found``, also if the label has another value; ``forbidden`` for the holder of a share.
        """
        return await self._label(user, ref, role_name, lambda role: remove_label(role.labels, *label))

    async def change(self, user: User, role_id: int, role_name: str | None, description: str | None) -> DeviceRole:
        """Give one, of the user's own device, another name or description; None stays. Labels stay.

        Raises RequestError ``invalid``; ``conflict``; ``not_found``; ``forbidden`` for the holder of a share.
        """

        def change(work: UnitOfWork) -> DeviceRole:
            role = _require_own(work, user, role_id)
            changed = msgspec.structs.replace(
                role,
                role_name=role.role_name if role_name is None else role_name,
                description=role.description if description is None else description,
            )
            check_device_role(changed.role_name, changed.description)
            return _change(work, changed)

        return await self._store.run(change)

    async def delete(self, user: User, name: int | str) -> None:
        """Delete one of the user's own device, by id, or by name if the user's devices have only one of this name.

        Raises RequestError ``not_found``; ``conflict`` if there are several; ``forbidden`` for the holder of a share.
        """

        def remove(work: UnitOfWork) -> None:
            role_id = name if isinstance(name, int) else _find_by_name(work, user, name)
            work.device_roles.remove(_require_own(work, user, role_id).id)

        await self._store.run(remove)

    async def _label(
        self, user: User, ref: DeviceRef, role_name: str, make: Callable[[DeviceRole], Mapping[str, str]]
    ) -> DeviceRole:
        def change(work: UnitOfWork) -> DeviceRole:
            key = require_ownership(work, user, ref).key
            for role in work.device_roles.list_of([key]):
                if role.role_name == role_name:
                    return _change(work, msgspec.structs.replace(role, labels=make(role)))
            raise RequestError("not_found", "The device has no role label with this role_name.")

        return await self._store.run(change)


def _find_by_name(view: View, user: User, role_name: str) -> int:
    own = [sight.device.key for sight in view.devices.list_visible(user) if sight.grant is None]
    ids = [role.id for role in view.device_roles.list_of(own) if role.role_name == role_name]
    if not ids:
        raise RequestError("not_found")
    if len(ids) > 1:
        raise RequestError("conflict", "Several of your devices have a role label with this name; say its id.")
    return ids[0]


def _require_own(view: View, user: User, role_id: int) -> DeviceRole:
    role = view.device_roles.find(role_id)
    if role is None:
        raise RequestError("not_found")
    require_ownership(view, user, role.device_key)
    return role


def _change(work: UnitOfWork, role: DeviceRole) -> DeviceRole:
    return work.device_roles.change(role.id, role.role_name, role.description, role.labels) or role
