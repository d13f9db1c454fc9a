"""Datapoints: creating, reading and acknowledging them, and letting old ones go.

Owns the use cases around `service.creation`. Invariant: a datapoint, the value of its property and its event commit
together, and nobody is answered before.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import cast

import msgspec

from twinstream.errors import RequestError
from twinstream.model.check import must
from twinstream.model.datapoint import ALL_TIME, Acknowledgement, Datapoint, DatapointPage, Span
from twinstream.model.principal import Device, User
from twinstream.model.property import Property, PropertyRef
from twinstream.model.receipt import Repeatable
from twinstream.ports.clock import Clock
from twinstream.ports.content import Blobs
from twinstream.ports.datapoint import PageWanted
from twinstream.ports.ids import NewId
from twinstream.ports.work import Store, UnitOfWork, View
from twinstream.service.command import Deliveries
from twinstream.service.creation import Creation, CreationBatch, Draft
from twinstream.service.event import make_ack_event
from twinstream.service.receipt import Outcome

BATCH_LIMIT = 1000
"""Most datapoints that one request may create."""

LIST_LIMIT = 100
"""Most datapoints that one list answers. Source: ayla-facts 3.6."""

SPANS_LIMIT = 100
"""Most spans of time that one request may ask for."""

PURGE_SLICE = 500
"""Datapoints looked at, and at most deleted, in one go: a few milliseconds of the writer's time."""


class DatapointService:
    """Use cases of users and devices that set and read values."""

    def __init__(
        self, store: Store, clock: Clock, new_id: NewId, deliveries: Deliveries, blobs: Blobs, *, keep_s: float
    ) -> None:
        self._store = store
        self._clock = clock
        self._new_id = new_id
        self._kind = CreationBatch(new_id, deliveries, blobs)
        self._keep_s = keep_s

    async def create(self, caller: User | Device, draft: Draft, once: Repeatable | None = None) -> Datapoint:
        """Create one datapoint, with ``once`` only if it was not created before (`service.receipt`).

        Raises the RequestError that refuses it.
        """
        outcomes: list[Outcome] = await self._store.run_batched(self._kind, Creation(caller, (draft,), once))
        (outcome,) = outcomes
        if isinstance(outcome, RequestError):
            raise outcome
        return outcome

    async def create_many(
        self, caller: User | Device, drafts: Sequence[Draft], once: Repeatable | None = None
    ) -> Sequence[Outcome]:
        """Create many in one transaction, each for itself: answer a datapoint or the error that refuses it, in order.

        Raises:
            RequestError: ``invalid`` for more than `BATCH_LIMIT`, ``conflict`` (`service.receipt`): nothing is created.
        """
        if len(drafts) > BATCH_LIMIT:
            raise must("batch_datapoints", f"hold at most {BATCH_LIMIT}")
        if not drafts:
            return []
        creation = Creation(caller, tuple(msgspec.structs.replace(draft, in_batch=True) for draft in drafts), once)
        outcomes: list[Outcome] = await self._store.run_batched(self._kind, creation, len(drafts))
        return outcomes

    async def find(self, user: User, ref: PropertyRef, datapoint_id: str) -> Datapoint:
        """Find one. Raises RequestError ``not_found``."""
        found: Datapoint | None = await self._store.query(
            lambda view: view.datapoints.find_visible(user, ref, datapoint_id)
        )
        if found is None:
            raise RequestError("not_found")
        return found

    async def list_newest(
        self, user: User, ref: PropertyRef, limit: int = LIST_LIMIT, span: Span = ALL_TIME
    ) -> Sequence[Datapoint]:
        """List a property's newest datapoints, oldest first: 1 to `LIST_LIMIT`. Raises RequestError ``not_found``."""
        count = min(max(limit, 1), LIST_LIMIT)
        found: Sequence[Datapoint] | None = await self._store.query(
            lambda view: view.datapoints.list_visible(user, ref, count, span)
        )
        if found is None:
            raise RequestError("not_found")
        return found

    async def read_page(self, user: User, ref: PropertyRef, wanted: PageWanted) -> DatapointPage:
        """Read a page of a property's datapoints, 1 to `LIST_LIMIT` of them. Raises RequestError ``not_found``."""
        bounded = msgspec.structs.replace(wanted, limit=min(max(wanted.limit, 1), LIST_LIMIT))
        found: DatapointPage | None = await self._store.query(
            lambda view: view.datapoints.page_visible(user, ref, bounded)
        )
        if found is None:
            raise RequestError("not_found")
        return found

    async def list_ends(
        self, user: User, ref: PropertyRef, spans: Sequence[Span]
    ) -> tuple[Property, Sequence[Sequence[Datapoint]]]:
        """Answer a property, and the first and last datapoint of each span.

        Raises:
            RequestError: ``invalid`` for more than `SPANS_LIMIT`; ``not_found``.
        """
        if len(spans) > SPANS_LIMIT:
            raise must("time_range_filter", f"hold at most {SPANS_LIMIT}")

        def read(view: View) -> tuple[Property | None, Sequence[Sequence[Datapoint]] | None]:
            return view.properties.find_visible(user, ref), view.datapoints.list_ends(user, ref, spans)

        found, ends = await self._store.query(read)
        if found is None or ends is None:
            raise RequestError("not_found")
        return found, ends

    async def acknowledge(self, device: Device, name: str, datapoint_id: str, answer: Acknowledgement) -> None:
        """Store how the device answered a datapoint, and tell it. The same answer again changes nothing.

        Raises:
            RequestError: ``not_found`` for a datapoint that is not of this property, or was made for an earlier owner;
                ``invalid`` for a property that asks for no acknowledgements.
        """
        await self._store.run(lambda work: self._acknowledge(work, device, name, datapoint_id, answer))

    async def purge(self) -> int:
        """Delete slice by slice what is too old, but never a property's newest datapoint; answer how many.

        Receipts go with them.
        """
        deleted, place = 0, cast("int | None", 0)
        while place is not None:
            numbers, place = await self._store.query(partial(_find_old, keep_s=self._keep_s, after=place))
            if numbers:
                deleted += await self._store.run(partial(_remove, numbers=numbers))
        while await self._store.run(lambda work: work.receipts.remove_old(PURGE_SLICE)):
            pass
        return deleted

    def _acknowledge(
        self, work: UnitOfWork, device: Device, name: str, datapoint_id: str, answer: Acknowledgement
    ) -> None:
        found = work.datapoints.find_own(device, name, datapoint_id)
        if found is None:
            raise RequestError("not_found")
        if not found.state.ack_enabled:
            raise RequestError("invalid", "The property asks for no acknowledgements.", field="ack_status")
        state, datapoint, acked_at = found.state, found.datapoint, work.now_s
        work.commands.remove_values([(state.property_key, datapoint_id)])
        if (datapoint.ack_status, datapoint.ack_message) == (answer.status, answer.message):
            return
        ack_id = self._new_id.time_uuid(acked_at)
        work.datapoints.acknowledge(state.property_key, datapoint_id, answer, ack_id, acked_at)
        work.log.append(make_ack_event(state, datapoint, answer, ack_id, acked_at))


def _find_old(view: View, *, keep_s: float, after: int) -> tuple[Sequence[int], int | None]:
    return view.datapoints.find_old(keep_s, after, PURGE_SLICE)


def _remove(work: UnitOfWork, *, numbers: Sequence[int]) -> int:
    return work.datapoints.remove(numbers)
