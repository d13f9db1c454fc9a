"""When retention reaches what is unread."""

from __future__ import annotations

import pytest

from twinstream.model.standing import Standing, predict_loss


@pytest.mark.parametrize(
    ("age_s", "size_bytes", "bytes_since", "expected"),
    [
        (None, None, 1000, None),
        (3600.0, None, 1000, 3500.0),
        (50.0, None, 1000, 0.0),
        (None, 1000, 100, 900.0),  # 1 byte a second so far, 900 left
        (None, 1000, 0, None),
        (3600.0, 1000, 100, 900.0),
        (500.0, 1000, 100, 400.0),
    ],
)
def test_the_nearer_limit_counts(
    age_s: float | None, size_bytes: int | None, bytes_since: int, expected: float | None
) -> None:
    """By age it is what remains of it; by size, what remains at the rate so far. Stored 100 s ago."""
    found = predict_loss(age_s=age_s, size_bytes=size_bytes, stored_at=1000.0, bytes_since=bytes_since, now_s=1100.0)
    assert found == (None if expected is None else pytest.approx(expected))


def test_what_retention_removed_is_no_lag() -> None:
    """Nobody can read it any more."""

    def lag(*, oldest_seq: int) -> int:
        return Standing(
            newest_seq=50, oldest_seq=oldest_seq, acknowledged_seq=20, unread_since=None, loss_in_s=None, gaps=0
        ).lag

    assert [lag(oldest_seq=oldest) for oldest in (1, 41, 51)] == [30, 10, 0]
