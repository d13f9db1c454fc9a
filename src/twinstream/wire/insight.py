"""The bodies of the questions about streams: how far one is, all at a glance, why an event did not come.

Ours, not of the compatible APIs: numbers (seq) are decimal strings as on the stream, the rest is plain JSON. The
sentences are for people; programs read the fields beside them.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from twinstream.model.event import Event
from twinstream.model.standing import Standing
from twinstream.model.verdict import Objection
from twinstream.wire.time import format_optional_time, format_time


class SessionReply(msgspec.Struct, frozen=True):
    """An open socket. ``id`` names it as long as it is open; ``lag``: a measure of the log before it, 0 when level.

    ``connected_s`` and ``silent_s``: seconds since it opened, and since anything came from it. ``is_full``: it takes
    less than comes. ``observes``: it does not move the acknowledgement.
    """

    id: str
    state: str
    seq: str
    lag: int
    is_full: bool
    observes: bool
    connected_s: float
    silent_s: float


class StandingReply(msgspec.Struct, frozen=True):
    """How far a subscription is; see `model.standing.Standing`. ``lag``: events that are kept and not acknowledged."""

    newest_seq: str
    oldest_seq: str
    acknowledged_seq: str
    lag: int
    unread_since: str | None
    loss_in_s: float | None
    gaps: int
    is_suspended: bool
    sessions: Sequence[SessionReply]


class StatusReply(msgspec.Struct, frozen=True):
    """``{"status": {...}}``."""

    status: StandingReply


class RankedReply(msgspec.Struct, frozen=True):
    """A subscription of the overview, those first that lose events soonest."""

    id: int
    name: str | None
    user_uuid: str
    subscription_type: str
    client_type: str
    standing: StandingReply


class DevicesReply(msgspec.Struct, frozen=True):
    """Counts of devices."""

    total: int
    online: int


class OverviewFieldsReply(msgspec.Struct, frozen=True):
    """``scope``: ``oem`` for its administrators, who see all of its devices and cloud subscriptions; ``user``."""

    scope: str
    devices: DevicesReply
    sessions: int
    events_per_s: float | None
    subscriptions: Sequence[RankedReply]


class OverviewReply(msgspec.Struct, frozen=True):
    """``{"overview": {...}}``."""

    overview: OverviewFieldsReply


class ObjectionReply(msgspec.Struct, frozen=True):
    """A test that an event failed: ``wanted`` lists up to 20 of what would have passed."""

    test: str
    found: str | None
    wanted: Sequence[str]
    text: str


class VerdictReply(msgspec.Struct, frozen=True):
    """What became of an event. ``delivery``: ``acknowledged``, ``sent``, ``waiting``; null if it has no number."""

    created_at: str
    event_type: str
    dsn: str
    oem_model: str
    property_name: str | None
    event: msgspec.Raw
    matched: bool
    seq: str | None
    delivery: str | None
    objections: Sequence[ObjectionReply]
    text: str


class WhyReply(msgspec.Struct, frozen=True):
    """``{"verdicts": [...]}``, the newest event first. ``note`` says what to make of an empty list."""

    verdicts: Sequence[VerdictReply]
    note: str


_DELIVERIES = {
    "acknowledged": "It is number {seq}, and was acknowledged.",
    "sent": "It is number {seq}, and was sent to a socket that is open now; no heartbeat after it was answered yet.",
    "waiting": "It is number {seq}, and waits for a socket that reads it.",
}
_TESTS = {
    "oem": "It belongs to another OEM.",
    "subscription_type": "It is a {found} event; the subscription is for {wanted}.",
    "access_rule": "No access rule lets the role of the subscription's owner see a {found} event.",
    "dsn": "Its device, {found}, is none of those subscribed to: {wanted}.",
    "reader": "The subscription's owner neither owned the device nor held a share of it when it happened.",
    "oem_model": "The model of its device, {found}, is none of those subscribed to or allowed: {wanted}.",
    "property_name": "Its property, {found}, is none of those subscribed to or allowed: {wanted}.",
}
NOTHING_THERE = (
    "No event of such a device is in the log that you may know of: it never happened, retention has removed it,"
    " or the device was not yours then."
)


def show_standing(standing: Standing, is_suspended: bool, sessions: Sequence[SessionReply]) -> StandingReply:
    """Write how far a subscription is."""
    return StandingReply(
        newest_seq=str(standing.newest_seq),
        oldest_seq=str(standing.oldest_seq),
        acknowledged_seq=str(standing.acknowledged_seq),
        lag=standing.lag,
        unread_since=format_optional_time(standing.unread_since),
        loss_in_s=None if standing.loss_in_s is None else round(standing.loss_in_s, 1),
        gaps=standing.gaps,
        is_suspended=is_suspended,
        sessions=sessions,
    )


def show_verdict(
    event: Event,
    created_at: float,
    seq: int | None,
    delivery: str | None,
    objections: Sequence[Objection],
    *,
    before_creation: bool,
) -> VerdictReply:
    """Write what became of an event."""
    shown = [_show_objection(objection) for objection in objections]
    if delivery is not None:
        text = _DELIVERIES[delivery].format(seq=seq)
    elif before_creation:
        text = "It happened before the subscription was made."
    else:
        text = " ".join(objection.text for objection in shown)
    return VerdictReply(
        created_at=format_time(created_at),
        event_type=event.type,
        dsn=event.dsn,
        oem_model=event.oem_model,
        property_name=event.property_name,
        event=msgspec.Raw(b"{" + event.tail),
        matched=seq is not None,
        seq=None if seq is None else str(seq),
        delivery=delivery,
        objections=shown,
        text=text,
    )


def _show_objection(objection: Objection) -> ObjectionReply:
    wanted = ", ".join(objection.wanted) or "nothing"
    text = _TESTS[objection.test].format(found=objection.found, wanted=wanted)
    return ObjectionReply(objection.test, objection.found, objection.wanted, text)
