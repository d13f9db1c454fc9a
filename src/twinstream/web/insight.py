"""Questions about streams: how far one is, all at a glance, why an event did not come. Extensions, for people.

Joins what is stored with what the sessions of this process tell.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, get
from litestar.params import FromPath

from twinstream.model.check import invalid, must
from twinstream.model.event import EventType
from twinstream.model.principal import Operator, User
from twinstream.model.subscription import Subscription
from twinstream.ports.clock import Clock
from twinstream.service.insight import InsightService, Ranked
from twinstream.service.subscription import SubscriptionService
from twinstream.stream.hub import Hub
from twinstream.web.authentication import Given
from twinstream.web.openapi import describe_body
from twinstream.web.query import read_number, read_query
from twinstream.wire.body import read_id
from twinstream.wire.insight import (
    NOTHING_THERE,
    DevicesReply,
    OverviewFieldsReply,
    OverviewReply,
    RankedReply,
    SessionReply,
    StatusReply,
    WhyReply,
    show_standing,
    show_verdict,
)

DEFAULT_LIMIT, LIMIT = 20, 100

_WHY_QUERY = {
    "dsn": "Device serial number; needed.",
    "event_type": "Only events of this type.",
    "property_name": "Only events of this property.",
    "datapoint": "Only events of the datapoint with this id, among the device's newest 100.",
    "limit": f"Events at most; {DEFAULT_LIMIT} unless given, {LIMIT} at most.",
}


@get("/api/v1/subscriptions/{subscription_id:str}/status", tags=["subscriptions"])
async def get_status(
    subscription_id: FromPath[str],
    user: Given[User],
    subscriptions: Given[SubscriptionService],
    insights: Given[InsightService],
    hub: Given[Hub],
    clock: Given[Clock],
) -> StatusReply:
    """Tell how far one of the caller's subscriptions is, who reads it, and when retention reaches what is unread."""
    shown = await subscriptions.get(user, read_id(subscription_id))
    standing = await insights.describe(user, shown.subscription.id)
    sessions = _show_sessions(hub, clock, shown.subscription.id)
    return StatusReply(show_standing(standing, shown.subscription.suspended_at is not None, sessions))


@get(
    "/api/v1/subscriptions/{subscription_id:str}/why",
    operation_class=describe_body(query=_WHY_QUERY),
    tags=["subscriptions"],
)
async def explain(
    subscription_id: FromPath[str], request: Request[Any, Any, Any], user: Given[User], insights: Given[InsightService]
) -> WhyReply:
    """Tell for a device's newest events whether they belong to a subscription's stream, and if not, what stopped them.

    Administrators of the OEM may ask about any device of it, others about events that they were allowed to see, or that
    the access rules of their role grant.
    """
    return await _explain(user, subscription_id, request, insights)


@get(
    "/admin/v1/subscriptions/{subscription_id:str}/why",
    operation_class=describe_body(query=_WHY_QUERY),
    tags=["admin"],
)
async def explain_any(
    subscription_id: FromPath[str],
    request: Request[Any, Any, Any],
    operator: Given[Operator],
    insights: Given[InsightService],
) -> WhyReply:
    """Tell the same of anybody's subscription, and of any device of its OEM."""
    return await _explain(operator, subscription_id, request, insights)


@get("/api/v1/overview", tags=["operation"])
async def get_overview(
    user: Given[User], insights: Given[InsightService], hub: Given[Hub], clock: Given[Clock]
) -> OverviewReply:
    """Sum up devices, sockets and subscriptions: the OEM's for its administrators, else the caller's own."""
    overview = await insights.survey(user)
    ranked = [_show_ranked(hub, clock, one) for one in overview.ranked]
    return OverviewReply(
        OverviewFieldsReply(
            scope=overview.scope,
            devices=DevicesReply(overview.devices.total, overview.devices.online),
            sessions=sum(len(one.standing.sessions) for one in ranked),
            events_per_s=overview.events_per_s,
            subscriptions=ranked,
        )
    )


ROUTES = [get_status, explain, explain_any, get_overview]


async def _explain(
    caller: User | Operator, subscription_id: str, request: Request[Any, Any, Any], insights: InsightService
) -> WhyReply:
    dsn, type = read_query(request, "dsn"), read_query(request, "event_type")
    limit = read_number(request, "limit")
    if dsn is None:
        raise invalid("dsn", "is missing")
    if type is not None and type not in set(EventType):
        raise must("event_type", f"be one of {', '.join(EventType)}")
    if limit is not None and not 1 <= limit <= LIMIT:
        raise must("limit", f"be a number from 1 to {LIMIT}")
    verdicts = await insights.explain(
        caller,
        read_id(subscription_id),
        dsn,
        type=None if type is None else EventType(type),
        property_name=read_query(request, "property_name"),
        datapoint_id=read_query(request, "datapoint"),
        limit=limit or DEFAULT_LIMIT,
    )
    shown = [
        show_verdict(
            verdict.logged.event,
            verdict.logged.created_at,
            verdict.seq,
            verdict.delivery,
            verdict.objections,
            before_creation=verdict.before_creation,
        )
        for verdict in verdicts
    ]
    return WhyReply(shown, "" if shown else NOTHING_THERE)


def _show_ranked(hub: Hub, clock: Clock, ranked: Ranked) -> RankedReply:
    subscription: Subscription = ranked.subscription
    sessions = _show_sessions(hub, clock, subscription.id)
    return RankedReply(
        id=subscription.id,
        name=subscription.terms.name,
        user_uuid=subscription.user_uuid,
        subscription_type=",".join(subscription.terms.types),
        client_type=subscription.terms.client_type,
        standing=show_standing(ranked.standing, subscription.suspended_at is not None, sessions),
    )


def _show_sessions(hub: Hub, clock: Clock, subscription_id: int) -> list[SessionReply]:
    now_s = clock.monotonic_s()
    return [
        SessionReply(
            id=f"{subscription_id}-{status.since_s:.6f}",
            state=status.state,
            seq=str(status.seq),
            lag=status.lag,
            is_full=status.full,
            observes=status.observe,
            connected_s=round(now_s - status.since_s, 1),
            silent_s=round(now_s - status.last_inbound_s, 1),
        )
        for session in hub.sessions_of(subscription_id)
        for status in (session.status(),)
    ]
