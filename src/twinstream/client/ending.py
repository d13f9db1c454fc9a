"""What the end of a socket, or of an attempt to open one, says about the next attempt.

Owns which refusals and close codes are final, and how long a server asks to wait; trying again is `stream`'s business.
"""

from __future__ import annotations

import ssl
from random import Random

from twinstream.client.back_off import full_jitter_s
from twinstream.client.error import RefusedError
from twinstream.errors import CLOSE_CODES, Disconnect, TwinstreamError

LONGEST_WAIT_S = 30.0
"""Upper end of the wait between two attempts, where the server asks for none."""
LONGEST_RETRY_AFTER_S = 300.0
"""A server that asks for a longer wait than this is asked again after this."""
PASSING_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504, *range(520, 531)})
"""Refusals that time can mend."""
WAITS_S = {1013: 60.0, 4429: 60.0}
"""Close codes that ask for a wait of their own, and its seconds (see `CLOSE_CODES`)."""


def is_final(error: TwinstreamError, *, was_up: bool) -> bool:
    """Tell whether trying again cannot help: the key is dead, the request is wrong, or nobody trusts the server."""
    if isinstance(error, Disconnect):
        return not CLOSE_CODES[error.close_code].reconnect
    if isinstance(error, RefusedError):
        return error.status not in PASSING_STATUSES
    return isinstance(error.__cause__, ssl.SSLCertVerificationError) and not was_up


def choose_wait_s(error: TwinstreamError, failures: int, random: Random, *, cap_s: float) -> float:
    """Return the wait after so many failures in a row (1, 2, ...), on top of the one that the server asked for."""
    return full_jitter_s(failures, cap_s=cap_s, random=random) + _read_wait_s(error)


def _read_wait_s(error: TwinstreamError) -> float:
    if isinstance(error, Disconnect):
        return WAITS_S.get(error.close_code, 0.0)
    if isinstance(error, RefusedError):
        return min(error.retry_after_s or 0.0, LONGEST_RETRY_AFTER_S)
    return 0.0
