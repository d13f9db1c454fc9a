"""Whole answers as one JSON text: from columns to structs.

Owns the SQL that writes a struct as JSON. Why: a thread that steps through rows gives the GIL up at every step and
gets it back, beside a busy loop, only after the switch interval; a statement that answers one row crosses it once
(design.md section 2). Invariant: only names of struct fields and SQL from this package become part of a statement,
never a value.
"""

from __future__ import annotations

from typing import Any, get_args

import msgspec


def write_object(struct: type[msgspec.Struct], table: str, **columns: str) -> str:
    """Write the SQL that makes a struct's JSON object out of a row of ``table``.

    A field is the column of its name, unless ``columns`` has SQL for it; booleans are columns of 0 and 1.
    """
    members = ", ".join(f"'{name}', {sql}" for name, sql in _list_fields(struct, table, columns))
    return f"json_object({members})"


def write_array(struct: type[msgspec.Struct], table: str, **columns: str) -> str:
    """Write the SQL that makes the JSON array of an ``array_like`` struct; as `write_object` otherwise."""
    elements = ", ".join(sql for _, sql in _list_fields(struct, table, columns))
    return f"json_array({elements})"


def write_boolean(sql: str) -> str:
    """Write the SQL that makes true or false out of 1 or 0."""
    return f"json(iif({sql}, 'true', 'false'))"


def _list_fields(struct: type[msgspec.Struct], table: str, columns: dict[str, str]) -> list[tuple[str, str]]:
    return [
        (field.name, columns.get(field.name) or _write_column(f"{table}.{field.name}", field.type))
        for field in msgspec.structs.fields(struct)
    ]


def _write_column(column: str, annotation: Any) -> str:
    return write_boolean(column) if annotation is bool or bool in get_args(annotation) else column
