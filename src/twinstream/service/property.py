"""Properties: reading the present values of a twin."""

from __future__ import annotations

from collections.abc import Sequence

from twinstream.errors import RequestError
from twinstream.model.device import DeviceRef
from twinstream.model.principal import User
from twinstream.model.property import Property, PropertyRef
from twinstream.ports.work import Store


class PropertyService:
    """Use cases of users who look at properties.

    ``retention_days`` is how long datapoints are kept of properties that say nothing of it.
    """

    def __init__(self, store: Store, *, keep_s: float = 30 * 86_400.0) -> None:
        self._store = store
        self.retention_days = max(1, round(keep_s / 86_400))

    async def find(self, user: User, ref: PropertyRef) -> Property:
        """Find a property of a device that the user may see. Raises RequestError ``not_found``."""
        found: Property | None = await self._store.query(lambda view: view.properties.find_visible(user, ref))
        if found is None:
            raise RequestError("not_found")
        return found

    async def list_of_device(
        self, user: User, device: DeviceRef, names: Sequence[str] | None = None
    ) -> Sequence[Property]:
        """List a device's properties, by name; only the named ones, if names are given.

        Raises:
            RequestError: ``not_found``. An unknown name is no error.
        """
        found: Sequence[Property] | None = await self._store.query(
            lambda view: view.properties.list_visible(user, device, names)
        )
        if found is None:
            raise RequestError("not_found")
        return found
