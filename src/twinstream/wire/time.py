"""Time stamps of the compatible APIs: ``YYYY-MM-DDTHH:MM:SSZ``, UTC, no fraction.

Source: the documents' samples; Python clients parse with exactly this pattern.
"""

from __future__ import annotations

from datetime import UTC, datetime

_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


def format_time(at_s: float) -> str:
    """Write seconds since 1970 (UTC) as a time stamp; the fraction is cut off."""
    return datetime.fromtimestamp(int(at_s), UTC).strftime(_FORMAT)


def parse_time(text: str) -> int:
    """Read a time stamp into seconds since 1970. Raises ValueError for any other form or an impossible date."""
    at = datetime.strptime(text, _FORMAT).replace(tzinfo=UTC)
    if at.strftime(_FORMAT) != text:  # strptime takes single-digit months and the like
        raise ValueError(f"not a time stamp of the form 2018-09-24T10:26:37Z: {text!r}")
    return int(at.timestamp())
