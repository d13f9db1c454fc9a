"""`twinstream admin oem`: tenants and the limits of their logs."""

from __future__ import annotations

import math
from typing import Annotated
from urllib.parse import quote

from cyclopts import App, Parameter

from twinstream.cli.admin_table import Reply, show, show_all
from twinstream.cli.operator import HERE, Target
from twinstream.exits import EX_DATAERR, EX_USAGE, CommandError

OEMS = "/admin/v1/oems"
COLUMNS = ("id", "name", "retention_age_s", "retention_size_bytes", "created_at")
DEFAULT = "default"
"""What stands for a limit that follows the server's setting."""

Oem = Annotated[str, Parameter(help="Id of the OEM, 8 hex digits.")]

ADD_EXAMPLES = """\
Examples:

  twinstream admin oem add 'Example Appliances'
  twinstream admin oem add 'Example Appliances' --id 0dfc7900"""

LIST_EXAMPLES = """\
Examples:

  twinstream admin oem list
  twinstream admin oem list --json | jq -r '.[].id'"""

RETENTION_EXAMPLES = f"""\
A limit is a number, or the word {DEFAULT} for what the settings of the server say.

Examples:

  twinstream admin oem retention 0dfc7900 --age-s 172800
  twinstream admin oem retention 0dfc7900 --size-bytes 500000000
  twinstream admin oem retention 0dfc7900 --age-s {DEFAULT}"""


def add(
    name: Annotated[str, Parameter(help="Name, for people.")],
    /,
    *,
    id: Annotated[
        str | None, Parameter(metavar="ID", show_default=False, help="8 hex digits; made up if left out.")
    ] = None,
    target: Target = HERE,
) -> None:
    """Add an OEM; its administrators may subscribe to everything.

    It may be the first thing in a new data folder.
    """
    reply = target.call("POST", OEMS, {"name": name, "id": id}, may_make_folder=True)
    show(reply, COLUMNS, json=target.json)


def list_oems(*, target: Target = HERE) -> None:
    """List OEMs."""
    show_all(target.call("GET", OEMS), COLUMNS, json=target.json)


def retention(
    oem: Oem,
    /,
    *,
    age_s: Annotated[
        str | None, Parameter(metavar="SECONDS", show_default=False, help="Age at which an event leaves the log.")
    ] = None,
    size_bytes: Annotated[
        str | None,
        Parameter(metavar="BYTES", show_default=False, help="Size beyond which the oldest events leave the log."),
    ] = None,
    target: Target = HERE,
) -> None:
    """Set how much of an OEM's log is kept; a limit that is not named stays."""
    given = {"retention_age_s": age_s, "retention_size_bytes": size_bytes}
    wanted = {field: _read_limit(field, text) for field, text in given.items() if text is not None}
    if not wanted:
        raise CommandError(EX_USAGE, "a limit is needed: --age-s or --size-bytes")
    present = find_oem(target, oem)
    limits = {field: present[field] for field in given} | wanted
    show(target.call("PUT", f"{path_of(oem)}/retention", limits, missing=no_oem(oem)), COLUMNS, json=target.json)


def path_of(oem: str) -> str:
    """Answer the path of an OEM in the operator's API."""
    return f"{OEMS}/{quote(oem.lower(), safe='')}"


def find_oem(target: Target, oem: str) -> Reply:
    """Answer the OEM. Raises CommandError 65 if there is none of this id."""
    for reply in target.call("GET", OEMS):
        if reply["id"] == oem.lower():
            found: Reply = reply
            return found
    raise CommandError(EX_DATAERR, no_oem(oem))


def no_oem(oem: str) -> str:
    """Say that there is no OEM of this id."""
    return f"There is no OEM {oem}; this lists them: twinstream admin oem list"


def list_of_oem(target: Target, oem: str, nouns: str) -> list[Reply]:
    """List an OEM's ``users`` or the like. Raises CommandError 65 if there is no such OEM: a slip is no empty list."""
    replies: list[Reply] = target.call("GET", f"{path_of(oem)}/{nouns}", missing=no_oem(oem))
    if not replies:
        find_oem(target, oem)
    return replies


def make_app() -> App:
    """Make the group."""
    app = App(name="oem", help="OEMs, the tenants: add, list, limit their logs.", help_epilogue=LIST_EXAMPLES)
    app.command(add, help_epilogue=ADD_EXAMPLES)
    app.command(list_oems, name="list", help_epilogue=LIST_EXAMPLES)
    app.command(retention, help_epilogue=RETENTION_EXAMPLES)
    return app


def _read_limit(field: str, text: str) -> float | None:
    """Read a limit; None is the default."""
    if text == DEFAULT:
        return None
    whole = field.endswith("_bytes")
    try:
        limit = int(text) if whole else float(text)
        if math.isfinite(limit):
            return limit
    except ValueError:
        pass
    form = "a whole number" if whole else "a number"
    raise CommandError(EX_USAGE, f"{field}: {text!r} cannot be; expected {form}, or the word {DEFAULT}")
