"""The history of datapoints, as users read it below `/apiv1`: lists, pages, spans of time, one by its id.

Whose history it is, is told in three ways: by a device's DSN or key with a property's name, or by a property's key.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from litestar import Request, get
from litestar.params import FromPath

from twinstream.errors import RequestError
from twinstream.model.content import NOT_YET
from twinstream.model.datapoint import Span
from twinstream.model.principal import User
from twinstream.model.property import PropertyRef
from twinstream.ports.datapoint import PageWanted
from twinstream.service.content import ContentService
from twinstream.service.datapoint import LIST_LIMIT, DatapointService
from twinstream.service.property import PropertyService
from twinstream.web.authentication import Given
from twinstream.web.body import read_json
from twinstream.web.datapoint import BY_DEVICE, BY_DSN, BY_KEY
from twinstream.web.openapi import describe_body, describe_query
from twinstream.web.query import read_query
from twinstream.web.ref import by_device, by_dsn, by_key
from twinstream.web.signed import RequestLinks
from twinstream.wire.content import show_message
from twinstream.wire.datapoint import DatapointReply, show_datapoint, show_datapoints
from twinstream.wire.history import (
    DatapointPageReply,
    TimeRangesReply,
    TimeRangesRequest,
    read_date,
    read_time_ranges,
    show_page,
    show_time_ranges,
)

_RANGES = describe_body(TimeRangesRequest)

Listed = list[DatapointReply] | DatapointPageReply

_LIST_QUERY = {
    "limit": "How many of the newest; more than 100 is 100.",
    "paginated": "`true`: one page, with the ids that the next and the previous one begin behind.",
    "per_page": "How many in a page; more than 100 is 100.",
    "is_forward_page": "`false`: the page before `previous`, else the page behind `next`.",
    "next": "The id behind which the page begins.",
    "previous": "The id before which the page ends.",
    "filter[created_at_since_date]": "Only those created at this time or later.",
    "filter[created_at_end_date]": "Only those created at this time or earlier.",
}


@get(BY_DSN, operation_class=describe_query(**_LIST_QUERY), tags=["datapoints"])
async def list_datapoints_by_dsn(
    dsn: FromPath[str],
    name: FromPath[str],
    request: Request[Any, Any, Any],
    user: Given[User],
    datapoints: Given[DatapointService],
    contents: Given[ContentService],
) -> Listed:
    """List the newest datapoints of a property, oldest first: 100, or ``limit``.

    ``filter[created_at_since_date]`` and ``filter[created_at_end_date]`` limit the time, both included. With
    ``paginated=true`` the answer is a page of ``per_page`` (at most 100): the first is that of the oldest datapoints
    kept, and pages go forward in time. ``is_forward_page=true&next=<next_page>`` asks for the next one,
    ``is_forward_page=false&previous=<previous_page>`` for the one before.
    """
    return await _list(datapoints, contents, user, by_dsn(dsn, name), request)


@get(BY_DEVICE, operation_class=describe_query(**_LIST_QUERY), tags=["datapoints"])
async def list_datapoints(
    device_key: FromPath[str],
    name: FromPath[str],
    request: Request[Any, Any, Any],
    user: Given[User],
    datapoints: Given[DatapointService],
    contents: Given[ContentService],
) -> Listed:
    """List the newest datapoints of a property of a device named by its key; the query as by DSN."""
    return await _list(datapoints, contents, user, by_device(device_key, name), request)


@get(BY_KEY, operation_class=describe_query(**_LIST_QUERY), tags=["datapoints"])
async def list_datapoints_by_key(
    property_key: FromPath[str],
    request: Request[Any, Any, Any],
    user: Given[User],
    datapoints: Given[DatapointService],
    contents: Given[ContentService],
) -> Listed:
    """List the newest datapoints of a property named by its own key; the query as by DSN."""
    return await _list(datapoints, contents, user, by_key(property_key), request)


@get(f"{BY_DSN}/time_range_filter", operation_class=_RANGES, tags=["datapoints"])
async def list_range_ends_by_dsn(
    dsn: FromPath[str],
    name: FromPath[str],
    request: Request[Any, Any, Any],
    user: Given[User],
    datapoints: Given[DatapointService],
    contents: Given[ContentService],
    properties: Given[PropertyService],
) -> TimeRangesReply:
    """Answer the first and the last datapoint of each span of time that the body (of this GET) names.

    The start is excluded, the end included. At most 100 spans.
    """
    return await _list_ends(datapoints, contents, properties, user, by_dsn(dsn, name), request)


@get(f"{BY_DEVICE}/time_range_filter", operation_class=_RANGES, tags=["datapoints"])
async def list_range_ends(
    device_key: FromPath[str],
    name: FromPath[str],
    request: Request[Any, Any, Any],
    user: Given[User],
    datapoints: Given[DatapointService],
    contents: Given[ContentService],
    properties: Given[PropertyService],
) -> TimeRangesReply:
    """Answer the ends of spans of time, of a property of a device named by its key."""
    return await _list_ends(datapoints, contents, properties, user, by_device(device_key, name), request)


@get(f"{BY_DSN}/{{datapoint_id:str}}", tags=["datapoints"])
async def get_datapoint_by_dsn(
    dsn: FromPath[str],
    name: FromPath[str],
    datapoint_id: FromPath[str],
    request: Request[Any, Any, Any],
    user: Given[User],
    datapoints: Given[DatapointService],
    contents: Given[ContentService],
) -> DatapointReply:
    """Answer a datapoint; where acknowledgements are asked for, ``acked_at`` is set once the device has answered.

    Of a message the value is its text (what is no text, in base64). A file or message that is not complete is 406.
    """
    return await _find(datapoints, contents, user, by_dsn(dsn, name), datapoint_id, request)


@get(f"{BY_DEVICE}/{{datapoint_id:str}}", tags=["datapoints"])
async def get_datapoint(
    device_key: FromPath[str],
    name: FromPath[str],
    datapoint_id: FromPath[str],
    request: Request[Any, Any, Any],
    user: Given[User],
    datapoints: Given[DatapointService],
    contents: Given[ContentService],
) -> DatapointReply:
    """Answer a datapoint of a device named by its key."""
    return await _find(datapoints, contents, user, by_device(device_key, name), datapoint_id, request)


@get(f"{BY_KEY}/{{datapoint_id:str}}", tags=["datapoints"])
async def get_datapoint_by_key(
    property_key: FromPath[str],
    datapoint_id: FromPath[str],
    request: Request[Any, Any, Any],
    user: Given[User],
    datapoints: Given[DatapointService],
    contents: Given[ContentService],
) -> DatapointReply:
    """Answer a datapoint of a property named by its own key."""
    return await _find(datapoints, contents, user, by_key(property_key), datapoint_id, request)


ROUTES = [
    list_datapoints_by_dsn,
    list_datapoints,
    list_datapoints_by_key,
    list_range_ends_by_dsn,
    list_range_ends,
    get_datapoint_by_dsn,
    get_datapoint,
    get_datapoint_by_key,
]


async def _find(
    datapoints: DatapointService,
    contents: ContentService,
    user: User,
    ref: PropertyRef,
    datapoint_id: str,
    request: Request[Any, Any, Any],
) -> DatapointReply:
    found = await datapoints.find(user, ref, datapoint_id)
    if not found.is_whole:
        raise RequestError("incomplete", NOT_YET)
    reply = show_datapoint(found, RequestLinks(contents, request.scope))
    if found.content is None or found.content.mime_type is None:
        return reply
    _, content = await contents.read(datapoint_id)
    return DatapointReply(msgspec.structs.replace(reply.datapoint, value=show_message(content)))


async def _list(
    datapoints: DatapointService,
    contents: ContentService,
    user: User,
    ref: PropertyRef,
    request: Request[Any, Any, Any],
) -> Listed:
    span, links = _read_span(request), RequestLinks(contents, request.scope)
    if read_query(request, "paginated") not in ("true", "1"):
        return show_datapoints(await datapoints.list_newest(user, ref, _read_count(request, "limit"), span), links)
    count = min(max(_read_count(request, "per_page"), 1), LIST_LIMIT)
    backward = read_query(request, "is_forward_page") in ("false", "0")
    name = "previous" if backward else "next"
    cursor = read_query(request, name)
    if backward and cursor is None:
        raise RequestError("bad_query", "previous is missing.", field=name)
    if cursor is not None and _UUID.fullmatch(cursor) is None:
        raise RequestError("bad_query", f"{name} must be the id of a datapoint.", field=name)
    return show_page(await datapoints.read_page(user, ref, PageWanted(count, cursor, backward, span)), count, links)


async def _list_ends(
    datapoints: DatapointService,
    contents: ContentService,
    properties: PropertyService,
    user: User,
    ref: PropertyRef,
    request: Request[Any, Any, Any],
) -> TimeRangesReply:
    names, spans = read_time_ranges(await read_json(request))
    found, ends = await datapoints.list_ends(user, ref, spans)
    return show_time_ranges(found, properties.retention_days, names, ends, RequestLinks(contents, request.scope))


def _read_span(request: Request[Any, Any, Any]) -> Span:
    since = read_query(request, "filter[created_at_since_date]")
    end = read_query(request, "filter[created_at_end_date]")
    return Span(
        None if since is None else read_date(since, field="filter[created_at_since_date]"),
        None if end is None else read_date(end, field="filter[created_at_end_date]") + 1,
    )


def _read_count(request: Request[Any, Any, Any], name: str) -> int:
    text = read_query(request, name)
    if text is None:
        return LIST_LIMIT
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise RequestError("bad_query", f"{name} must be a number.", field=name)
    return int(text)


_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
"""Why no more is asked of it: one that was there may be gone, and the page then begins with the oldest kept."""
