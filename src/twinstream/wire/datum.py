"""Bodies of metadata, of users and of devices."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from twinstream.model.datum import Datum
from twinstream.wire.body import read_body
from twinstream.wire.time import format_time


class NewDatumFields(msgspec.Struct, frozen=True):
    """A key and a text."""

    key: str
    value: str


class NewDatumRequest(msgspec.Struct, frozen=True):
    """``{"datum": {"key": "...", "value": "..."}}``."""

    datum: NewDatumFields


class DatumFields(msgspec.Struct, frozen=True):
    """A text; the key stands in the path."""

    value: str


class DatumRequest(msgspec.Struct, frozen=True):
    """``{"datum": {"value": "..."}}``."""

    datum: DatumFields


class DatumFieldsReply(msgspec.Struct, frozen=True):
    """A text under its key."""

    key: str
    value: str
    created_at: str
    updated_at: str


class DatumReply(msgspec.Struct, frozen=True):
    """``{"datum": {...}}``."""

    datum: DatumFieldsReply


def read_new_datum(body: object) -> tuple[str, str]:
    """Read a new datum: its key and its value. Raises RequestError ``invalid``."""
    fields = read_body(body, NewDatumRequest).datum
    return fields.key, fields.value


def read_datum(body: object) -> str:
    """Read another value of a datum. Raises RequestError ``invalid``."""
    return read_body(body, DatumRequest).datum.value


def show_datum(datum: Datum) -> DatumReply:
    """Write a datum."""
    return DatumReply(
        DatumFieldsReply(datum.key, datum.value, format_time(datum.created_at), format_time(datum.updated_at))
    )


def show_data(data: Sequence[Datum]) -> list[DatumReply]:
    """Write data, as a bare array."""
    return [show_datum(datum) for datum in data]
