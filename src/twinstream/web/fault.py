"""Faults of subscriptions: `/api/v1/subscriptions/<id>/faults`, for their owners and the operator; an extension."""

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


@put(_PATH, operation_class=describe_body(FaultsRequest), tags=["subscriptions"])
async def set_faults(
    subscription_id: FromPath[str],
    request: Request[Any, Any, Any],
    administrator: Given[Operator | User],
    faults: Given[FaultService],
) -> FaultsReply:
    """Have a subscription's sockets lose, repeat, mix up and delay events, and close; an extension, for tests.

    It takes the place of what is set and begins to count anew. 403 unless the server runs with --allow-faults.
    """
    wanted = read_faults(await read_json(request))
    return _show(await faults.set(administrator, read_id(subscription_id), wanted))


@get(_PATH, tags=["subscriptions"])
async def get_faults(
    subscription_id: FromPath[str], administrator: Given[Operator | User], faults: Given[FaultService]
) -> FaultsReply:
    """Answer the faults of a subscription, and what they have done; an extension."""
    return _show(await faults.show(administrator, read_id(subscription_id)))


@delete(_PATH, tags=["subscriptions"])
async def clear_faults(
    subscription_id: FromPath[str], administrator: Given[Operator | User], faults: Given[FaultService]
) -> None:
    """Have no faults on a subscription's sockets any more; an extension."""
    await faults.clear(administrator, read_id(subscription_id))


@get("/admin/v1/faults", tags=["admin"])
async def list_faults(operator: Given[Operator], faults: Given[FaultService]) -> list[FaultsReply]:
    """List the subscriptions that have faults."""
    return [_show(status) for status in await faults.list_all(operator)]


def _show(status: FaultStatus) -> FaultsReply:
    return show_faults(status.subscription_id, status.faults, status.counts)


ROUTES = [set_faults, get_faults, clear_faults, list_faults]
