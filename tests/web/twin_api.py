"""The HTTP application over the services of devices, called without a socket.

Users show their names as tokens and devices their DSNs as authentication keys; everything behind that is real.
"""

from __future__ import annotations

from typing import Any, cast

import httpx
import pytest

from tests.twins import Scene
from twinstream.errors import RequestError
from twinstream.model.principal import Device, User
from twinstream.service.secret import hash_secret
from twinstream.web import (
    agent,
    command,
    connection,
    content,
    control,
    datapoint,
    datum,
    device,
    device_role,
    group,
    history,
    lan,
    location,
    node,
    notification,
    postal,
    property,
    registration,
    schedule,
    template,
    time_zone,
    trigger,
)
from twinstream.web.address import Addresses
from twinstream.web.app import create_app
from twinstream.web.body import BodyLimits
from twinstream.web.hot import HotRoutes
from twinstream.web.outer import Outer, RequestIds

ROUTES = [
    *device.ROUTES,
    *device_role.ROUTES,
    *datum.DEVICE_ROUTES,
    *connection.ROUTES,
    *control.ROUTES,
    *postal.ROUTES,
    *time_zone.ROUTES,
    *node.ROUTES,
    *group.ROUTES,
    *lan.ROUTES,
    *notification.ROUTES,
    *schedule.ROUTES,
    *trigger.ROUTES,
    *registration.ROUTES,
    *property.ROUTES,
    *datapoint.ROUTES,
    *history.ROUTES,
    *content.ROUTES,
    *template.ROUTES,
    *agent.ROUTES,
    *command.ROUTES,
    *location.ROUTES,
]


class NamedUsers:
    """Takes a user's name for their token."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    async def authenticate(self, access_token: str) -> User:
        """See `UserAuthenticator`."""
        try:
            return self._scene.users[access_token]
        except KeyError:
            raise RequestError("unauthorized") from None


class TwinApi:
    """Calls the application; with ``hot`` False without the layer that answers hot routes."""

    def __init__(self, scene: Scene, *, hot: bool = True) -> None:
        self.scene = scene
        twins = scene.twins
        app = create_app(
            {
                "users": NamedUsers(scene),
                "device_authentication": twins.authentication,
                "clock": twins.clock,
                "devices": twins.devices,
                "metadata": twins.metadata,
                "properties": twins.properties,
                "datapoints": twins.datapoints,
                "commands": twins.commands,
                "locations": twins.locations,
                "registrations": twins.registrations,
                "templates": twins.templates,
                "contents": twins.contents,
                "candidates": twins.candidates,
                "connections": twins.connections,
                "nodes": twins.nodes,
                "time_zones": twins.time_zones,
                "postals": twins.postals,
                "controls": twins.controls,
                "lans": twins.lans,
                "device_roles": twins.device_roles,
            },
            request_ids=RequestIds(twins.new_id),
            addresses=Addresses(),
            operator_token="operator",
            routes=ROUTES,
            body_limits=BodyLimits(size_bytes=64 * 1024),
        )
        if not hot:
            outer = cast(Outer, app)
            outer._app = cast(HotRoutes, outer._app)._app
        self._app = app

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        by: str | Device | None = None,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
        client: tuple[str, int] = ("192.0.2.7", 1),
    ) -> httpx.Response:
        """Make a request as a user (by name), as a device, or as nobody."""
        known = dict(headers or {})
        if isinstance(by, str):
            known["Authorization"] = f"auth_token {by}"
        elif by is not None:
            await self._admit(by)
            known["x-Ayla-auth-key"] = f"Ayla1.0 {by.dsn}"
        transport = httpx.ASGITransport(self._app, client=client)
        async with httpx.AsyncClient(transport=transport, base_url="http://server.example") as http:
            arguments: dict[str, Any] = {"content": content} if body is None else {"json": body}
            return await http.request(method, path, headers=known, **arguments)

    async def _admit(self, device: Device) -> None:
        auth_hash = hash_secret(device.dsn)
        await self.scene.twins.store.run(lambda work: work.devices.store_auth_hash(device.key, auth_hash))


@pytest.fixture(params=["hot", "plain"])
async def twin_api(scene: Scene, request: pytest.FixtureRequest) -> TwinApi:
    """The application over the scene, with the hot layer and without: every answer must be the same."""
    return TwinApi(scene, hot=request.param == "hot")
