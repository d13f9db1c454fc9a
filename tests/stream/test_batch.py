"""A batch joins records, up to its size and 64 KiB."""

from __future__ import annotations

from twinstream.stream.batch import MAX_MESSAGE_BYTES, Batch


def test_a_full_batch_leaves_at_once_and_the_rest_when_flushed() -> None:
    """So many records a message."""
    sent: list[bytes] = []
    batch = Batch(2, sent.append)
    for record in (b"a", b"b", b"c"):
        batch.put(record)
    assert sent == [b"ab"]
    batch.flush()
    batch.flush()
    assert sent == [b"ab", b"c"]


def test_no_message_is_longer_than_64_kib() -> None:
    """Unless a single record is."""
    sent: list[bytes] = []
    batch = Batch(1000, sent.append)
    half, whole, giant = b"h" * (MAX_MESSAGE_BYTES // 2), b"w" * MAX_MESSAGE_BYTES, b"g" * (MAX_MESSAGE_BYTES + 1)
    for record in (half, half, b"x", whole, giant, b"y", b"z"):
        batch.put(record)
    batch.flush()
    assert sent == [half + half, b"x", whole, giant, b"yz"]


def test_what_is_cleared_is_not_sent() -> None:
    """The socket is gone."""
    sent: list[bytes] = []
    batch = Batch(3, sent.append)
    batch.put(b"a")
    batch.clear()
    batch.put(b"b")
    batch.flush()
    assert sent == [b"b"]
