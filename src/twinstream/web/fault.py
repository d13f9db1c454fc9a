"""Faults of subscriptions: `/api/v1/subscriptions/<id>/faults` for their owners; an extension.

The operator has the same under `/admin/v1`, whose errors are problem details.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, delete, get, put
from litestar.params import FromPath

from twinstream.model.principal import Operator, User
from twinstream.service.fault import FaultService, FaultStatus
from twinstream.web.authentication import Given
from twinstream.web.body import read_json
from twinstream.web.openapi import describe_body
from twinstream.wire.body import read_id
from twinstream.wire.fault import FaultsReply, FaultsRequest, read_faults, show_faults

_PATH = "/api/v1/subscriptions/{subscription_id:str}/faults"
_ADMIN_PATH = "/admin/v1/subscriptions/{subscription_id:str}/faults"


@put(_PATH, operation_class=describe_body(FaultsRequest), tags=["subscriptions"])
async def set_faults(
    subscription_id: FromPath[str], request: Request[Any, Any, Any], user: Given[User], faults: Given[FaultService]
) -> FaultsReply:
    """Have a subscription's sockets lose, repeat, mix up and delay events, and close; an extension, for tests.

    It takes the place of what is set and begins to count anew. 403 unless the server runs with --allow-faults.
    """
    wanted = read_faults(await read_json(request))
    return _show(await faults.set(user, read_id(subscription_id), wanted))


@get(_PATH, tags=["subscriptions"])
async def get_faults(subscription_id: FromPath[str], user: Given[User], faults: Given[FaultService]) -> FaultsReply:
    """Answer the faults of a subscription, and what they have done; an extension."""
    return _show(await faults.show(user, read_id(subscription_id)))


@delete(_PATH, tags=["subscriptions"])
async def clear_faults(subscription_id: FromPath[str], user: Given[User], faults: Given[FaultService]) -> None:
    """Have no faults on a subscription's sockets any more; an extension."""
    await faults.clear(user, read_id(subscription_id))


@put(_ADMIN_PATH, operation_class=describe_body(FaultsRequest), tags=["admin"])
async def set_any_faults(
    subscription_id: FromPath[str],
    request: Request[Any, Any, Any],
    operator: Given[Operator],
    faults: Given[FaultService],
) -> FaultsReply:
    """Set faults on anybody's subscription."""
    wanted = read_faults(await read_json(request))
    return _show(await faults.set(operator, read_id(subscription_id), wanted))


@get(_ADMIN_PATH, tags=["admin"])
async def get_any_faults(
    subscription_id: FromPath[str], operator: Given[Operator], faults: Given[FaultService]
) -> FaultsReply:
    """Answer the faults of anybody's subscription, and what they have done."""
    return _show(await faults.show(operator, read_id(subscription_id)))


@delete(_ADMIN_PATH, tags=["admin"])
async def clear_any_faults(
    subscription_id: FromPath[str], operator: Given[Operator], faults: Given[FaultService]
) -> None:
    """Have no faults on anybody's subscription any more."""
    await faults.clear(operator, read_id(subscription_id))


@get("/admin/v1/faults", tags=["admin"])
async def list_faults(operator: Given[Operator], faults: Given[FaultService]) -> list[FaultsReply]:
    """List the subscriptions that have faults."""
    return [_show(status) for status in await faults.list_all(operator)]


def _show(status: FaultStatus) -> FaultsReply:
    return show_faults(status.subscription_id, status.faults, status.counts)


ROUTES = [set_faults, get_faults, clear_faults, set_any_faults, get_any_faults, clear_any_faults, list_faults]
