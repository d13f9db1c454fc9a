"""Retention: removes what an OEM's limits of age and size no longer keep, oldest first.

Owns when and how much; `sqlite.slice` owns how. A slice is read and counted on a reading thread and removed in one
command of the writer, kept near `TARGET_S` by fitting the size of the next; producers' groups go in between. Nothing
is removed while the clock is behind the newest record by over an hour: it was wrong then or is wrong now.
"""

from __future__ import annotations

from typing import Any

import structlog

from twinstream.model.oem import Retention
from twinstream.ports.clock import Clock
from twinstream.ports.work import Store
from twinstream.sqlite.slice import Census, EventRow, Slice, Survey

TARGET_S = 0.015
"""What a slice's statements should take of the writer; with their commit at most 50 ms (design.md section 2)."""

SMALLEST_SLICE, LARGEST_SLICE = 50, 5000
"""Events in a slice."""

CLOCK_TOLERANCE_S = 3600.0

_log = structlog.get_logger(__name__)


class Trimmer:
    """Call `run` every few seconds to minutes, never twice at once. ``default`` is for OEMs without own limits."""

    def __init__(self, store: Store, clock: Clock, default: Retention) -> None:
        self._store = store
        self._clock = clock
        self._default = default
        self._slice_events = SMALLEST_SLICE * 4

    async def run(self) -> int:
        """Remove all that the limits no longer keep and answer how many events that was.

        Raises: RequestError ``storage_full``, ``storage_failed``, ``too_many_requests`` or ``shutting_down`` as `Store`
        does; what was removed before stays removed, and the next run goes on.
        """
        now_s = self._clock.now_s()
        newest_at = await self._store.query(lambda view: view.slices.newest_at())
        if newest_at is None:
            return 0
        if newest_at - now_s > CLOCK_TOLERANCE_S:
            _log.warning("retention is suspended: the clock is behind the newest event", behind_s=newest_at - now_s)
            return 0
        removed = 0
        for oem, own in await self._store.query(lambda view: view.slices.list_limits()):
            removed += await self._trim(oem, self._limits(own), now_s)
        await self._trim_controls(now_s)
        return removed

    def _limits(self, own: Retention) -> Retention:
        return Retention(
            age_s=self._default.age_s if own.age_s is None else own.age_s,
            size_bytes=self._default.size_bytes if own.size_bytes is None else own.size_bytes,
        )

    async def _trim(self, oem: str, limits: Retention, now_s: float) -> int:
        """Remove slice after slice of an OEM's log."""
        run = await self._store.query(lambda view: _Run(oem, limits, now_s, view.slices.survey(oem)))
        removed = 0
        while slice := await self._store.query(lambda view: run.next_slice(view, self._slice_events)):
            if not await self._remove(slice):
                break
            removed += len(slice.positions)
        return removed

    async def _remove(self, slice: Slice) -> bool:
        """Remove a slice, and fit the size of the next to how long it took."""

        def remove(work: Any) -> tuple[bool, float]:
            began_s = self._clock.monotonic_s()
            return work.slices.remove(slice), self._clock.monotonic_s() - began_s

        removed, took_s = await self._store.run(remove)
        if took_s > TARGET_S * 1.5:
            self._slice_events = max(SMALLEST_SLICE, self._slice_events // 2)
        elif took_s < TARGET_S / 2 and len(slice.positions) == self._slice_events:
            self._slice_events = min(LARGEST_SLICE, self._slice_events * 2)
        return removed

    async def _trim_controls(self, now_s: float) -> None:
        if (age_s := self._default.age_s) is None:
            return
        while await self._store.run(lambda work: work.slices.remove_controls(now_s - age_s, SMALLEST_SLICE * 10)):
            pass


class _Run:
    """One OEM's trimming, from where it stands to where its limits are kept. Used by one query at a time.

    Invariant: no event beyond the survey's head is counted, so stretches that began after the survey don't matter.
    """

    def __init__(self, oem: str, limits: Retention, now_s: float, survey: Survey) -> None:
        self._oem = oem
        self._limits = limits
        self._now_s = now_s
        self._survey = survey
        self._after = survey.trimmed_through
        self._census: Census | None = None

    def next_slice(self, view: Any, limit: int) -> Slice | None:
        """Count the oldest events that the limits do not keep, up to ``limit``; None if there are none."""
        rows = view.slices.read(self._oem, self._after, self._survey.head, limit)
        kept = next((index for index, row in enumerate(rows) if self._keeps(row)), len(rows))
        if not kept:
            return None
        if self._census is None:
            self._census = Census(self._oem, view.slices.list_stretches(self._oem))
        slice = self._census.count(self._after, rows[:kept])
        self._after = slice.through
        return slice

    def _keeps(self, row: EventRow) -> bool:
        """Tell whether an event stays; all after the first that does stay too, whatever the clock said at them."""
        age_s, size_bytes = self._limits.age_s, self._limits.size_bytes
        from_here_on = self._survey.total_bytes - row.oem_bytes + row.size_bytes
        young = age_s is None or row.created_at >= self._now_s - age_s
        return young and (size_bytes is None or from_here_on <= size_bytes)
