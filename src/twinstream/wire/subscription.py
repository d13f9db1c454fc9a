"""Bodies of subscriptions: the cloud form and the mobile form are one, told apart by ``client_type``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from twinstream.model.check import invalid, must
from twinstream.model.event import EventType
from twinstream.model.selection import Selection, format_selection, parse_selection
from twinstream.model.subscription import ClientType, StartFrom, Subscription, Terms
from twinstream.wire.body import read_body, unwrap
from twinstream.wire.time import format_time


class SubscriptionRequest(msgspec.Struct, frozen=True):
    """A subscription to be made or changed, with or without the wrapper ``subscription``.

    ``dsn``, ``oem_model``, ``property_name`` are comma lists or ``*``; mobile clients may leave them out.
    ``subscription_type`` is one type, or for mobile clients a comma list. ``start_from``: ``acknowledged`` or
    ``live``. ``id`` for a change only.
    """

    id: int | str | UnsetType = UNSET
    name: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    dsn: str | UnsetType | None = UNSET
    oem_model: str | UnsetType | None = UNSET
    property_name: str | UnsetType | None = UNSET
    client_type: ClientType | UnsetType = UNSET
    subscription_type: str | UnsetType = UNSET
    batch_size: int | str | UnsetType | None = UNSET
    start_from: StartFrom | UnsetType = UNSET


class SubscriptionFieldsReply(msgspec.Struct, frozen=True):
    """A subscription, in the documents' order; ``start_from`` is an extension.

    ``stream_key`` is null where it is not kept.
    """

    id: int
    oem: str
    dsn: str
    name: str | None
    description: str | None
    property_name: str
    connection_status: str
    batch_size: int
    is_suspended: bool
    created_at: str
    updated_at: str
    date_suspended: str | None
    user_uuid: str
    oem_model: str
    stream_key: str | None
    client_type: str
    subscription_type: str
    start_from: str


class SubscriptionReply(msgspec.Struct, frozen=True):
    """``{"subscription": {...}}``."""

    subscription: SubscriptionFieldsReply


class SequenceReply(msgspec.Struct, frozen=True):
    """How far a subscription's numbers have come: the last given, and the oldest that can still be read."""

    seq: str
    oldest: str


class GapReply(msgspec.Struct, frozen=True):
    """Numbers that were asked for when retention had removed them: ``from_seq`` through ``through_seq``."""

    from_seq: str
    through_seq: str
    created_at: str


def read_terms(body: object) -> Terms:
    """Read a subscription to be made.

    Raises RequestError ``invalid``; what terms must be together is not checked here.
    """
    request = read_body(unwrap(body, "subscription"), SubscriptionRequest)
    for field in ("client_type", "subscription_type"):
        if isinstance(getattr(request, field), UnsetType):
            raise invalid(field, "is missing")
    changes = _read_fields(request)
    if changes["client_type"] is not ClientType.MOBILE:
        for field in ("oem_model", "property_name"):
            if not getattr(request, field):
                raise invalid(field, "is missing")
    return Terms(**changes)


def read_change(body: object) -> tuple[int | None, Callable[[Terms], Terms]]:
    """Read a change: the id in it, if any, and the new terms as a function of the present ones.

    What is left out stays; a null list becomes ``*``. Raises RequestError ``invalid``.
    """
    request = read_body(unwrap(body, "subscription"), SubscriptionRequest)
    changes = _read_fields(request)
    subscription_id = None if isinstance(request.id, UnsetType) else _read_whole(request.id, field="id")
    return subscription_id, lambda terms: msgspec.structs.replace(terms, **changes)


def show_subscription(subscription: Subscription, stream_key: str | None, is_connected: bool) -> SubscriptionReply:
    """Write a subscription."""
    terms = subscription.terms
    return SubscriptionReply(
        SubscriptionFieldsReply(
            id=subscription.id,
            oem=subscription.oem,
            dsn=format_selection(terms.dsns),
            name=terms.name,
            description=terms.description,
            property_name=format_selection(terms.property_names),
            connection_status="Online" if is_connected else "Offline",
            batch_size=terms.batch_size,
            is_suspended=subscription.suspended_at is not None,
            created_at=format_time(subscription.created_at),
            updated_at=format_time(subscription.updated_at),
            date_suspended=None if subscription.suspended_at is None else format_time(subscription.suspended_at),
            user_uuid=subscription.user_uuid,
            oem_model=format_selection(terms.oem_models),
            stream_key=stream_key,
            client_type=terms.client_type,
            subscription_type=",".join(terms.types),
            start_from=terms.start_from,
        )
    )


def show_numbers(last: int, oldest: int) -> SequenceReply:
    """Write how far numbers have come."""
    return SequenceReply(str(last), str(oldest))


def show_gaps(gaps: Iterable[tuple[int, int, float]]) -> list[GapReply]:
    """Write gaps: from, through, time in seconds since 1970."""
    return [GapReply(str(from_seq), str(through_seq), format_time(at_s)) for from_seq, through_seq, at_s in gaps]


def _read_fields(request: SubscriptionRequest) -> dict[str, Any]:
    """Answer the fields of `Terms` that the request names."""
    return {
        term: read(given, field)
        for field, (term, read) in _READERS.items()
        if not isinstance(given := getattr(request, field), UnsetType)
    }


def _read_types(text: str, field: str) -> tuple[EventType, ...]:
    names = parse_selection(text, field=field)
    known = {kind.value: kind for kind in EventType}
    if names is None or not known.keys() >= set(names):
        raise must(field, f"be one of {', '.join(known)}, or a comma list of them")
    return tuple(known[name] for name in names)


def _read_list(text: str | None, field: str) -> Selection:
    """Read a list; ``\\*``, as the documents' samples print the star, is the star."""
    names = ("*" if name.strip() == r"\*" else name for name in (text or "*").split(","))
    return parse_selection(",".join(names), field=field)


def _read_whole(number: int | str | None, field: str) -> int:
    if isinstance(number, str):
        if _DIGITS.fullmatch(number) is None:
            raise must(field, "be a whole number")
        return int(number)
    return 1 if number is None else number


def _keep(given: object, field: str) -> object:  # noqa: ARG001
    return given


_DIGITS = re.compile(r"[0-9]{1,18}", re.ASCII)
_READERS: Mapping[str, tuple[str, Callable[[Any, str], object]]] = {
    "client_type": ("client_type", _keep),
    "subscription_type": ("types", _read_types),
    "dsn": ("dsns", _read_list),
    "oem_model": ("oem_models", _read_list),
    "property_name": ("property_names", _read_list),
    "batch_size": ("batch_size", _read_whole),
    "name": ("name", _keep),
    "description": ("description", _keep),
    "start_from": ("start_from", _keep),
}
"""Field of the request to field of `Terms`, and how it is read."""
