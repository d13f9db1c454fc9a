"""What users have devices do, other than setting their properties: orders that wait like other commands.

Invariant: an order waits in the transaction that found the user to be entitled.
"""

from __future__ import annotations

import msgspec

from twinstream.errors import RequestError
from twinstream.model.command import Pending
from twinstream.model.device import DeviceRef, RegistrationType
from twinstream.model.principal import User
from twinstream.ports.work import Store, UnitOfWork, View
from twinstream.service.command import POLL_LIMIT, Deliveries
from twinstream.service.sight import require_ownership, require_sight, require_steering


class ControlService:
    """Use cases of users."""

    def __init__(self, store: Store, deliveries: Deliveries) -> None:
        self._store = store
        self._deliveries = deliveries

    async def list_waiting(self, user: User, ref: DeviceRef) -> Pending:
        """List what waits for a device, without handing it out, and without its nodes: they may be others'.

        Raises:
            RequestError: ``not_found``.
        """

        def read(view: View) -> Pending:
            pending = view.commands.list_pending(require_sight(view, user, ref).device.key, POLL_LIMIT)
            own = tuple(value for value in pending.values if value.dsn is None)
            return msgspec.structs.replace(pending, values=own)

        return await self._store.query(read)

    async def reset(self, user: User, ref: DeviceRef) -> None:
        """Have the user's own device forget all that it was told.

        Raises:
            RequestError: ``not_found``; ``forbidden`` for the holder of a share.
        """

        def store(work: UnitOfWork) -> None:
            self._order(work, require_ownership(work, user, ref).key, "reset.json?factory=1", "{}")

        await self._store.run(store)

    async def identify(self, user: User, ref: DeviceRef, body: str) -> None:
        """Have a node show people which one it is.

        Raises:
            RequestError: ``not_found``; ``method_not_allowed`` for what is no node; ``forbidden`` for the holder of a
                share for reading.
        """

        def store(work: UnitOfWork) -> None:
            device = require_steering(work, user, ref)
            if device.registration_type is not RegistrationType.NODE:
                raise RequestError("method_not_allowed", "Only nodes can be asked to identify themselves.")
            self._order(work, device.key, "identify.json", body)

        await self._store.run(store)

    def _order(self, work: UnitOfWork, device_key: int, resource: str, body: str) -> None:
        work.commands.add_command(device_key, "PUT", resource, "/cmd_post_process.json", body)
        self._deliveries.expect(device_key)
