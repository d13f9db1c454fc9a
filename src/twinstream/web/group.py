"""Groups of devices: there are none yet, so the list of them is empty."""

from __future__ import annotations

from typing import Any

from litestar import get

from twinstream.model.principal import User
from twinstream.web.authentication import Given


@get("/apiv1/groups", tags=["groups"])
async def list_groups(user: Given[User]) -> list[Any]:  # noqa: ARG001
    """List the caller's groups of devices: none; they come later."""
    return []


ROUTES = [list_groups]
