"""The whole application without anything behind it: enough for what describes it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
from litestar.handlers import HTTPRouteHandler

from twinstream.system import SystemIds
from twinstream.web.address import Addresses
from twinstream.web.app import ROUTES, create_app
from twinstream.web.outer import RequestIds

CALLERS = {"user", "device", "operator", "administrator"}
BEHIND_CALLERS = {"users", "device_authentication", "clock"}


@asynccontextmanager
async def describing(routes: Sequence[Any] | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """Open an application with these routes, or all; every service is None."""
    services = BEHIND_CALLERS.union(*(list_services(route) for route in routes or ROUTES))
    app = create_app(
        dict.fromkeys(services), request_ids=RequestIds(SystemIds()), addresses=Addresses(), operator_token="",
        routes=routes,
    )  # fmt: skip
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://server.example:8443") as client:
        yield client


def list_services(handler: Any) -> set[str]:
    """Answer the names of the services that a handler asks for."""
    assert isinstance(handler, HTTPRouteHandler)
    annotations = handler.fn.__annotations__.items()
    return {name for name, annotation in annotations if str(annotation).startswith("Given[")} - CALLERS
