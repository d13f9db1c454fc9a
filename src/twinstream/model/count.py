"""How a count is written in a sentence: the noun behind it as the number has it.

Owns nothing but that; knows no noun.
"""

from __future__ import annotations


def show_count(count: int, one: str, many: str = "") -> str:
    """Write "1 event" or "3 events"; ``many`` is the plural where it is not ``one`` with an s."""
    return f"{count} {one if count == 1 else many or one + 's'}"
