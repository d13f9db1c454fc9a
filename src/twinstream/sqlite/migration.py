"""The schema's versions, and how a database gets from an older one to the newest.

Owns ``user_version``. Version n is what the scripts 1 to n make; a released script never changes. Invariant: a script
and its version number commit together, so a process killed half-way leaves the version before or after, never between.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import apsw

SCRIPTS: Sequence[Path] = (Path(__file__).with_name("schema.sql"),)
"""Script n (from 1) makes version n out of version n - 1; a new one goes to the end."""


def version_of(connection: apsw.Connection) -> int:
    """Answer the database's schema version; 0 means empty."""
    return int(connection.pragma("user_version"))


def migrate(connection: apsw.Connection, back_up: Callable[[int], None], scripts: Sequence[Path] = SCRIPTS) -> None:
    """Bring the schema to the newest version. Call it before foreign keys are enforced: scripts may rebuild tables.

    ``back_up`` is called with the present version before the first script runs, unless the database is empty.
    """
    present = version_of(connection)
    if 0 < present < len(scripts):
        back_up(present)
    for version, script in enumerate(scripts[present:], start=present + 1):
        with connection:
            connection.execute(script.read_text(encoding="utf-8")).fetchall()
            connection.pragma("user_version", version)
