"""Lists as subscriptions and access rules carry them: one name, a comma list, or ``*`` for any.

Owns reading and writing them. Nothing in a name is special: ``%``, ``_`` and regular expressions match literally.
"""

from __future__ import annotations

from twinstream.model.check import must

Selection = tuple[str, ...] | None
"""Names in the order given, without repetition; None means any (``*``)."""

LIMITS = {"dsn": 1000, "oem_model": 100, "property_name": 1000, "subscription_type": 5}
"""Most names in a list, by field. Source: bad input R13."""


def parse_selection(text: str, *, field: str) -> Selection:
    """Read a list: names are trimmed, empty entries dropped.

    Raises:
        RequestError: ``invalid``, naming the field: no name at all, too many, one over 255 characters, a star in a
        list.
    """
    names = tuple(dict.fromkeys(name for entry in text.split(",") if (name := entry.strip())))
    if names == ("*",):
        return None
    if not names:
        raise must(field, "name one, a comma list, or *")
    if "*" in names:
        raise must(field, "have * alone or names, not both")
    if len(names) > LIMITS[field]:
        raise must(field, f"have at most {LIMITS[field]} names")
    if any(len(name) > 255 for name in names):
        raise must(field, "have names of at most 255 characters")
    return names


def format_selection(selection: Selection) -> str:
    """Write a selection as `parse_selection` reads it."""
    return "*" if selection is None else ",".join(selection)


def intersect(one: Selection, other: Selection) -> frozenset[str] | None:
    """Answer what is in both; None means any."""
    if one is None:
        return None if other is None else frozenset(other)
    return frozenset(one) if other is None else frozenset(one).intersection(other)
