"""Registration: a device gets an owner, loses one, or changes from one to another.

Owns what each of these takes with it. Invariants: each is one transaction with its events, one for losing and one for
getting an owner; what is left behind for the next owner is the device's own state, not what the one before did with
it: shares, metadata, role labels, what waits for the device, its place and address are gone, and earlier datapoints
are not shown. A gateway that loses its owner takes its nodes along.
"""

from __future__ import annotations

from twinstream.errors import RequestError
from twinstream.model.check import must
from twinstream.model.device import Device, DeviceRef, RegistrationType
from twinstream.model.location import Place, Provider
from twinstream.model.principal import User
from twinstream.model.registration import BUTTON_WINDOW_S, Claim, check_claim, find_network
from twinstream.model.user import normalise_email
from twinstream.ports.work import Store, UnitOfWork
from twinstream.service.command import Deliveries
from twinstream.service.event import make_registration_event, make_unregistration_event
from twinstream.service.location import move_device
from twinstream.service.lockout import Lockout
from twinstream.service.sight import require_ownership

SEVERAL_PUSHED = "Several devices had their button pushed here; none of them counts any more. Push one again."


class RegistrationService:
    """Use cases of users who bind devices to themselves, and let them go.

    ``lockout`` is for tokens without a DSN: short ones, so nobody may try many.
    """

    def __init__(self, store: Store, deliveries: Deliveries, lockout: Lockout) -> None:
        self._store = store
        self._deliveries = deliveries
        self._lockout = lockout

    async def register(self, user: User, claim: Claim, place: Place | None = None) -> Device:
        """Make the user the owner of the device that the claim is about; a device that is theirs already stays so.

        ``place`` is where the user says that the device is.

        Raises:
            RequestError: ``not_found`` if there is no such device in the user's OEM, or the claim does not entitle to
                it; ``too_many_requests`` after five wrong tokens without a DSN.
        """
        guessing = claim.dsn is None and claim.regtoken is not None
        if guessing:
            self._check_lockout(user)
        (registered,) = await self._store.run(lambda work: self._register(work, user, claim, place))
        if isinstance(registered, RequestError):
            if guessing:
                self._lockout.fail(user.uuid, "")
            raise registered
        return registered

    async def unregister(self, user: User, ref: DeviceRef) -> None:
        """Leave a device without an owner. Raises RequestError ``not_found``; ``forbidden`` if it is only shared."""

        def release(work: UnitOfWork) -> None:
            self._release(work, require_ownership(work, user, ref))

        await self._store.run(release)

    def release_all(self, work: UnitOfWork, user: User) -> None:
        """Leave all of a user's devices without an owner, in a unit of work."""
        released: set[int] = set()
        for sight in work.devices.list_visible(user):
            if sight.grant is None and sight.device.key not in released:  # nodes go with their gateways
                released.update(self._release(work, sight.device))

    async def transfer(self, user: User, ref: DeviceRef, email: str) -> Device:
        """Give the user's device to another user of the OEM; answer it as the new owner has it.

        Raises:
            RequestError: ``not_found`` if it, or nobody with this email, exists; ``forbidden`` if it is only shared;
                ``invalid`` for the owner's own email, or a node: it goes with its gateway.
        """

        def hand_over(work: UnitOfWork) -> Device:
            device = require_ownership(work, user, ref)
            found = work.users.find_credentials(normalise_email(email), user.oem)
            if found is None:
                raise RequestError("not_found", "No user has this email.")
            if found.user.uuid == user.uuid or device.registration_type is RegistrationType.NODE:
                raise must("email", "be that of another user, and the device no node")
            self._release(work, device)
            return self._own(work, device, found.user)

        return await self._store.run(hand_over)

    def _register(
        self, work: UnitOfWork, user: User, claim: Claim, place: Place | None
    ) -> tuple[Device | RequestError]:
        """Register. A refusal is answered, not raised, and in a tuple: what it takes back is stored."""
        found = None
        if claim.dsn is not None:
            found = work.devices.find(claim.dsn)
        elif claim.regtoken is not None:
            found = work.devices.find_by_regtoken(user.oem, claim.regtoken)
        if found is not None and found.oem != user.oem:
            found = None
        gateway = None if found is None or found.gateway_key is None else work.devices.find(found.gateway_key)
        try:
            device = check_claim(found, gateway, claim, user.uuid, work.now_s)
            if device.user_uuid == user.uuid:
                return (device,)
            if device.registration_type is RegistrationType.BUTTON_PUSH:
                require_only_one(work, user, find_network(claim.ip))
        except RequestError as refusal:
            return (refusal,)
        if device.user_uuid is not None:
            self._release(work, device)
        device = self._own(work, device, user)
        if place is not None:
            move_device(work, device, place, Provider.USER_BASED)
        return (work.devices.find(device.key) or device,)

    def _own(self, work: UnitOfWork, device: Device, user: User) -> Device:
        work.devices.change(
            device.key,
            user_uuid=user.uuid,
            registered_at=work.now_s,
            regtoken=None,
            regtoken_at=None,
            setup_token=None,
            setup_token_at=None,
            button_at=None,
        )
        work.log.append(make_registration_event(device, user.uuid, work.now_s))
        self._inform(work, device, status=1)
        return work.devices.find(device.key) or device

    def _release(self, work: UnitOfWork, device: Device) -> list[int]:
        """Take a device, and the nodes behind it, from their owner; answer the keys."""
        keys = [device.key]
        for node in work.devices.list_nodes(device.key):
            if node.user_uuid is not None:
                keys += self._release(work, node)
        forget_owner(work, device)
        self._inform(work, device, status=0)
        return keys

    def _inform(self, work: UnitOfWork, device: Device, *, status: int) -> None:
        """Tell the device: status 1, it has an owner; 0, it has none (ayla-facts 4.2)."""
        body = f'{{"registration":{{"status":{status}}}}}'
        work.commands.add_command(device.key, "PUT", "registration.json", "/cmd_post_process.json", body)
        self._deliveries.expect(device.key)

    def _check_lockout(self, user: User) -> None:
        try:
            self._lockout.check(user.uuid, "")
        except RequestError as locked:
            raise RequestError("too_many_requests", retry_after_s=locked.retry_after_s) from None


def forget_owner(work: UnitOfWork, device: Device) -> None:
    """Take a device from its owner, and from everybody else all that was the owner's; tell those who could see it."""
    audience = work.devices.find_audiences([device.key])[device.key]
    work.log.append(make_unregistration_event(device, audience, work.now_s))
    work.shares.end_all(device.dsn)
    work.commands.remove_all(device.key)
    work.device_data.remove_all(device.key)
    work.device_roles.remove_all(device.key)
    work.lan_keys.remove(device.key)
    said = ("lat", "lng", "time_zone", "street", "city", "state", "country", "zip", "join_ends_at")
    work.devices.change(device.key, user_uuid=None, registered_at=None, **dict.fromkeys(said))


def require_only_one(work: UnitOfWork, user: User, network: str | None) -> Device:
    """Answer the one device in the network whose button was pushed. Several: none of them counts any more.

    Raises:
        RequestError: ``not_found``; what was taken back is to be stored nevertheless.
    """
    pushed = work.devices.list_pushed(user.oem, network or "", work.now_s - BUTTON_WINDOW_S)
    if len(pushed) == 1:
        return pushed[0]
    for device in pushed:
        work.devices.change(device.key, button_at=None)
    raise RequestError("not_found", SEVERAL_PUSHED if pushed else "")
