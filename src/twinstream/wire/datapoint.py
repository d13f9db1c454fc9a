"""Bodies of datapoints, from users and from devices.

Creating datapoints is the hot path, so a body is first read the fast way: msgspec into structs. What that can't tell is
whether an object held a member twice, or one that we don't know. But every text in JSON has two quotation marks: if the
body has exactly as many as the texts that were read (and no escapes), nothing else was there. Everything that is not so
plain, and everything wrong, goes the slow and strict way of `wire.json`, which gives the same answer or the refusal.
Invariant: both ways read the same body as the same drafts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec
from msgspec import UNSET, UnsetType

from twinstream.errors import RequestError
from twinstream.model.datapoint import Acknowledgement, Content, Datapoint, check_acknowledgement
from twinstream.model.value import Value
from twinstream.wire.body import read_body
from twinstream.wire.json import decode_json
from twinstream.wire.time import format_optional_time, format_time


class DatapointFields(msgspec.Struct, frozen=True):
    """A datapoint to be created; ``name``, ``base_type``, ``echo`` and ``dev_time_ms`` are what devices say more."""

    value: Any = UNSET
    metadata: dict[str, str] | UnsetType | None = UNSET
    name: str | UnsetType | None = UNSET
    base_type: str | UnsetType | None = UNSET
    echo: bool | UnsetType | None = UNSET
    dev_time_ms: Any = UNSET


class DatapointRequest(msgspec.Struct, frozen=True):
    """``{"datapoint": {...}}``."""

    datapoint: DatapointFields


class BatchItem(msgspec.Struct, frozen=True):
    """A datapoint of a batch, and whose it is; devices number theirs with ``batch_id``."""

    datapoint: DatapointFields
    dsn: str | UnsetType | None = UNSET
    name: str | UnsetType | None = UNSET
    batch_id: Any = UNSET


class BatchRequest(msgspec.Struct, frozen=True):
    """``{"batch_datapoints": [...]}``."""

    batch_datapoints: list[BatchItem]


class DatapointFieldsReply(msgspec.Struct, frozen=True):
    """A datapoint; the ``ack_`` fields are there for properties that ask for acknowledgements.

    Those of files and messages have ``location``, where the datapoint is found, and ``file``: where the bytes are to be
    PUT while ``closed`` is false, and where they are to be had then; null once a file was fetched or discarded.
    """

    created_at: str
    updated_at: str
    created_at_from_device: str | None
    echo: bool
    closed: bool
    value: int | float | str | None
    metadata: dict[str, str]
    id: str
    ack_id: str | UnsetType | None = UNSET
    ack_status: int | UnsetType | None = UNSET
    ack_message: int | UnsetType | None = UNSET
    acked_at: str | UnsetType | None = UNSET
    location: str | UnsetType = UNSET
    file: str | UnsetType | None = UNSET
    fetched: bool | UnsetType = UNSET
    discarded: bool | UnsetType = UNSET


class Links(Protocol):
    """How an answer names the bytes of files and messages."""

    def sign(self, method: str, datapoint_id: str) -> str:
        """Answer the address to GET or PUT the bytes at, for a while."""

    def locate(self, content: Content, datapoint_id: str) -> str:
        """Answer where the datapoint is found."""

    def resolve(self, path: Value | None) -> Value | None:
        """Answer where a path of this server, stored as a value, is found; None, where there is none, stays None."""


class DatapointReply(msgspec.Struct, frozen=True):
    """``{"datapoint": {...}}``."""

    datapoint: DatapointFieldsReply


class BatchItemError(msgspec.Struct, frozen=True):
    """Why a datapoint of a batch was refused."""

    code: str
    message: str


class BatchItemReply(msgspec.Struct, frozen=True):
    """What became of a user's datapoint: the status that it would have had alone."""

    status: int
    dsn: str | None
    name: str | None
    datapoint: DatapointFieldsReply | UnsetType = UNSET
    error: BatchItemError | UnsetType = UNSET


class DeviceBatchItemReply(msgspec.Struct, frozen=True):
    """What became of a device's datapoint."""

    batch_id: Any
    status: int


class DeviceBatchReply(msgspec.Struct, frozen=True):
    """``{"batch_datapoints": [...]}``."""

    batch_datapoints: list[DeviceBatchItemReply]


class AcknowledgementFields(msgspec.Struct, frozen=True):
    """How a device answered: ``ack_status`` 200 or 400 (or 0 or 1), ``ack_message`` a number of the application's."""

    ack_status: Any = None
    ack_message: Any = None


class AcknowledgementRequest(msgspec.Struct, frozen=True):
    """``{"datapoint": {...}}``."""

    datapoint: AcknowledgementFields


def read_datapoint(body: bytes) -> DatapointFields:
    """Read one datapoint. Raises RequestError ``bad_json``, ``invalid``."""
    try:
        request = _REQUEST.decode(body)
    except (ValueError, RecursionError):
        return _read_slowly(body)
    if b"\\" in body or body.count(b'"') != 2 + _count_quotes(request.datapoint):
        return _read_slowly(body)
    return request.datapoint


def read_batch(body: bytes) -> list[BatchItem | RequestError]:
    """Read a batch, each item for itself. Raises RequestError ``bad_json``, or ``invalid`` for what is no list."""
    try:
        items = _BATCH.decode(body).batch_datapoints
    except (ValueError, RecursionError):
        return _read_batch_slowly(body)
    if b"\\" in body or body.count(b'"') != 2 + sum(map(_count_item_quotes, items)):
        return _read_batch_slowly(body)
    return list(items)


def read_acknowledgement(body: object) -> Acknowledgement:
    """Read how a device answered a datapoint. Raises RequestError ``invalid``."""
    fields = read_body(body, AcknowledgementRequest).datapoint
    return check_acknowledgement(fields.ack_status, fields.ack_message)


def show_datapoint(datapoint: Datapoint, links: Links | None = None) -> DatapointReply:
    """Write a datapoint; one of a file or message needs links."""
    fields = _show_fields(datapoint)
    if datapoint.content is None or links is None:
        return DatapointReply(fields)
    content, closed = datapoint.content, datapoint.closed
    location = links.locate(content, datapoint.id)
    gone = content.fetched or content.discarded
    return DatapointReply(
        msgspec.structs.replace(
            fields,
            value=location if closed else None,
            location=location,
            file=None if gone else links.sign("GET" if closed else "PUT", datapoint.id),
            fetched=content.fetched,
            discarded=content.discarded,
        )
    )


def show_datapoints(datapoints: Sequence[Datapoint], links: Links | None = None) -> list[DatapointReply]:
    """Write a list of datapoints."""
    return [show_datapoint(datapoint, links) for datapoint in datapoints]


def show_batch(
    items: Sequence[BatchItem | RequestError], outcomes: Sequence[Datapoint | RequestError]
) -> list[BatchItemReply]:
    """Write what became of a user's batch, an entry per item."""
    return [_show_item(item, outcome) for item, outcome in zip(items, outcomes, strict=True)]


def show_device_batch(
    items: Sequence[BatchItem | RequestError], outcomes: Sequence[Datapoint | RequestError]
) -> DeviceBatchReply:
    """Write what became of a device's batch; an item without a ``batch_id`` is called by its place, from 1."""
    return DeviceBatchReply(
        [
            DeviceBatchItemReply(
                item.batch_id if isinstance(item, BatchItem) and item.batch_id is not UNSET else place,
                outcome.status if isinstance(outcome, RequestError) else 201,
            )
            for place, (item, outcome) in enumerate(zip(items, outcomes, strict=True), 1)
        ]
    )


def encode_reply(reply: DatapointReply | list[BatchItemReply] | DeviceBatchReply) -> bytes:
    """Encode a reply as JSON."""
    return _ENCODER.encode(reply)


def _read_slowly(body: bytes) -> DatapointFields:
    return read_body(decode_json(body), DatapointRequest).datapoint


def _read_batch_slowly(body: bytes) -> list[BatchItem | RequestError]:
    items = read_body(decode_json(body), _LooseBatch).batch_datapoints
    read: list[BatchItem | RequestError] = []
    for item in items:
        try:
            read.append(read_body(item, BatchItem))
        except RequestError as refusal:
            read.append(refusal)
    return read


def _count_quotes(fields: DatapointFields) -> int:
    count = sum(map(_count_member, (fields.value, fields.name, fields.base_type, fields.echo, fields.dev_time_ms)))
    if isinstance(fields.metadata, dict):
        return count + 2 + 4 * len(fields.metadata)
    return count + _count_member(fields.metadata)


def _count_item_quotes(item: BatchItem) -> int:
    return 2 + _count_quotes(item.datapoint) + sum(map(_count_member, (item.dsn, item.name, item.batch_id)))


def _count_member(member: object) -> int:
    """Count the quotation marks of a member's name and value; a number that never fits for what is not plain."""
    if member is UNSET:
        return 0
    if isinstance(member, str):
        return 4
    return _UNFIT if isinstance(member, (list, dict)) else 2


def _show_fields(datapoint: Datapoint) -> DatapointFieldsReply:
    fields = (
        format_time(datapoint.created_at),
        format_time(datapoint.updated_at),
        format_optional_time(datapoint.created_at_from_device),
        datapoint.echo,
        datapoint.closed,
        datapoint.value,
        datapoint.metadata,
        datapoint.id,
    )
    if not datapoint.ack_enabled:
        return DatapointFieldsReply(*fields)
    acked_at = format_optional_time(datapoint.acked_at)
    return DatapointFieldsReply(*fields, datapoint.ack_id, datapoint.ack_status, datapoint.ack_message, acked_at)


def _show_item(item: BatchItem | RequestError, outcome: Datapoint | RequestError) -> BatchItemReply:
    dsn = item.dsn or None if isinstance(item, BatchItem) else None
    name = item.name or None if isinstance(item, BatchItem) else None
    if isinstance(outcome, RequestError):
        return BatchItemReply(outcome.status, dsn, name, error=BatchItemError(outcome.code, outcome.message))
    return BatchItemReply(201, dsn, name, _show_fields(outcome))


class _LooseBatch(msgspec.Struct, frozen=True):
    batch_datapoints: list[Any]


_UNFIT = 1 << 40
_REQUEST = msgspec.json.Decoder(DatapointRequest)
_BATCH = msgspec.json.Decoder(BatchRequest)
_ENCODER = msgspec.json.Encoder()
