"""Write docs/compatibility.md from docs/compatibility.toml: `make docs`."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "compatibility.md"
HEAD = """\
# Compatibility

Every endpoint of the compatible REST services, and how it stands here. *Works*: as clients know it. *Deviates*: it
answers, but in the way that is told. *Absent*: there is no such path, for the reason that is told. Every path also
answers with `.json` at its end. The Datastream Service's own endpoints are in [the protocol](protocol.md).
"""


def read_table() -> dict[str, Any]:
    """Read the sections by name: each its ``title`` and ``rows`` of ``call``, ``what``, ``is`` and perhaps ``note``."""
    return tomllib.loads((DOCS / "compatibility.toml").read_text())


def render_page(table: dict[str, Any]) -> str:
    """Return the page."""
    parts = [HEAD]
    for section in table.values():
        rows = "".join(f"| `{row['call']}` | {row['what']} | {_tell(row)} |\n" for row in section["rows"])
        parts.append(f"\n## {section['title']}\n\n| call | what it is for | here |\n|---|---|---|\n{rows}")
    return "".join(parts)


def _tell(row: dict[str, str]) -> str:
    return f"{row['is']}: {row['note']}" if "note" in row else row["is"]


if __name__ == "__main__":
    PAGE.write_text(render_page(read_table()))
