"""Subscriptions: `/api/v1/subscriptions`, in the cloud's form and in the mobile form.

The two differ in the path of a change: mobile clients leave the id out of it.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, delete, get, post, put
from litestar.params import FromPath

from twinstream.model.check import invalid
from twinstream.model.principal import User
from twinstream.service.numbering import Numbering
from twinstream.service.subscription import ShownSubscription, SubscriptionService
from twinstream.web.authentication import Given
from twinstream.web.body import read_json
from twinstream.web.handshake import StreamQuery, find_key
from twinstream.web.openapi import describe_body
from twinstream.web.query import read_query
from twinstream.web.ref import read_source
from twinstream.wire.body import read_id
from twinstream.wire.subscription import (
    GapReply,
    SequenceReply,
    SubscriptionReply,
    SubscriptionRequest,
    read_change,
    read_terms,
    show_gaps,
    show_numbers,
    show_subscription,
)

_PATH = "/api/v1/subscriptions"


@post(_PATH, status_code=201, operation_class=describe_body(SubscriptionRequest), tags=["subscriptions"])
async def create_subscription(
    request: Request[Any, Any, Any], user: Given[User], subscriptions: Given[SubscriptionService]
) -> SubscriptionReply:
    """Make a subscription; the reply holds the stream key that opens it."""
    return _show(await subscriptions.create(user, read_terms(await read_json(request))))


@get(_PATH, tags=["subscriptions"])
async def list_subscriptions(user: Given[User], subscriptions: Given[SubscriptionService]) -> list[SubscriptionReply]:
    """List the caller's subscriptions."""
    return [_show(shown) for shown in await subscriptions.list(user)]


@get(
    f"{_PATH}/getCurrentSeq",
    operation_class=describe_body(caller="stream"),
    tags=["subscriptions"],
)
async def get_current_seq(
    request: Request[Any, Any, Any], subscriptions: Given[SubscriptionService], numbering: Given[Numbering]
) -> SequenceReply:
    """Tell how far the numbers of a stream have come; the key is the credential, given as to `/stream`."""
    query = StreamQuery(read_query(request, "stream_key") or "")
    key, _ = find_key(list(request.scope["headers"]), query, allow_query=not subscriptions.strict_security)
    opened = await subscriptions.open_stream(key, read_source(request))
    numbers = await numbering.count(opened.subscription_id)
    return show_numbers(numbers.last, numbers.oldest)


@get(f"{_PATH}/{{subscription_id:str}}", tags=["subscriptions"])
async def get_subscription(
    subscription_id: FromPath[str], user: Given[User], subscriptions: Given[SubscriptionService]
) -> SubscriptionReply:
    """Answer one of the caller's subscriptions."""
    return _show(await subscriptions.get(user, read_id(subscription_id)))


@get(f"{_PATH}/{{subscription_id:str}}/gaps", tags=["subscriptions"])
async def list_gaps(
    subscription_id: FromPath[str], user: Given[User], subscriptions: Given[SubscriptionService]
) -> list[GapReply]:
    """List the numbers that a reader asked for when retention had removed their events; an extension."""
    gaps = await subscriptions.list_gaps(user, read_id(subscription_id))
    return show_gaps((gap.from_seq, gap.through_seq, gap.at) for gap in gaps)


@put(_PATH, operation_class=describe_body(SubscriptionRequest), tags=["subscriptions"])
async def update_subscription_named_in_body(
    request: Request[Any, Any, Any], user: Given[User], subscriptions: Given[SubscriptionService]
) -> SubscriptionReply:
    """Change the subscription whose ``id`` stands in the body, as mobile clients do."""
    subscription_id, change = read_change(await read_json(request))
    if subscription_id is None:
        raise invalid("id", "is missing")
    return _show(await subscriptions.update(user, subscription_id, change))


@put(f"{_PATH}/{{subscription_id:str}}", operation_class=describe_body(SubscriptionRequest), tags=["subscriptions"])
async def update_subscription(
    subscription_id: FromPath[str],
    request: Request[Any, Any, Any],
    user: Given[User],
    subscriptions: Given[SubscriptionService],
) -> SubscriptionReply:
    """Change a subscription; what the body leaves out stays, and sessions go on."""
    _, change = read_change(await read_json(request))
    return _show(await subscriptions.update(user, read_id(subscription_id), change))


@put(f"{_PATH}/{{subscription_id:str}}/suspend", tags=["subscriptions"])
async def suspend_subscription(
    subscription_id: FromPath[str], user: Given[User], subscriptions: Given[SubscriptionService]
) -> SubscriptionReply:
    """Suspend one of the caller's subscriptions: sockets are closed, new ones refused, numbers go on. Ours."""
    return _show(await subscriptions.set_suspended(user, read_id(subscription_id), True))


@put(f"{_PATH}/{{subscription_id:str}}/resume", tags=["subscriptions"])
async def resume_subscription(
    subscription_id: FromPath[str], user: Given[User], subscriptions: Given[SubscriptionService]
) -> SubscriptionReply:
    """Resume it; what happened meanwhile is told like anything unread. 403 if the operator suspended it."""
    return _show(await subscriptions.set_suspended(user, read_id(subscription_id), False))


@delete(f"{_PATH}/{{subscription_id:str}}", tags=["subscriptions"])
async def delete_subscription(
    subscription_id: FromPath[str], user: Given[User], subscriptions: Given[SubscriptionService]
) -> None:
    """Delete a subscription; its key opens nothing any more, and its sockets are closed."""
    await subscriptions.delete(user, read_id(subscription_id))


def _show(shown: ShownSubscription) -> SubscriptionReply:
    return show_subscription(shown.subscription, shown.stream_key, shown.is_connected)


ROUTES = [
    create_subscription,
    list_subscriptions,
    get_current_seq,
    get_subscription,
    list_gaps,
    update_subscription_named_in_body,
    update_subscription,
    suspend_subscription,
    resume_subscription,
    delete_subscription,
]
