"""Linked accounts: `/api/v1/users/link`. They need an application above OEMs, of which there is none here."""

from __future__ import annotations

from typing import Any

from litestar import Request, delete, post
from litestar.params import FromPath

from twinstream.errors import RequestError
from twinstream.model.principal import User
from twinstream.web.authentication import Given
from twinstream.web.body import read_json


@post("/api/v1/users/link", status_code=201, tags=["users"])
async def link_account(request: Request[Any, Any, Any], user: Given[User]) -> None:  # noqa: ARG001
    """Answer 422, as where an OEM does not allow it: accounts of several OEMs cannot be joined on this server."""
    await read_json(request)
    raise RequestError("invalid", "Accounts cannot be linked here: no OEM allows it.", field="origin_oem_id")


@delete("/api/v1/users/link/{user_id:str}", status_code=201, tags=["users"])
async def unlink_account(user_id: FromPath[str], user: Given[User]) -> None:  # noqa: ARG001
    """Answer 404: no account is linked."""
    raise RequestError("not_found")


ROUTES = [link_account, unlink_account]
