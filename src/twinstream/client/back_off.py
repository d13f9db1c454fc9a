"""How long to wait before trying again, the same for streams and for devices.

Owns the curve alone; who waits decides what is worth trying again, and brings the chance.
"""

from __future__ import annotations

from random import Random


def back_off_s(failures: int, *, cap_s: float, random: Random) -> float:
    """Return the wait after so many failures in a row (1, 2, ...): 1 s, doubled each time up to the cap, ±50 %.

    Source: what embedded agents do on 429 and 503; the jitter keeps a thousand clients of one restarted server apart.
    """
    return float(min(cap_s, 2.0 ** min(failures - 1, 30))) * random.uniform(0.5, 1.5)
