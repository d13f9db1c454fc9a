"""Shares of devices: `/api/v1/users/shares`."""

from __future__ import annotations

from typing import Any

from litestar import Request, delete, get, post, put
from litestar.params import FromPath

from twinstream.model.check import invalid, must
from twinstream.model.principal import User
from twinstream.service.share import ShareService
from twinstream.web.authentication import Given
from twinstream.web.body import read_json
from twinstream.web.openapi import describe_body, describe_query
from twinstream.web.query import read_query
from twinstream.wire.body import read_id
from twinstream.wire.share import (
    ShareChange,
    ShareReply,
    ShareRequest,
    read_change,
    read_drafts,
    show_share,
    show_shares,
)

_PATH = "/api/v1/users/shares"


@post(_PATH, status_code=201, operation_class=describe_body(ShareRequest), tags=["shares"])
async def create_shares(
    request: Request[Any, Any, Any], user: Given[User], shares: Given[ShareService]
) -> ShareReply | list[ShareReply]:
    """Share one device, or several at once (all or none); the reply has the form of the request.

    From ``start_date_at`` up to ``end_date_at``, which lies in the future; null: at once, for ever. 409 if the device
    is shared with this user already; a share that has ended is in nobody's way.
    """
    drafts, many = read_drafts(await read_json(request))
    made = show_shares(await shares.create(user, drafts))
    return made if many else made[0]


@get(_PATH, tags=["shares"])
async def list_given_shares(user: Given[User], shares: Given[ShareService]) -> list[ShareReply]:
    """List the shares that the caller gave and that have not ended."""
    return show_shares(await shares.list_given(user))


@get(f"{_PATH}/received", tags=["shares"])
async def list_received_shares(user: Given[User], shares: Given[ShareService]) -> list[ShareReply]:
    """List the shares that the caller got and that have not ended."""
    return show_shares(await shares.list_received(user))


@get(f"{_PATH}/{{share_id:str}}", tags=["shares"])
async def get_share(share_id: FromPath[str], user: Given[User], shares: Given[ShareService]) -> ShareReply:
    """Answer a share that the caller gave or got."""
    return show_share(await shares.get(user, read_id(share_id)))


@put(f"{_PATH}/{{share_id:str}}", operation_class=describe_body(ShareChange), tags=["shares"])
async def update_share(
    share_id: FromPath[str], request: Request[Any, Any, Any], user: Given[User], shares: Given[ShareService]
) -> ShareReply:
    """Change a share that the caller gave.

    One that has ended is 404: share the device anew. To end one at once, delete it.
    """
    change = read_change(await read_json(request))
    return show_share(await shares.update(user, read_id(share_id), change))


@delete(f"{_PATH}/{{share_id:str}}", tags=["shares"])
async def delete_share(share_id: FromPath[str], user: Given[User], shares: Given[ShareService]) -> None:
    """End a share that the caller gave or got."""
    await shares.delete(user, read_id(share_id))


@delete(
    _PATH,
    operation_class=describe_query(
        "resource_name", "resource_id", resource_name="`device`.", resource_id="The DSN of the device."
    ),
    tags=["shares"],
)
async def delete_shares_of_device(
    request: Request[Any, Any, Any], user: Given[User], shares: Given[ShareService]
) -> None:
    """End all shares of a device (``resource_name=device&resource_id=DSN``) that the caller gave or got."""
    if read_query(request, "resource_name") != "device":
        raise must("resource_name", "be device")
    dsn = read_query(request, "resource_id")
    if dsn is None:
        raise invalid("resource_id", "is missing")
    await shares.delete_of_device(user, dsn)


ROUTES = [
    create_shares,
    list_given_shares,
    list_received_shares,
    get_share,
    update_share,
    delete_share,
    delete_shares_of_device,
]
