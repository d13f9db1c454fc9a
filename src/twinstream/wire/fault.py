"""Bodies of faults: what is to be done to a subscription's sockets, and what was done."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from twinstream.model.check import must
from twinstream.model.fault import PROFILES, Close, FaultCounts, Faults
from twinstream.wire.body import read_body


class CloseRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When to close a socket: behind ``after_events`` records or ``every_s`` seconds; ``code`` null: no close frame."""

    code: int | None = None
    after_events: int | None = None
    every_s: float | None = None


class FaultsRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Faults to be set, instead of all that are set; what is left out is not done.

    ``profile`` names faults that come together, of which the other members replace some.
    """

    profile: str | UnsetType = UNSET
    seed: int | UnsetType = UNSET
    drop: float | UnsetType = UNSET
    duplicate: float | UnsetType = UNSET
    reorder: int | UnsetType = UNSET
    delay_ms: tuple[int, int] | UnsetType = UNSET
    mute_heartbeats: float | UnsetType = UNSET
    close: CloseRequest | UnsetType | None = UNSET


class FaultsFieldsReply(msgspec.Struct, frozen=True):
    """The faults that are set, in the form in which they can be set again."""

    seed: int
    drop: float
    duplicate: float
    reorder: int
    delay_ms: tuple[int, int]
    mute_heartbeats: float
    close: CloseRequest | None


class FaultsDoneReply(msgspec.Struct, frozen=True):
    """What was done to the sockets since the faults were set; ``connections`` counts the sockets."""

    connections: int
    dropped: int
    duplicated: int
    reordered: int
    delayed: int
    muted: int
    closed: int


class FaultsReply(msgspec.Struct, frozen=True):
    """The faults of a subscription: null if there are none."""

    subscription_id: int
    faults: FaultsFieldsReply | None
    done: FaultsDoneReply


def read_faults(body: object) -> Faults:
    """Read faults. Raises RequestError ``invalid``, also for an unknown profile."""
    request = read_body(body, FaultsRequest)
    base = Faults()
    if not isinstance(request.profile, UnsetType):
        if request.profile not in PROFILES:
            raise must("profile", f"be one of {', '.join(PROFILES)}")
        base = PROFILES[request.profile][1]
    given = {
        name: getattr(request, name)
        for name in Faults.__struct_fields__
        if not isinstance(getattr(request, name), UnsetType)
    }
    if isinstance(request.close, CloseRequest):
        given["close"] = Close(request.close.code, request.close.after_events, request.close.every_s)
    return msgspec.structs.replace(base, **given)


def show_faults(subscription_id: int, faults: Faults | None, counts: FaultCounts) -> FaultsReply:
    """Write the faults of a subscription."""
    done = FaultsDoneReply(**msgspec.structs.asdict(counts))
    if faults is None:
        return FaultsReply(subscription_id, None, done)
    close = None if faults.close is None else CloseRequest(**msgspec.structs.asdict(faults.close))
    return FaultsReply(subscription_id, FaultsFieldsReply(**{**msgspec.structs.asdict(faults), "close": close}), done)
