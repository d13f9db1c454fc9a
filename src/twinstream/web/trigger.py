"""Triggers of properties: there are none yet, so lists of them are empty."""

from __future__ import annotations

from typing import Any

from litestar import get
from litestar.params import FromPath

from twinstream.model.principal import User
from twinstream.service.property import PropertyService
from twinstream.web.authentication import Given
from twinstream.web.ref import by_dsn, by_key

_OF_PROPERTY = "/apiv1/dsns/{dsn:str}/properties/{name:str}/triggers"


@get([_OF_PROPERTY, f"{_OF_PROPERTY}/all"], tags=["triggers"])
async def list_triggers(
    dsn: FromPath[str], name: FromPath[str], user: Given[User], properties: Given[PropertyService]
) -> list[Any]:
    """List a property's triggers: none; they come later."""
    await properties.find(user, by_dsn(dsn, name))
    return []


@get("/apiv1/properties/{property_key:str}/triggers", tags=["triggers"])
async def list_triggers_by_key(
    property_key: FromPath[str], user: Given[User], properties: Given[PropertyService]
) -> list[Any]:
    """List the triggers of a property named by its own key: none; they come later."""
    await properties.find(user, by_key(property_key))
    return []


@get("/apiv1/triggers/all/by_user", tags=["triggers"])
async def list_own_triggers(user: Given[User]) -> list[Any]:  # noqa: ARG001
    """List the triggers of all of the caller's devices: none; they come later."""
    return []


ROUTES = [list_triggers, list_triggers_by_key, list_own_triggers]
