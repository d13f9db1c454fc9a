"""What people want to see of streams: how far a subscription is, who is slow, why an event did not come.

Owns questions alone; nothing here changes anything. Knows no HTTP, no SQL and no sockets; sessions are told to it by
whoever has them. Invariant: an answer holds no event that its asker could not read in a stream: a user learns of those
whose reader it is, in a role of the OEM also of those that the role's access rules grant now. Administrators write
these rules, and the operator stands above them: both learn of all events.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from twinstream.errors import RequestError
from twinstream.model.event import EventType
from twinstream.model.filter import Clause, Filter
from twinstream.model.oem import Retention
from twinstream.model.principal import Operator, User
from twinstream.model.selection import intersect
from twinstream.model.standing import Standing, predict_loss
from twinstream.model.subscription import Subscription
from twinstream.model.user import OEM_ADMIN
from twinstream.model.verdict import Objection, object_to
from twinstream.ports.clock import Clock
from twinstream.ports.insight import Census, Logged
from twinstream.ports.log import Cursor, EventLog, PageRequest
from twinstream.ports.work import Store, View
from twinstream.service.numbering import Numbering
from twinstream.service.principal import is_admin

RATE_SPAN_S = 10.0
"""Events per second are counted over so long."""
MOST_VERDICTS = 100
MOST_LISTED = 20
"""Subscriptions of an overview: each costs a few queries."""


class Verdict(msgspec.Struct, frozen=True):
    """What became of one event for one subscription.

    ``seq`` None: it does not belong to the stream, for the ``objections``, or because it happened ``before_creation``.
    ``delivery``: ``acknowledged``, ``sent`` (a socket that is open now had it), ``waiting``; None without a number.
    """

    logged: Logged
    seq: int | None
    delivery: str | None
    objections: tuple[Objection, ...]
    before_creation: bool


class Ranked(msgspec.Struct, frozen=True):
    """A subscription of an overview."""

    subscription: Subscription
    standing: Standing


class Overview(msgspec.Struct, frozen=True):
    """``scope``: ``oem`` for its administrators, else ``user``. ``events_per_s``: stored; None for a user."""

    scope: str
    devices: Census
    events_per_s: float | None
    ranked: Sequence[Ranked]


class InsightService:
    """The use cases. ``default`` is the retention of OEMs without own limits.

    ``find_cursor`` answers how far the furthest open socket of a subscription is, ``find_acknowledged`` an
    acknowledgement that is not stored yet; both None if there is none.
    """

    def __init__(
        self,
        store: Store,
        log: EventLog,
        clock: Clock,
        numbering: Numbering,
        default: Retention,
        find_cursor: Callable[[int], Cursor | None],
        find_acknowledged: Callable[[int], Cursor | None],
    ) -> None:
        self._store = store
        self._log = log
        self._clock = clock
        self._numbering = numbering
        self._default = default
        self._find_cursor = find_cursor
        self._find_acknowledged = find_acknowledged
        # Why: a count may have to read much of the log; of the few threads that answer everybody it gets one.
        self._counting = asyncio.Semaphore(1)

    async def describe(self, user: User, subscription_id: int) -> Standing:
        """Tell how far one of the user's subscriptions is. Raises RequestError ``not_found``."""
        return await self._describe(await self._find(user, subscription_id))

    async def explain(
        self,
        caller: User | Operator,
        subscription_id: int,
        dsn: str,
        *,
        type: EventType | None = None,
        property_name: str | None = None,
        datapoint_id: str | None = None,
        limit: int = 20,
    ) -> Sequence[Verdict]:
        """Tell for a device's newest events whether they belong to one of the caller's subscriptions, and why not.

        The operator may ask about anybody's; about which events, see the module. ``datapoint_id`` picks the events of
        one datapoint from the newest `MOST_VERDICTS`. Raises ``not_found``.
        """
        subscription = await self._find(caller, subscription_id)
        wanted = None if datapoint_id is None else f'"id":"{datapoint_id}"'.encode()
        acknowledged = await self._acknowledged(subscription.id)
        furthest = self._find_cursor(subscription.id)
        sent = furthest.seq if furthest else 0

        def read(view: View) -> list[Verdict]:
            most = MOST_VERDICTS if wanted else min(limit, MOST_VERDICTS)
            events = view.insights.list_events(
                caller,
                subscription.oem,
                dsn,
                shown=_find_shown(view, caller),
                type=type,
                property_name=property_name,
                limit=most,
            )
            asked = [logged for logged in events if wanted is None or wanted in logged.event.tail]
            return _judge_all(view, subscription, asked, acknowledged.seq, sent)

        async with self._counting:
            return await self._store.query(read)

    async def survey(self, user: User) -> Overview:
        """Sum up what the user may see: the OEM for its administrators, else the own devices and subscriptions."""
        since_s = self._clock.now_s() - RATE_SPAN_S
        whole_oem = is_admin(user)

        def read(view: View) -> tuple[Census, float | None, Sequence[Subscription]]:
            own = view.subscriptions.list_of_owner(user)
            if not whole_oem:
                devices = [sight.device for sight in view.devices.list_visible(user)]
                online = sum(device.connection_status == "Online" for device in devices)
                return Census(len(devices), online), None, own[:MOST_LISTED]
            behind = set(view.insights.list_behind(user.oem, MOST_LISTED))
            listed = [one for one in view.subscriptions.list_of_oem(Operator(), user.oem) if one.id in behind]
            rate = view.insights.count_events_since(user.oem, since_s) / RATE_SPAN_S
            return view.insights.count_devices(user.oem), rate, listed

        devices, rate, subscriptions = await self._store.query(read)
        ranked = [Ranked(subscription, await self._describe(subscription)) for subscription in subscriptions]
        ranked.sort(key=_urgency)
        return Overview("oem" if whole_oem else "user", devices, rate, ranked)

    async def _find(self, caller: User | Operator, subscription_id: int) -> Subscription:
        def find(view: View) -> Subscription | None:
            if isinstance(caller, Operator):
                return view.subscriptions.find_any(caller, subscription_id)
            return view.subscriptions.find(caller, subscription_id)

        subscription = await self._store.query(find)
        if subscription is None:
            raise RequestError("not_found")
        return subscription

    async def _describe(self, subscription: Subscription) -> Standing:
        numbers = await self._numbering.count(subscription.id)
        acknowledged = await self._acknowledged(subscription.id)
        is_behind = numbers.last > max(acknowledged.seq, numbers.oldest - 1)
        unread = await self._find_unread(subscription.id, acknowledged) if is_behind else None

        def read(view: View) -> tuple[int, Retention, Logged | None]:
            oem = view.oems.find(Operator(), subscription.oem)
            own = oem.retention if oem else Retention(None, None)
            return view.insights.count_gaps(subscription.id), own, view.insights.find_newest(subscription.oem)

        gaps, own, newest = await self._store.query(read)
        loss_in_s = None
        if unread is not None and newest is not None:
            loss_in_s = predict_loss(
                age_s=self._default.age_s if own.age_s is None else own.age_s,
                size_bytes=self._default.size_bytes if own.size_bytes is None else own.size_bytes,
                stored_at=unread.created_at,
                bytes_since=newest.oem_bytes - unread.oem_bytes,
                now_s=self._clock.now_s(),
            )
        return Standing(
            newest_seq=numbers.last,
            oldest_seq=numbers.oldest,
            acknowledged_seq=acknowledged.seq,
            unread_since=unread.created_at if unread else None,
            loss_in_s=loss_in_s,
            gaps=gaps,
        )

    async def _acknowledged(self, subscription_id: int) -> Cursor:
        """Answer the furthest acknowledgement, stored or not; a subscription's beginning if there is none."""
        fresh = self._find_acknowledged(subscription_id)
        if fresh is not None:
            return fresh
        start = await self._log.start_point(subscription_id, 1)
        return start.acknowledged if start else Cursor(0, 0)

    async def _find_unread(self, subscription_id: int, acknowledged: Cursor) -> Logged | None:
        """Find the first match behind the acknowledgement that is still kept."""
        cursor, head = acknowledged, self._log.head
        while cursor.position < head:
            page = await self._log.read_page(PageRequest(subscription_id, after=cursor, max_events=1))
            if page.gone or (page.through == cursor and not page.tails):
                return None
            cursor = page.through
            if page.tails:
                return await self._find_event(cursor.position)
        return None

    async def _find_event(self, position: int) -> Logged | None:
        def find(view: View) -> Logged | None:
            return view.insights.find_event(position)

        return await self._store.query(find)


def _find_shown(view: View, caller: User | Operator) -> Filter | None:
    """Answer which events the caller may know of besides those whose reader it is; None for all."""
    if isinstance(caller, Operator) or caller.role == OEM_ADMIN:
        return None
    clauses: dict[EventType, tuple[Clause, ...]] = {}
    for rule in view.access_rules.list_for(caller.oem, caller.role):
        terms = rule.terms
        clause = Clause(intersect(terms.oem_models, None), intersect(terms.property_names, None))
        clauses[terms.subscription_type] = (*clauses.get(terms.subscription_type, ()), clause)
    return Filter(caller.oem, None, None, clauses)


def _judge_all(
    view: View, subscription: Subscription, events: Sequence[Logged], acknowledged: int, sent: int
) -> list[Verdict]:
    """Judge events, the newest of them first; the log is counted once, however many they are."""
    verdicts: list[Verdict] = []
    known: Cursor | None = None
    for logged in reversed(events):
        verdict = _judge(view, subscription, logged, acknowledged, sent, known)
        if verdict.seq is not None:
            known = Cursor(logged.position, verdict.seq)
        verdicts.append(verdict)
    return verdicts[::-1]


def _judge(
    view: View, subscription: Subscription, logged: Logged, acknowledged: int, sent: int, known: Cursor | None
) -> Verdict:
    filter = view.insights.find_filter(subscription.id, logged.position)
    if filter is None:
        return Verdict(logged, None, None, (), before_creation=True)
    objections = object_to(filter, logged.event)
    if objections:
        return Verdict(logged, None, None, objections, before_creation=False)
    seq = view.insights.count_through(subscription.id, logged.position, known)
    delivery = "acknowledged" if seq <= acknowledged else "sent" if seq <= sent else "waiting"
    return Verdict(logged, seq, delivery, (), before_creation=False)


def _urgency(ranked: Ranked) -> tuple[float, int]:
    """Whoever loses events first comes first, then whoever is furthest behind."""
    standing = ranked.standing
    return (float("inf") if standing.loss_in_s is None else standing.loss_in_s, -standing.lag)
