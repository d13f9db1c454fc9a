"""Faults: what may be done on purpose to what a subscription's sockets are sent, so that clients can be proven.

Owns the choices, their bounds and the named profiles; knows neither sockets nor time. Invariant: faults alter what is
sent alone, never the log, the numbers or what is acknowledged, so a client that resumes well gets everything.
"""

from __future__ import annotations

import msgspec

from twinstream.errors import CLOSE_CODES
from twinstream.model.check import invalid, must

MOST_REORDERED = 100
"""Most later records that may overtake one."""

LONGEST_DELAY_MS = 60_000
LONGEST_CYCLE_S = 86_400.0
MAX_SEED = 2**63 - 1


class Close(msgspec.Struct, frozen=True):
    """When a socket is closed, counted anew for each: behind ``after_events`` records, or ``every_s`` seconds.

    ``code`` None is abrupt: the connection ends without a close frame, which clients see as 1006.
    """

    code: int | None = None
    after_events: int | None = None
    every_s: float | None = None


class Faults(msgspec.Struct, frozen=True):
    """What is done to the sockets of a subscription. Shares are from 0 to 1; the default does nothing.

    ``drop`` and ``duplicate`` are shares of records; ``reorder``: up to so many later records overtake one;
    ``delay_ms``: least and most time that a record is held, in order; ``mute_heartbeats`` is the share of heartbeats,
    pings with them, that are not sent. The same ``seed`` and the same events have the same faults.
    """

    seed: int = 0
    drop: float = 0.0
    duplicate: float = 0.0
    reorder: int = 0
    delay_ms: tuple[int, int] = (0, 0)
    mute_heartbeats: float = 0.0
    close: Close | None = None


class FaultCounts(msgspec.Struct):
    """What was done since the faults were set; ``connections`` counts the sockets that they were set upon."""

    connections: int = 0
    dropped: int = 0
    duplicated: int = 0
    reordered: int = 0
    delayed: int = 0
    muted: int = 0
    closed: int = 0


PROFILES: dict[str, tuple[str, Faults]] = {
    "flaky-lte": (
        "a phone on the move: 0.8 s late, cut off every 45 s",
        Faults(delay_ms=(20, 800), mute_heartbeats=0.1, close=Close(None, every_s=45)),
    ),
    "bad-proxy": (
        "events twice, heartbeats swallowed, 1001 every minute",
        Faults(duplicate=0.02, delay_ms=(0, 200), mute_heartbeats=0.5, close=Close(1001, every_s=60)),
    ),
    "dying-server": (
        "events lost, twice, mixed up; 1012 after every 200",
        Faults(drop=0.01, duplicate=0.02, reorder=3, close=Close(1012, after_events=200)),
    ),
}
"""Faults that come together, by name: what they stand for, and which they are."""


def check_faults(faults: Faults) -> Faults:
    """Answer the faults. Raises RequestError ``invalid``, naming the field that is out of bounds."""
    if not 0 <= faults.seed <= MAX_SEED:
        raise must("seed", f"be a whole number from 0 to {MAX_SEED}")
    for share in ("drop", "duplicate", "mute_heartbeats"):
        if not 0 <= getattr(faults, share) <= 1:
            raise must(share, "be a share from 0 to 1")
    if not 0 <= faults.reorder <= MOST_REORDERED:
        raise must("reorder", f"be a whole number from 0 to {MOST_REORDERED}")
    least, most = faults.delay_ms
    if not 0 <= least <= most <= LONGEST_DELAY_MS:
        raise must("delay_ms", f"be the least and the most, from 0 to {LONGEST_DELAY_MS} milliseconds")
    if faults.close is not None:
        _check_close(faults.close)
    return faults


def _check_close(close: Close) -> None:
    if close.code is not None and close.code not in CLOSE_CODES:
        raise must("code", f"be null, for no close frame, or one of {', '.join(map(str, CLOSE_CODES))}")
    if close.after_events is None and close.every_s is None:
        raise invalid("close", "needs after_events or every_s")
    if close.after_events is not None and close.after_events < 1:
        raise must("after_events", "be a whole number from 1")
    if close.every_s is not None and not 0.05 <= close.every_s <= LONGEST_CYCLE_S:
        raise must("every_s", f"be a number of seconds from 0.05 to {LONGEST_CYCLE_S:g}")
