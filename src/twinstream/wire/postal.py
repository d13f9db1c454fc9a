"""Bodies of postal addresses. Their fields are our own design: the service's are not documented."""

from __future__ import annotations

import msgspec

from twinstream.model.check import check_text
from twinstream.model.postal import PostalAddress
from twinstream.wire.body import read_body


class PostalFields(msgspec.Struct, frozen=True):
    """An address; every field may be absent."""

    street: str | None = None
    city: str | None = None
    state: str | None = None
    country: str | None = None
    zip: str | None = None


class PostalBody(msgspec.Struct, frozen=True):
    """``{"addr": {...}}``, in both directions."""

    addr: PostalFields


def read_postal(body: object) -> PostalAddress:
    """Read an address; empty texts are none. Raises RequestError ``invalid``."""
    fields = msgspec.structs.asdict(read_body(body, PostalBody).addr)
    return PostalAddress(**{name: (text and check_text(text, field=name)) or None for name, text in fields.items()})


def show_postal(address: PostalAddress) -> PostalBody:
    """Write an address."""
    return PostalBody(PostalFields(**msgspec.structs.asdict(address)))
