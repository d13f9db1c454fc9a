"""Contacts: `/api/v1/users/contacts`. Clients ask for them at their start; nobody can have any yet."""

from __future__ import annotations

from litestar import get

from twinstream.model.principal import User
from twinstream.web.authentication import Given


@get("/api/v1/users/contacts", tags=["users"])
async def list_contacts(user: Given[User]) -> list[dict[str, dict[str, str]]]:  # noqa: ARG001
    """List the caller's contacts: none, until notifications can be sent to them."""
    return []


ROUTES = [list_contacts]
