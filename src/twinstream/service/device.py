"""Devices: what users do with theirs, what a device says of itself, and how the operator makes one.

Owns these use cases; where a device is, whose it is and whether it talks have services of their own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TypedDict, Unpack

import msgspec

from twinstream.errors import RequestError
from twinstream.model.check import check_text
from twinstream.model.device import Device, DeviceRef, RegistrationType, Report, Sight, check_dsn
from twinstream.model.location import Provider
from twinstream.model.principal import Device as DevicePrincipal
from twinstream.model.principal import Operator, User
from twinstream.model.property import PropertyPlan, check_plan
from twinstream.model.registration import find_network
from twinstream.ports.device import NewDevice
from twinstream.ports.ids import NewId
from twinstream.ports.seal import Sealer
from twinstream.ports.work import Store, UnitOfWork
from twinstream.service.device_key import make_private_key, read_public_key
from twinstream.service.location import move_device
from twinstream.service.presence import PresenceService
from twinstream.service.template import shape_twin

REGTOKEN_LENGTH = 6
"""Source: ayla-facts 3.3."""


class Attributes(TypedDict, total=False):
    """What `DeviceService.add` takes by name."""

    model: str
    product_name: str | None
    registration_type: RegistrationType
    properties: Sequence[PropertyPlan]


class Added(msgspec.Struct, frozen=True):
    """A device that the operator asked for: whether it is new, and the names of the properties that are."""

    device: Device
    is_new: bool
    added_properties: Sequence[str]


class Provisioned(Added, frozen=True):
    """And the public key (PEM) that it is to hold."""

    public_key: str


class DeviceService:
    """Use cases of users, devices and the operator."""

    def __init__(
        self,
        store: Store,
        new_id: NewId,
        sealer: Sealer,
        presence: PresenceService,
    ) -> None:
        self._store = store
        self._new_id = new_id
        self._sealer = sealer
        self._presence = presence

    # Users

    async def list_devices(self, user: User) -> Sequence[Sight]:
        """List the devices that the user may see, by key."""
        sights: Sequence[Sight] = await self._store.query(lambda view: view.devices.list_visible(user))
        return sights

    async def find(self, user: User, ref: DeviceRef) -> Sight:
        """Find a device that the user may see. Raises RequestError ``not_found``."""
        sight: Sight | None = await self._store.query(lambda view: view.devices.find_visible(user, ref))
        if sight is None:
            raise RequestError("not_found")
        return sight

    async def rename(self, user: User, ref: DeviceRef, product_name: str) -> Sight:
        """Give the user's own device another name.

        Raises:
            RequestError: ``invalid``, ``not_found``, ``forbidden`` for the holder of a share.
        """
        check_text(product_name, field="product_name", shortest=1)

        def store(work: UnitOfWork) -> Sight:
            sight = work.devices.find_visible(user, ref)
            if sight is None:
                raise RequestError("not_found")
            if sight.grant is not None:
                raise RequestError("forbidden", "Only its owner can rename a device.")
            work.devices.change(sight.device.key, product_name=product_name)
            return work.devices.find_visible(user, ref) or sight

        renamed: Sight = await self._store.run(store)
        return renamed

    def last_talk_s(self, key: int) -> float | None:
        """Answer when the device last talked, in seconds since 1970; None: not since the server started."""
        return self._presence.last_talk_s(key)

    # Devices

    async def introduce(self, device: DevicePrincipal, ip: str | None, *, activate: bool = True) -> Device:
        """Answer a device that comes with what it is to know; the first time this activates it.

        It gets a new registration token each time. ``ip`` is the address it comes from.
        """

        def store(work: UnitOfWork) -> Device:
            found = _find_own(work, device)
            values: dict[str, object] = {}
            if activate and found.activated_at is None:
                values["activated_at"] = work.now_s
                shape_twin(work, found)
            if ip is not None and ip != found.ip:
                values |= {"ip": ip, "network": find_network(ip)}
            values |= {"regtoken": self._new_id.code(REGTOKEN_LENGTH), "regtoken_at": work.now_s}
            return _change(work, found, values)

        return await self._store.run(store)

    async def report(self, device: DevicePrincipal, report: Report, ip: str | None) -> Device:
        """Store what the device says of itself. Its owner's name for it stays.

        Its twin gets what its template has and it lacks (`service.template`). A place tells where its address is on the
        Internet: it becomes an ``ip-based`` location event. The server looks no address up.

        Raises:
            RequestError: ``forbidden`` if it says that it is another OEM's.
        """

        def store(work: UnitOfWork) -> Device:
            found = _find_own(work, device)
            if report.oem is not None and report.oem.lower() != found.oem:
                raise RequestError("forbidden", "The device belongs to another OEM.")
            shape_twin(work, found, oem_model=report.oem_model, version=report.template_version)
            found = _find_own(work, device)
            values: dict[str, object] = {
                "ip": ip or found.ip,
                "network": find_network(ip or found.ip),
                **report.attributes,
            }
            if found.user_uuid is not None or not values.get("product_name"):
                values.pop("product_name", None)
            if report.setup_token is not None:
                values |= {"setup_token": report.setup_token, "setup_token_at": work.now_s}
            changed = _change(
                work, found, {name: value for name, value in values.items() if value != getattr(found, name)}
            )
            if report.place is not None:
                move_device(work, changed, report.place, Provider.IP_BASED)
            return changed

        return await self._store.run(store)

    # The operator

    async def add(
        self,
        operator: Operator,
        oem: str,
        dsn: str,
        oem_model: str,
        *,
        model: str = "",
        product_name: str | None = None,
        registration_type: RegistrationType = RegistrationType.DSN,
        properties: Sequence[PropertyPlan] = (),
    ) -> Added:
        """Make a device with its properties, but without a key pair. Run again, it adds only what is missing.

        Raises:
            RequestError: ``invalid``; ``not_found`` for an unknown OEM; ``conflict`` if another OEM, or another model,
            has the DSN.
        """
        check_dsn(check_text(dsn, field="dsn"))
        check_text(oem_model, field="oem_model", shortest=1)
        check_text(product_name or dsn, field="product_name", shortest=1)
        plans = [check_plan(plan) for plan in properties]
        new = NewDevice(
            dsn=dsn,
            oem=oem,
            oem_model=oem_model,
            model=model,
            product_name=product_name or dsn,
            registration_type=registration_type,
        )
        return await self._store.run(lambda work: _add(work, operator, new, plans))

    async def provision(
        self, operator: Operator, oem: str, dsn: str, oem_model: str, **attributes: Unpack[Attributes]
    ) -> Provisioned:
        """Make a device as `add` does, and the key pair that it proves itself with, if it has none yet."""
        added = await self.add(operator, oem, dsn, oem_model, **attributes)
        device = added.device
        sealed = await self._find_key(dsn)
        if sealed is None:
            made = self._sealer.seal(await asyncio.to_thread(make_private_key))
            await self._store.run(lambda work: work.devices.store_private_key(device.key, made))
            sealed = await self._find_key(dsn) or made
        kept = sealed
        public_key = await asyncio.to_thread(lambda: read_public_key(self._sealer.unseal(kept)))
        return Provisioned(device, added.is_new, added.added_properties, public_key)

    async def list_of_oem(self, operator: Operator, oem: str) -> Sequence[Device]:
        """List an OEM's devices, by key."""
        devices: Sequence[Device] = await self._store.query(lambda view: view.devices.list_of_oem(operator, oem))
        return devices

    async def _find_key(self, dsn: str) -> str | None:
        found: tuple[DevicePrincipal, str] | None = await self._store.query(
            lambda view: view.devices.find_private_key(dsn)
        )
        return None if found is None else found[1]


def _find_own(work: UnitOfWork, device: DevicePrincipal) -> Device:
    found = work.devices.find(device.key)
    if found is None:
        raise RequestError("not_found")
    return found


def _change(work: UnitOfWork, device: Device, values: Mapping[str, object]) -> Device:
    if not values:
        return device
    work.devices.change(device.key, **values)
    return work.devices.find(device.key) or device


def _add(work: UnitOfWork, operator: Operator, new: NewDevice, properties: Sequence[PropertyPlan]) -> Added:
    if new.oem not in [oem.id for oem in work.oems.list_all(operator)]:
        raise RequestError("not_found", "There is no such OEM.")
    is_new = work.devices.find(new.dsn) is None
    if is_new:
        work.devices.add(new)
    device = work.devices.find(new.dsn)
    if device is None or (device.oem, device.oem_model) != (new.oem, new.oem_model):
        raise RequestError("conflict", "There is a device of another kind with this DSN.")
    added_properties = [*work.properties.add(device.key, properties), *shape_twin(work, device)]
    return Added(work.devices.find(new.dsn) or device, is_new, added_properties)
