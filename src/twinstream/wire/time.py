"""Time stamps of the compatible APIs: ``YYYY-MM-DDTHH:MM:SSZ``, UTC, no fraction.

Source: the documents' samples; Python clients parse with exactly this pattern.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


def format_time(at_s: float) -> str:
    """Write seconds since 1970 (UTC) as a time stamp; the fraction is cut off."""
    return _format_second(int(at_s))


def format_optional_time(at_s: float | None) -> str | None:
    """Write a time stamp, or None for none."""
    return None if at_s is None else _format_second(int(at_s))


def parse_time(text: str) -> int:
    """Read a time stamp into seconds since 1970. Raises ValueError for any other form or an impossible date."""
    at = datetime.strptime(text, _FORMAT).replace(tzinfo=UTC)
    if at.strftime(_FORMAT) != text:  # strptime takes single-digit months and the like
        raise ValueError(f"not a time stamp of the form 2018-09-24T10:26:37Z: {text!r}")
    return int(at.timestamp())


@lru_cache(maxsize=1024)
def _format_second(at_s: int) -> str:
    """Why the cache: a datapoint's times are written six times, and all of one group are the same (2 us each)."""
    return datetime.fromtimestamp(at_s, UTC).strftime(_FORMAT)
