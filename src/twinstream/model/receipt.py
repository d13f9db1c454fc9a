"""Receipts: what became of a request that its sender may repeat, kept so that the repetition does nothing again.

Knows no HTTP. Invariant: a receipt and what the request did commit together.
"""

from __future__ import annotations

import msgspec

from twinstream.model.datapoint import Datapoint

KEEP_S = 86_400.0
"""How long a receipt holds: whoever repeats a request later makes a new one."""


class Repeatable(msgspec.Struct, frozen=True):
    """A request that may be repeated: ``id`` tells it from all others, ``content_hash`` what it asked for."""

    id: str
    content_hash: str


class Refusal(msgspec.Struct, frozen=True):
    """Why a datapoint of a batch was refused: see `errors.RequestError`."""

    code: str
    message: str
    field: str | None


class Kept(msgspec.Struct, frozen=True):
    """What became of one datapoint of the request: one of the two is there."""

    datapoint: Datapoint | None = None
    refusal: Refusal | None = None


class Receipt(msgspec.Struct, frozen=True):
    """What a request had asked for, and what became of each of its datapoints, in order."""

    content_hash: str
    kept: tuple[Kept, ...]
