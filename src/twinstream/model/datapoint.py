"""Datapoints: one value of one property at one time, and its acknowledgement.

Owns what may be told of one beside its value (`model.value`): times and acknowledgements. Invariant: order never
depends on a device's clock; a time that a device claims is kept as a claim, and never lies in the future.
"""

from __future__ import annotations

import msgspec

from twinstream.model.check import must
from twinstream.model.value import Value


class Content(msgspec.Struct, frozen=True):
    """What a datapoint of a file or message property has beside its value, which is where its bytes are.

    ``mime_type`` is a message's; ``fetched`` says that a file was read, ``discarded`` that it was given up.
    """

    property_key: int
    mime_type: str | None
    fetched: bool = False
    discarded: bool = False


class Datapoint(msgspec.Struct, frozen=True, kw_only=True):
    """A stored datapoint. ``id`` is a time UUID; times are seconds since 1970; ``user_uuid`` is who owned the device
    then.

    ``echo``: the device repeats a value that was set from the cloud. The ``ack_`` fields and ``acked_at`` are None
    until the device acknowledged it, which only properties with ``ack_enabled`` ask for.
    """

    id: str
    created_at: float
    updated_at: float
    created_at_from_device: float | None
    user_uuid: str | None
    echo: bool
    closed: bool
    value: Value | None
    metadata: dict[str, str]
    ack_enabled: bool
    ack_id: str | None = None
    ack_status: int | None = None
    ack_message: int | None = None
    acked_at: float | None = None
    content: Content | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it has its value: a file or message gets it when all its bytes are there."""
        return self.content is None or self.closed


class DatapointPage(msgspec.Struct, frozen=True):
    """A page of a property's datapoints, oldest first; ``before`` and ``after`` count the others of the span."""

    datapoints: tuple[Datapoint, ...]
    before: int
    after: int


class Span(msgspec.Struct, frozen=True):
    """A span of time of creation, in seconds since 1970: from ``from_s`` on, before ``before_s``; None is no limit.

    Datapoints are told with whole seconds, so whoever says a time means all of its second.
    """

    from_s: float | None = None
    before_s: float | None = None


ALL_TIME = Span()


class Acknowledgement(msgspec.Struct, frozen=True):
    """A device's answer to a datapoint: ``status`` 200 (done) or 400 (failed), and a number of the application's."""

    status: int
    message: int


def check_acknowledgement(status: object, message: object) -> Acknowledgement:
    """Answer the acknowledgement. The host's scale, 0 done and 1 failed, is taken for 200 and 400 (ayla-facts 3.8).

    Raises:
        RequestError: ``invalid``, naming the field, for another status or a message that is no 32-bit number; None
            stands for the message 0.
    """
    kept = _ACK_STATUSES.get(status) if isinstance(status, (int, str)) and not isinstance(status, bool) else None
    if kept is None:
        raise must("ack_status", "be 200 or 400")
    if message is None:
        message = 0
    if isinstance(message, bool) or not isinstance(message, int) or not -(2**31) <= message < 2**31:
        raise must("ack_message", "be a whole number of 32 bits")
    return Acknowledgement(kept, message)


def check_device_time(given_ms: object, now_s: float) -> float | None:
    """Answer when a device says that it made a datapoint, in seconds since 1970; a time in the future becomes now.

    Args:
        given_ms: milliseconds since 1970, None if the device says nothing.
        now_s: the present time.

    Raises:
        RequestError: ``invalid``, naming ``dev_time_ms``, for anything but a whole number from 0 on.
    """
    if given_ms is None:
        return None
    if isinstance(given_ms, bool) or not isinstance(given_ms, int) or given_ms < 0:
        raise must("dev_time_ms", "be a whole number of milliseconds since 1970")
    return min(given_ms / 1000, now_s) if given_ms < 1 << 53 else now_s


_ACK_STATUSES: dict[int | str, int] = {200: 200, 400: 400, 0: 200, 1: 400, "200": 200, "400": 400}
