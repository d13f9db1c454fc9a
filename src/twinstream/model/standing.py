"""How far a subscription is, against the log and against retention."""

from __future__ import annotations

import msgspec


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers are those of one subscription; ``acknowledged_seq``: a socket goes on behind it.

    ``unread_since``: when the first event behind it was stored (seconds since 1970), None if there is none.
    ``loss_in_s``: seconds until retention reaches that event, by its age, or by the size of what came since at the rate
    at which it came; None if nothing is unread or nothing is ever removed.
    """

    newest_seq: int
    oldest_seq: int
    acknowledged_seq: int
    unread_since: float | None
    loss_in_s: float | None
    gaps: int

    @property
    def lag(self) -> int:
        """Events that are not acknowledged, but for those that retention removed."""
        return max(0, self.newest_seq - max(self.acknowledged_seq, self.oldest_seq - 1))


def predict_loss(
    *, age_s: float | None, size_bytes: int | None, stored_at: float, bytes_since: int, now_s: float
) -> float | None:
    """Answer in how many seconds an event falls to retention; None: never, as far as one can see.

    ``age_s`` and ``size_bytes`` are the limits, None for none; ``bytes_since`` is the size of the OEM's events from it
    on. What grew so far is taken to grow on at the same rate.
    """
    times: list[float] = []
    if age_s is not None:
        times.append(stored_at + age_s - now_s)
    elapsed_s = now_s - stored_at
    if size_bytes is not None and elapsed_s > 0 and bytes_since > 0:
        times.append((size_bytes - bytes_since) * elapsed_s / bytes_since)
    return max(0.0, min(times)) if times else None
