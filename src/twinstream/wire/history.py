"""Bodies of the history of datapoints: pages, and spans of time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from twinstream.model.check import must
from twinstream.model.datapoint import Datapoint, DatapointPage, Span
from twinstream.model.property import Property
from twinstream.wire.body import read_body
from twinstream.wire.datapoint import DatapointFieldsReply, DatapointReply, Links, show_datapoint, show_datapoints
from twinstream.wire.property import PropertyFieldsReply, show_property


class PageMeta(msgspec.Struct, frozen=True):
    """Where a page stands: what to pass as ``previous`` or ``next`` for its neighbours, null where there is none."""

    previous_page: str | None
    next_page: str | None
    current_page_number: int


class DatapointPageReply(msgspec.Struct, frozen=True):
    """``{"meta": {...}, "datapoints": [{"datapoint": {...}}, ...]}``."""

    meta: PageMeta
    datapoints: list[DatapointReply]


class TimeRange(msgspec.Struct, frozen=True):
    """A span of time: after ``start_time``, through ``end_time``, both ``2014/01/01 00:00:00`` in UTC."""

    time_range_id: Any
    start_time: str
    end_time: str


class TimeRangesRequest(msgspec.Struct, frozen=True):
    """``{"time_range_filter": [...]}``."""

    time_range_filter: list[TimeRange]


class TimeRangeReply(msgspec.Struct, frozen=True):
    """The first and the last datapoint of a span, without wrappers."""

    time_range_id: Any
    datapoints: list[DatapointFieldsReply]


class TimeRangesReply(msgspec.Struct, frozen=True):
    """``{"property": {...}, "time_ranges": [...]}``."""

    property: PropertyFieldsReply
    time_ranges: list[TimeRangeReply]


def read_time_ranges(body: object) -> tuple[list[Any], list[Span]]:
    """Read spans of time and what they are called. Raises RequestError ``invalid``."""
    ranges = read_body(body, TimeRangesRequest).time_range_filter
    spans = [
        Span(read_date(one.start_time, field="start_time") + 1, read_date(one.end_time, field="end_time") + 1)
        for one in ranges
    ]
    return [one.time_range_id for one in ranges], spans


def read_date(text: str, *, field: str) -> float:
    """Read a time in UTC, into seconds since 1970: as the APIs write it, or ``2014/01/01 00:00:00``, or the date alone.

    Raises:
        RequestError: ``invalid``, naming the field.
    """
    found = _DATE.fullmatch(text.strip())
    try:
        return datetime(*(int(part or 0) for part in found.groups()), tzinfo=UTC).timestamp()  # type: ignore[union-attr, misc, arg-type]
    except (AttributeError, ValueError):
        raise must(field, "be a time of the form 2018-09-24T10:26:37Z or 2018/09/24 10:26:37") from None


def show_page(page: DatapointPage, per_page: int, links: Links) -> DatapointPageReply:
    """Write a page; its number counts from the oldest datapoint, in pages of this size, from 1."""
    ids = [datapoint.id for datapoint in page.datapoints]
    meta = PageMeta(
        ids[0] if ids and page.before else None,
        ids[-1] if ids and page.after else None,
        -(-page.before // per_page) + 1,
    )
    return DatapointPageReply(meta, show_datapoints(page.datapoints, links))


def show_time_ranges(
    found: Property, retention_days: int, names: Sequence[Any], ends: Sequence[Sequence[Datapoint]], links: Links
) -> TimeRangesReply:
    """Write what spans of time have at their ends."""
    ranges = [
        TimeRangeReply(name, [show_datapoint(one, links).datapoint for one in datapoints])
        for name, datapoints in zip(names, ends, strict=True)
    ]
    return TimeRangesReply(show_property(found, retention_days, links).property, ranges)


_DATE = re.compile(r"(\d{4})[-/](\d\d)[-/](\d\d)(?:[T ](\d\d):(\d\d):(\d\d)Z?)?", re.ASCII)
