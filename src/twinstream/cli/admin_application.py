"""`twinstream admin app`: the applications in whose name users sign in."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from twinstream.cli.admin_oem import Oem, list_of_oem, no_oem, path_of
from twinstream.cli.admin_table import show, show_all
from twinstream.cli.operator import HERE, Target

COLUMNS = ("app_id", "name", "created_at")

ADD_EXAMPLES = """\
Examples:

  twinstream admin app add 0dfc7900 'Example for Android'
  twinstream admin app add 0dfc7900 Portal --app-id portal-id --json"""

LIST_EXAMPLES = """\
Examples:

  twinstream admin app list 0dfc7900"""


def add(
    oem: Oem,
    name: Annotated[str, Parameter(help="Name, for people.")],
    /,
    *,
    app_id: Annotated[str | None, Parameter(metavar="ID", show_default=False, help="Made up if left out.")] = None,
    target: Target = HERE,
) -> None:
    """Add an application, and print its secret, which is never shown again."""
    reply = target.call("POST", f"{path_of(oem)}/applications", {"name": name, "app_id": app_id}, missing=no_oem(oem))
    show(reply, ("app_id", "app_secret", *COLUMNS[1:]), json=target.json)


def list_applications(oem: Oem, /, *, target: Target = HERE) -> None:
    """List an OEM's applications."""
    show_all(list_of_oem(target, oem, "applications"), COLUMNS, json=target.json)


def make_app() -> App:
    """Make the group."""
    app = App(name="app", help="Applications, in whose name users sign in: add, list.", help_epilogue=ADD_EXAMPLES)
    app.command(add, help_epilogue=ADD_EXAMPLES)
    app.command(list_applications, name="list", help_epilogue=LIST_EXAMPLES)
    return app
