"""Candidates: which devices a user could register here and now, and the windows in which they can.

Owns the windows that a push of a button or the owner of a gateway opens. Invariant: a user sees a device that is not
theirs only if it is in the user's own network, or behind a gateway of the user's.
"""

from __future__ import annotations

from twinstream.errors import RequestError
from twinstream.model.check import must
from twinstream.model.device import Device, DeviceRef, RegistrationType
from twinstream.model.principal import Device as DevicePrincipal
from twinstream.model.principal import User
from twinstream.model.registration import LONGEST_JOIN_WINDOW_S, WINDOW_S, find_network, is_open
from twinstream.ports.work import Store, UnitOfWork, View
from twinstream.service.registration import require_only_one
from twinstream.service.sight import require_ownership


class CandidateService:
    """Use cases of users who look for devices, and of devices that want to be found."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def find(self, user: User, type_: RegistrationType, dsn: str | None, ip: str | None) -> Device:
        """Find the device that the user could register by this method: the newest, or the one with this DSN.

        Only for Same-LAN and Button-Push: the others need no search. Its tokens are not in the answer.

        Raises:
            RequestError: ``not_found``, also if several devices had their button pushed; none of these counts then.
        """
        network = find_network(ip)
        if network is None:
            raise RequestError("not_found")

        def look(view: View) -> Device | None:
            free = view.devices.list_free(user.oem, network, view.now_s - WINDOW_S)
            return next((device for device in free if dsn in (None, device.dsn)), None)

        def look_for_pushed(work: UnitOfWork) -> Device | RequestError:
            try:
                return require_only_one(work, user, network)
            except RequestError as refusal:
                return refusal

        found: Device | RequestError | None = None
        if type_ is RegistrationType.SAME_LAN:
            found = await self._store.query(look)
        elif type_ is RegistrationType.BUTTON_PUSH:
            found = await self._store.run(look_for_pushed)
        if isinstance(found, RequestError):
            raise found
        if found is None or dsn not in (None, found.dsn):
            raise RequestError("not_found")
        return found

    async def list_nodes(self, user: User, gateway: DeviceRef) -> list[Device]:
        """List the nodes of a gateway that nobody owns, while its join window is open.

        Raises:
            RequestError: ``not_found`` if there are none, the window is closed or the gateway is not the user's.
        """

        def look(view: View) -> list[Device]:
            found = view.devices.find(gateway)
            if found is None or not is_open(found, user.uuid, view.now_s):
                return []
            return [node for node in view.devices.list_nodes(found.key) if node.user_uuid is None]

        nodes: list[Device] = await self._store.query(look)
        if not nodes:
            raise RequestError("not_found")
        return nodes

    async def open_join_window(self, user: User, gateway: DeviceRef, duration_s: int) -> None:
        """Let the nodes of the user's own gateway be registered for a while; 0 ends that.

        Raises:
            RequestError: ``invalid`` for more than 255 s, or a node; ``not_found``; ``forbidden`` for the holder of a
                share.
        """
        if not 0 <= duration_s <= LONGEST_JOIN_WINDOW_S:
            raise must("duration", f"be a number of seconds from 0 to {LONGEST_JOIN_WINDOW_S}")

        def store(work: UnitOfWork) -> None:
            device = require_ownership(work, user, gateway)
            if device.registration_type is RegistrationType.NODE:
                raise RequestError("invalid", "A node is no gateway.")
            work.devices.change(device.key, join_ends_at=work.now_s + duration_s if duration_s else None)

        await self._store.run(store)

    async def push_button(self, device: DevicePrincipal, ip: str | None) -> None:
        """Note that somebody pushed the device's button, and in which network."""
        network = find_network(ip)
        await self._store.run(
            lambda work: work.devices.change(device.key, button_at=work.now_s, ip=ip, network=network)
        )
