"""Creating datapoints, many at a time: the hot path of the whole server.

Owns the decision: who may set what, and what follows from it. All that waits when the writer comes round is one group:
one statement reads all that decides, Python decides and encodes, and a few statements write the datapoints, the
properties' values, what is to reach devices, and the events; all in one transaction (design.md section 2).
Invariant: an item that is refused, for whatever reason, changes nothing and leaves its neighbours alone; a datapoint
and its event exist together or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import structlog
from msgspec import UNSET

from twinstream.errors import RequestError
from twinstream.model.check import invalid, must
from twinstream.model.content import encode_message, locate
from twinstream.model.datapoint import Content, Datapoint, check_device_time
from twinstream.model.device import Audience, check_steering
from twinstream.model.event import Event
from twinstream.model.principal import Device, User
from twinstream.model.property import Direction, PropertyRef, check_settable
from twinstream.model.receipt import Repeatable
from twinstream.model.value import BaseType, check_metadata, check_value
from twinstream.ports.command import NewValue
from twinstream.ports.content import Blobs
from twinstream.ports.datapoint import PropertyState, StoredDatapoint
from twinstream.ports.ids import NewId
from twinstream.ports.work import UnitOfWork
from twinstream.service.command import Deliveries
from twinstream.service.event import make_datapoint_event
from twinstream.service.receipt import Outcome, ReceiptBook

_log = structlog.get_logger(__name__)


class Draft(msgspec.Struct, frozen=True):
    """A datapoint that somebody wants to create, as sent; only devices send ``echo`` and ``device_time_ms``."""

    ref: PropertyRef
    value: object
    metadata: object = None
    echo: bool = False
    device_time_ms: object = None
    in_batch: bool = False


class Creation(msgspec.Struct, frozen=True):
    """One command of a group: everything that one request wants to be set, ``once`` if it may be repeated."""

    caller: User | Device
    drafts: tuple[Draft, ...]
    once: Repeatable | None = None


class CreationBatch:
    """The kind of command for `Store.run_batched`: answers a creation with the outcomes of its drafts, in order."""

    def __init__(self, new_id: NewId, deliveries: Deliveries, blobs: Blobs) -> None:
        self._new_id = new_id
        self._deliveries = deliveries
        self._blobs = blobs

    def __call__(self, work: UnitOfWork, commands: Sequence[Creation]) -> Sequence[list[Outcome] | RequestError]:
        """Run the commands in order. On the writer's thread."""
        places: dict[PropertyRef, int] = {}
        for creation in commands:
            for draft in creation.drafts:
                places.setdefault(draft.ref, len(places))
        states = work.datapoints.find_states(list(places))
        group = _Group(work, self._new_id, self._deliveries, self._blobs)
        receipts = ReceiptBook(work, [creation.once for creation in commands if creation.once is not None])
        outcomes: list[list[Outcome] | RequestError] = []
        for creation in commands:
            found = [states.get(places[draft.ref]) for draft in creation.drafts]
            decided = None if creation.once is None else receipts.find(creation.once)
            if isinstance(decided, list):
                decided = [_repeat(creation.caller, *pair) for pair in zip(found, decided, strict=True)]
            elif decided is None:
                decided = [group.create(creation.caller, *pair) for pair in zip(creation.drafts, found, strict=True)]
                if creation.once is not None:
                    receipts.keep(creation.once, decided)
            outcomes.append(decided)
        group.store()
        return outcomes


def _repeat(caller: User | Device, state: PropertyState | None, outcome: Outcome) -> Outcome:
    """Answer again what a draft came to, to whoever may still set the property."""
    try:
        _check_caller(caller, state)
    except RequestError as refusal:
        return refusal
    return outcome


class _Group:
    """What one group is going to write."""

    def __init__(self, work: UnitOfWork, new_id: NewId, deliveries: Deliveries, blobs: Blobs) -> None:
        self._work = work
        self._blobs = blobs
        self._now_s = work.now_s
        self._new_id = new_id
        self._deliveries = deliveries
        self._stored: list[StoredDatapoint] = []
        self._events: list[Event] = []
        self._newest: dict[int, Datapoint] = {}
        self._waiting: dict[int, NewValue] = {}
        self._gateways: set[int] = set()
        self._arrived: list[tuple[int, str]] = []

    def create(self, caller: User | Device, draft: Draft, state: PropertyState | None) -> Outcome:
        """Decide one draft against the state that the group, so far, leaves behind."""
        try:
            return self._create(caller, draft, state)
        except RequestError as refusal:
            return refusal
        except Exception:  # Why: a flaw that one draft brings to light must not fail its neighbours
            _log.exception("deciding a datapoint failed")
            return RequestError("internal")

    def store(self) -> None:
        """Write it all."""
        if not self._stored:
            return
        self._work.datapoints.add(self._stored)
        for event in self._events:
            self._work.log.append(event)
        if self._arrived:
            self._work.commands.remove_values(self._arrived)
        if self._waiting:
            self._work.commands.add_values(list(self._waiting.values()))
            for value in self._waiting.values():
                self._deliveries.expect(value.device_key)
            for gateway_key in self._gateways:
                self._deliveries.expect(gateway_key)

    def _create(self, caller: User | Device, draft: Draft, state: PropertyState | None) -> Datapoint:
        state = _check_caller(caller, state)
        by_user = isinstance(caller, User)
        if state.base_type in (BaseType.FILE, BaseType.MESSAGE):
            return self._open(state, draft, by_user=by_user)
        value = check_value(state.base_type, draft.value)
        metadata = check_metadata(draft.metadata)
        made_at = check_device_time(draft.device_time_ms, self._now_s)
        newest = self._newest.get(state.property_key, state.newest)
        if state.track_only_changes and newest is not None and newest.value == value:
            return newest
        datapoint = Datapoint(
            id=self._new_id.time_uuid(self._now_s),
            created_at=self._now_s,
            updated_at=self._now_s,
            created_at_from_device=made_at,
            user_uuid=state.owner,
            echo=draft.echo,
            closed=False,
            value=value,
            metadata=metadata,
            ack_enabled=state.ack_enabled,
        )
        self._keep(state, datapoint, by_user=by_user)
        return datapoint

    def _open(self, state: PropertyState, draft: Draft, *, by_user: bool) -> Datapoint:
        """Decide a file or message: its bytes come later (`service.content`), or are the value of a user's message."""
        if draft.in_batch:
            raise invalid("name", "is of a file or message property, which a batch cannot set")
        if not by_user and state.direction is Direction.INPUT:
            raise RequestError("forbidden", "What goes to the device is sent by users.")
        has_value = draft.value is not UNSET and draft.value is not None
        if has_value and state.base_type is BaseType.FILE:
            raise must("value", "not be given for a file property: its bytes are put to the address in the answer")
        id_ = self._new_id.time_uuid(self._now_s)
        if has_value:
            self._blobs.write(id_, encode_message(draft.value))
        datapoint = Datapoint(
            id=id_,
            created_at=self._now_s,
            updated_at=self._now_s,
            created_at_from_device=check_device_time(draft.device_time_ms, self._now_s),
            user_uuid=state.owner,
            echo=False,
            closed=has_value,
            value=locate(state.property_key, id_) if has_value else None,
            metadata=check_metadata(draft.metadata),
            ack_enabled=state.ack_enabled,
            content=Content(state.property_key, None),
        )
        if has_value:
            self._keep(state, datapoint, by_user=by_user)
        else:
            self._stored.append(StoredDatapoint(state.property_key, datapoint))
        return datapoint

    def _keep(self, state: PropertyState, datapoint: Datapoint, *, by_user: bool) -> None:
        self._events.append(make_datapoint_event(state, datapoint))
        self._stored.append(StoredDatapoint(state.property_key, datapoint))
        self._newest[state.property_key] = datapoint
        if by_user:
            if state.gateway_key is not None:
                self._gateways.add(state.gateway_key)
            self._waiting[state.property_key] = NewValue(
                state.property_key, state.device_key, datapoint.id, datapoint.value
            )
        elif datapoint.echo and state.direction is Direction.INPUT:
            handed = self._deliveries.find_handed_value(state.device_key, state.property_key)
            if handed is None and state.gateway_key is not None:
                handed = self._deliveries.find_handed_value(state.gateway_key, state.property_key)
            if handed is not None:
                self._arrived.append((state.property_key, handed))


def _check_caller(caller: User | Device, state: PropertyState | None) -> PropertyState:
    """Answer the state if the caller may set the property. Raises RequestError ``not_found``, ``forbidden``."""
    if state is None or state.oem != caller.oem:
        raise RequestError("not_found")
    if isinstance(caller, User):
        if caller.uuid in state.hidden_from:
            raise RequestError("not_found")
        check_steering(Audience(state.owner, state.holders), caller.uuid)
        check_settable(state.direction, state.read_only)
    elif caller.key not in (state.device_key, state.gateway_key):
        raise RequestError("not_found")
    return state
