"""Devices and users of a test's cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from twinstream.model import principal
from twinstream.model.datapoint import Acknowledgement, Datapoint
from twinstream.model.location import Place
from twinstream.service.creation import Draft

if TYPE_CHECKING:
    from twinstream.testing.cloud import Cloud


class User:
    """Somebody who can sign in with ``email`` and ``password``."""

    def __init__(self, cloud: Cloud, user: principal.User, password: str) -> None:
        self.principal = user
        self.email = user.email
        self.uuid = user.uuid
        self.password = password
        self._cloud = cloud

    def sign_in(self) -> dict[str, Any]:
        """Sign in over HTTP; answer what the server does: ``access_token``, ``refresh_token``, ``expires_in`` …"""
        body = {"user": {"email": self.email, "password": self.password}}
        answer = httpx.post(f"{self._cloud.url}/users/sign_in.json", json=body, trust_env=False)
        answer.raise_for_status()
        signed_in: dict[str, Any] = answer.json()
        return signed_in


class Device:
    """A twin that the test plays the device of. ``owner`` is whom it is registered to."""

    def __init__(self, cloud: Cloud, device: principal.Device, owner: User) -> None:
        self.dsn = device.dsn
        self.owner = owner
        self._cloud = cloud
        self._principal = device

    def report(self, name: str, value: object) -> str:
        """Tell a value as the device; answer the datapoint's id once its event was handed to all streams.

        The first time, and after a silence, the device comes Online by it, which is an event too.
        """
        return self._create(self._principal, name, value)

    def report_many(self, name: str, values: list[object]) -> None:
        """Tell many values in one commit, in this order."""
        drafts = [Draft((self.dsn, name), value) for value in values]

        async def create(services: Any) -> None:
            await services["presence"].touch(self._principal.key)
            for outcome in await services["datapoints"].create_many(self._principal, drafts):
                if isinstance(outcome, Exception):
                    raise outcome

        self._cloud.call(create)

    def set(self, name: str, value: object) -> str:
        """Set a value as the owner; answer the datapoint's id."""
        return self._create(self.owner.principal, name, value)

    def acknowledge(self, name: str, datapoint_id: str, *, status: int = 200, message: int = 0) -> None:
        """Answer a datapoint that was set, as the device; the property must be made with ``acks``."""
        answer = Acknowledgement(status, message)

        async def acknowledge(services: Any) -> None:
            await services["presence"].touch(self._principal.key)
            await services["datapoints"].acknowledge(self._principal, name, datapoint_id, answer)

        self._cloud.call(acknowledge)

    def move(self, lat: float, lng: float) -> None:
        """Put it in another place, as the owner."""

        async def move(services: Any) -> None:
            await services["locations"].move(self.owner.principal, self.dsn, Place(lat, lng))

        self._cloud.call(move)

    def _create(self, caller: principal.User | principal.Device, name: str, value: object) -> str:
        async def create(services: Any) -> Datapoint:
            if isinstance(caller, principal.Device):
                await services["presence"].touch(caller.key)
            made: Datapoint = await services["datapoints"].create(caller, Draft((self.dsn, name), value))
            return made

        return self._cloud.call(create).id
