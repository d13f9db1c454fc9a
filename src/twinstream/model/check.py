"""What value checks of all nouns share.

Owns the wording of a refusal and the one limit of texts that people write about things (names, descriptions); those are
stored as they come, and shown escaped.
"""

from __future__ import annotations

import re

from twinstream.errors import RequestError

LONGEST = 255
"""Characters of a name or a description (bad input R24)."""


def invalid(field: str, fault: str) -> RequestError:
    """Make the error for a field with whose value something is wrong: ``invalid``, "<field> <fault>."."""
    return RequestError("invalid", f"{field} {fault}.", field=field)


def must(field: str, rule: str) -> RequestError:
    """Make the error for a field whose value breaks a rule: ``invalid``, "<field> must <rule>."."""
    return invalid(field, f"must {rule}")


def check_text(text: str, *, field: str, shortest: int = 0, longest: int = LONGEST) -> str:
    """Answer the text. Raises RequestError ``invalid`` if its length in characters is out of bounds."""
    if not shortest <= len(text) <= longest:
        raise must(field, f"have {shortest} to {longest} characters")
    return text


def check_segment(text: str, *, field: str) -> str:
    """Answer a name that is to stand in a path, 1 to `LONGEST` characters.

    Raises:
        RequestError: ``invalid`` for one that no path could carry, or of another length.
    """
    check_text(text, field=field, shortest=1)
    if _UNNAMEABLE.search(text) or text.endswith(".json"):
        raise must(field, "have no slash, no control characters and no ending .json")
    return text


_UNNAMEABLE = re.compile(r"[/\\\x00-\x1f\x7f]|\A\.{1,2}\Z")
