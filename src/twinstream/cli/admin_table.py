"""What `twinstream admin` prints: a table for people, or the same as JSON for another program.

Owns the form of both; knows no noun. Invariant: no value steers a terminal or begins a line: a device's or user's name
is chosen by somebody else than the operator who reads it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from rich.cells import cell_len

Reply = Mapping[str, Any]
"""A thing as the operator's API answers it: its fields by name."""

GUTTER = 2


def show_all(replies: Sequence[Reply], columns: Sequence[str], *, json: bool) -> None:
    """Print a row for each, with these fields in this order; as JSON one array, with all fields."""
    if json:
        _print_json(replies)
    else:
        _print_rows(
            [[column.upper() for column in columns], *([_show(one.get(c)) for c in columns] for one in replies)]
        )


def show(reply: Reply, columns: Sequence[str], *, json: bool) -> None:
    """Print these fields below each other, each with its name; as JSON one object, with all fields."""
    if json:
        _print_json(reply)
    else:
        _print_rows([[column, _show(reply.get(column))] for column in columns])


def _print_json(value: object) -> None:
    print(msgspec.json.encode(value).decode())


def _print_rows(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (text + " " * (width - cell_len(text) + GUTTER) for text, width in zip(row, widths, strict=True))
        print("".join(cells).rstrip())


def _show(value: object) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "".join(_escape(character) for character in str(value))


def _escape(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
