"""How long to wait before trying again: the curves of devices and of streams.

Owns the curves alone; who waits decides what is worth trying again, and brings the chance.
"""

from __future__ import annotations

from random import Random


def back_off_s(failures: int, *, cap_s: float, random: Random) -> float:
    """Return a device's wait after so many failures in a row (1, 2, ...): 1 s, doubled up to the cap, ±50 %.

    Source: what embedded agents do on 429 and 503; the jitter keeps a thousand clients of one restarted server apart.
    """
    return _double_s(failures, cap_s) * random.uniform(0.5, 1.5)


def full_jitter_s(failures: int, *, cap_s: float, random: Random) -> float:
    """Return a stream's wait after so many failures in a row: anything from 0 to 1 s, the upper end doubled up to the
    cap.

    Why anything from 0: a crowd that lost the same server comes back evenly spread, not in waves.
    """
    return random.uniform(0.0, _double_s(failures, cap_s))


def _double_s(failures: int, cap_s: float) -> float:
    return float(min(cap_s, 2.0 ** min(failures - 1, 30)))
