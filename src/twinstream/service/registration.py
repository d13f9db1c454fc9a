"""Registration: a device gets an owner, loses one, or changes from one to another.

Owns what each of these takes with it. Invariants: each is one transaction with its events, one for losing and one for
getting an owner; what is left behind for the next owner is the device's own state, not what the one before did with
it: shares, what waits for the device, and its place are gone, and earlier datapoints are not shown.
"""

from __future__ import annotations

from twinstream.errors import RequestError
from twinstream.model.device import Device, DeviceRef
from twinstream.model.principal import User
from twinstream.model.registration import Claim, check_claim
from twinstream.ports.work import Store, UnitOfWork
from twinstream.service.authentication import DeviceAuthentication
from twinstream.service.command import Deliveries
from twinstream.service.event import make_registration_event, make_unregistration_event


class RegistrationService:
    """Use cases of users who bind devices to themselves, and let them go."""

    def __init__(self, store: Store, deliveries: Deliveries, authentication: DeviceAuthentication) -> None:
        self._store = store
        self._deliveries = deliveries
        self._authentication = authentication

    async def register(self, user: User, claim: Claim) -> Device:
        """Make the user the owner of the device that the claim is about; a device that is theirs already stays so.

        Raises:
            RequestError: ``not_found`` if there is no such device in the user's OEM, or the claim does not entitle to
            it.
        """
        device: Device = await self._store.run(lambda work: self._register(work, user, claim))
        self._authentication.forget(device.key)
        return device

    async def unregister(self, user: User, ref: DeviceRef) -> None:
        """Leave a device without an owner. Raises RequestError ``not_found``; ``forbidden`` if it is only shared."""
        key: int = await self._store.run(lambda work: self._unregister(work, user, ref))
        self._authentication.forget(key)

    def _register(self, work: UnitOfWork, user: User, claim: Claim) -> Device:
        found = None
        if claim.dsn is not None:
            found = work.devices.find(claim.dsn)
        elif claim.regtoken is not None:
            found = work.devices.find_by_regtoken(user.oem, claim.regtoken)
        if found is not None and found.oem != user.oem:
            found = None
        device = check_claim(found, claim, user.uuid, work.now_s)
        if device.user_uuid == user.uuid:
            return device
        if device.user_uuid is not None:
            self._release(work, device)
        work.devices.change(
            device.key,
            user_uuid=user.uuid,
            registered_at=work.now_s,
            regtoken=None,
            setup_token=None,
            setup_token_at=None,
        )
        work.log.append(make_registration_event(device, user.uuid, work.now_s))
        self._inform(work, device, status=1)
        return work.devices.find(device.key) or device

    def _unregister(self, work: UnitOfWork, user: User, ref: DeviceRef) -> int:
        sight = work.devices.find_visible(user, ref)
        if sight is None:
            raise RequestError("not_found")
        if sight.grant is not None:
            raise RequestError("forbidden", "Only its owner can unregister a device.")
        self._release(work, sight.device)
        self._inform(work, sight.device, status=0)
        return sight.device.key

    def _release(self, work: UnitOfWork, device: Device) -> None:
        audience = work.devices.find_audiences([device.key])[device.key]
        work.log.append(make_unregistration_event(device, audience, work.now_s))
        work.shares.end_all(device.dsn)
        work.commands.remove_all(device.key)
        work.device_data.remove_all(device.key)
        work.devices.change(device.key, user_uuid=None, registered_at=None, lat=None, lng=None)

    def _inform(self, work: UnitOfWork, device: Device, *, status: int) -> None:
        """Tell the device: status 1, it has an owner; 0, it has none (ayla-facts 4.2)."""
        body = f'{{"registration":{{"status":{status}}}}}'
        work.commands.add_command(device.key, "PUT", "registration.json", "/cmd_post_process.json", body)
        self._deliveries.expect(device.key)
