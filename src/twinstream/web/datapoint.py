"""Datapoints: created by users below `/apiv1`, created and acknowledged by devices. `web.history` reads them.

Creating them is hot: what answers here is also called by `web.hot`, without the framework in between.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from litestar import Request, post, put
from litestar.params import FromPath

from twinstream.errors import RequestError
from twinstream.model.datapoint import Datapoint
from twinstream.model.principal import Device, User
from twinstream.model.property import PropertyRef
from twinstream.model.receipt import Repeatable
from twinstream.service.content import ContentService
from twinstream.service.creation import Draft
from twinstream.service.datapoint import DatapointService
from twinstream.service.node import NodeService
from twinstream.web.authentication import Given
from twinstream.web.body import check_json_type, read_bytes, read_json
from twinstream.web.openapi import describe_body
from twinstream.web.receipt import DESCRIBED, read_repeatable
from twinstream.web.ref import by_device, by_dsn, by_key, require_own
from twinstream.web.signed import RequestLinks
from twinstream.wire.datapoint import (
    AcknowledgementRequest,
    BatchItem,
    BatchItemReply,
    BatchRequest,
    DatapointReply,
    DatapointRequest,
    DeviceBatchReply,
    Links,
    read_acknowledgement,
    read_batch,
    read_datapoint,
    show_batch,
    show_datapoint,
    show_device_batch,
)

BY_DSN = "/apiv1/dsns/{dsn:str}/properties/{name:str}/datapoints"
BY_DEVICE = "/apiv1/devices/{device_key:str}/properties/{name:str}/datapoints"
BY_KEY = "/apiv1/properties/{property_key:str}/datapoints"
_OWN_BY_KEY = "/devices/{device_key:str}/properties/{name:str}/datapoints"
_OWN_BY_DSN = "/dev/v1/dsns/{dsn:str}/properties/{name:str}/datapoints"
_ONE = describe_body(DatapointRequest, headers=DESCRIBED)
_MANY = describe_body(BatchRequest, headers=DESCRIBED)


async def create_by_user(
    datapoints: DatapointService,
    user: User,
    ref: PropertyRef,
    body: bytes,
    links: Links,
    once: Repeatable | None = None,
) -> DatapointReply:
    """Create a datapoint that a user sent."""
    fields = read_datapoint(body)
    draft = Draft(ref, fields.value, fields.metadata or None)
    return show_datapoint(await datapoints.create(user, draft, once), links)


async def create_batch_by_user(
    datapoints: DatapointService, user: User, body: bytes, once: Repeatable | None = None
) -> list[BatchItemReply]:
    """Create the datapoints of a batch that a user sent."""
    items = read_batch(body)
    drafts = [
        Draft((item.dsn or "", item.name or ""), item.datapoint.value, item.datapoint.metadata or None)
        for item in items
        if isinstance(item, BatchItem)
    ]
    return show_batch(items, _merge(items, await datapoints.create_many(user, drafts, once)))


async def create_by_device(
    datapoints: DatapointService,
    device: Device,
    name: str,
    body: bytes,
    links: Links,
    *,
    echo: bool,
    dsn: str | None = None,
    once: Repeatable | None = None,
) -> DatapointReply:
    """Create a datapoint that a device sent for a property of its own, or of a node (its DSN) behind it."""
    draft = _draft_own(device, BatchItem(read_datapoint(body), name=name, dsn=dsn), echo=echo)
    return show_datapoint(await datapoints.create(device, draft, once), links)


async def create_batch_by_device(
    datapoints: DatapointService, device: Device, body: bytes, once: Repeatable | None = None
) -> DeviceBatchReply:
    """Create the datapoints of a batch that a device sent."""
    items = read_batch(body)
    drafts = [_draft_own(device, item) for item in items if isinstance(item, BatchItem)]
    return show_device_batch(items, _merge(items, await datapoints.create_many(device, drafts, once)))


def read_echo(query: bytes) -> bool:
    """Tell from a query as sent whether a value is an echo. Raises RequestError ``duplicate_parameter``."""
    values = parse_qs(query.decode("latin-1")).get("echo", ()) if query else ()
    if len(values) > 1:
        raise RequestError("duplicate_parameter", "echo is given twice.", field="echo")
    return values in (["true"], ["1"])


@post(BY_DSN, status_code=201, operation_class=_ONE, tags=["datapoints"])
async def create_datapoint_by_dsn(
    dsn: FromPath[str],
    name: FromPath[str],
    request: Request[Any, Any, Any],
    user: Given[User],
    datapoints: Given[DatapointService],
    contents: Given[ContentService],
) -> DatapointReply:
    """Set a property of a device named by its DSN."""
    body, once = await _read_body(request, user)
    return await create_by_user(datapoints, user, by_dsn(dsn, name), body, RequestLinks(contents, request.scope), once)


@post(BY_DEVICE, status_code=201, operation_class=_ONE, tags=["datapoints"])
async def create_datapoint(
    device_key: FromPath[str],
    name: FromPath[str],
    request: Request[Any, Any, Any],
    user: Given[User],
    datapoints: Given[DatapointService],
    contents: Given[ContentService],
) -> DatapointReply:
    """Set a property of a device named by its key."""
    body, once = await _read_body(request, user)
    return await create_by_user(
        datapoints, user, by_device(device_key, name), body, RequestLinks(contents, request.scope), once
    )


@post(BY_KEY, status_code=201, operation_class=_ONE, tags=["datapoints"])
async def create_datapoint_by_key(
    property_key: FromPath[str],
    request: Request[Any, Any, Any],
    user: Given[User],
    datapoints: Given[DatapointService],
    contents: Given[ContentService],
) -> DatapointReply:
    """Set a property named by its own key."""
    body, once = await _read_body(request, user)
    return await create_by_user(
        datapoints, user, by_key(property_key), body, RequestLinks(contents, request.scope), once
    )


@post("/apiv1/batch_datapoints", status_code=200, operation_class=_MANY, tags=["datapoints"])
async def create_datapoints(
    request: Request[Any, Any, Any], user: Given[User], datapoints: Given[DatapointService]
) -> list[BatchItemReply]:
    """Set many properties; each item is answered with the status that it would have had alone."""
    return await create_batch_by_user(datapoints, user, *await _read_body(request, user))


@post(_OWN_BY_KEY, status_code=201, operation_class=_ONE, tags=["device side"])
async def create_own_datapoint(
    device_key: FromPath[str],
    name: FromPath[str],
    request: Request[Any, Any, Any],
    device: Given[Device],
    datapoints: Given[DatapointService],
    contents: Given[ContentService],
) -> DatapointReply:
    """Take a value from a device; with ``echo=true`` it repeats one that was set from the cloud."""
    require_own(device, device_key)
    links = RequestLinks(contents, request.scope, to_device=True)
    echo = read_echo(request.scope["query_string"])
    body, once = await _read_body(request, device)
    return await create_by_device(datapoints, device, name, body, links, echo=echo, once=once)


@post("/dev/v1/dsns/{dsn:str}/batch_datapoints", status_code=200, operation_class=_MANY, tags=["device side"])
async def create_own_datapoints(
    dsn: FromPath[str], request: Request[Any, Any, Any], device: Given[Device], datapoints: Given[DatapointService]
) -> DeviceBatchReply:
    """Take many values from a device; each item is answered with the status that it would have had alone."""
    require_own(device, dsn)
    return await create_batch_by_device(datapoints, device, *await _read_body(request, device))


@put(f"{_OWN_BY_DSN}/{{datapoint_id:str}}", operation_class=describe_body(AcknowledgementRequest), tags=["device side"])
async def acknowledge_datapoint(
    dsn: FromPath[str],
    name: FromPath[str],
    datapoint_id: FromPath[str],
    request: Request[Any, Any, Any],
    device: Given[Device],
    datapoints: Given[DatapointService],
    nodes: Given[NodeService],
) -> None:
    """Take a device's answer to a value that was set: ``ack_status`` 200 or 400 (0 and 1 mean the same).

    The same answer again changes nothing; another one takes its place, as an event of its own.
    """
    speaker = await nodes.find_own(device, dsn)
    answer = read_acknowledgement(await read_json(request))
    await datapoints.acknowledge(speaker, name, datapoint_id, answer)


ROUTES = [
    create_datapoint_by_dsn,
    create_datapoint,
    create_datapoint_by_key,
    create_datapoints,
    create_own_datapoint,
    create_own_datapoints,
    acknowledge_datapoint,
]


def _draft_own(device: Device, item: BatchItem, *, echo: bool = False) -> Draft:
    fields = item.datapoint
    owner = device.key if not item.dsn or item.dsn == device.dsn else item.dsn
    return Draft(
        (owner, item.name or fields.name or ""),
        fields.value,
        fields.metadata or None,
        echo=echo or fields.echo is True,
        device_time_ms=fields.dev_time_ms or None,
    )


def _merge(items: list[BatchItem | RequestError], outcomes: Any) -> list[Datapoint | RequestError]:
    """Put the outcomes of the drafts beside the items that were refused before."""
    rest = iter(outcomes)
    return [item if isinstance(item, RequestError) else next(rest) for item in items]


async def _read_body(request: Request[Any, Any, Any], caller: User | Device) -> tuple[bytes, Repeatable | None]:
    check_json_type(request.headers.get("content-type"))
    body = await read_bytes(request)
    return body, read_repeatable(request.scope, caller, body)
