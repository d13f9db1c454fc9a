"""The history of connections: when a device came and went, as its present owner may know it."""

from __future__ import annotations

from collections.abc import Sequence

from twinstream.model.connection import Connection
from twinstream.model.device import DeviceRef
from twinstream.model.principal import User
from twinstream.ports.connection import KEPT
from twinstream.ports.work import Store, View
from twinstream.service.sight import require_sight

LIST_LIMIT = 100
"""Changes in one answer if nothing else is asked for."""


class ConnectionService:
    """Use cases of users."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def list_of_device(
        self, user: User, ref: DeviceRef, *, before: int | None = None, limit: int = LIST_LIMIT
    ) -> Sequence[Connection]:
        """List changes since the device has its owner, the newest first: 1 to `ports.connection.KEPT`.

        ``before`` is the number of the last one that the caller has. Raises RequestError ``not_found``.
        """

        def read(view: View) -> Sequence[Connection]:
            device = require_sight(view, user, ref).device
            count = min(max(limit, 1), KEPT)
            return view.connections.list_newest(device.key, device.registered_at or 0.0, before, count)

        return await self._store.query(read)
