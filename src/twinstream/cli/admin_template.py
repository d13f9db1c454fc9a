"""`twinstream admin template`: the shape of an OEM's models, which their devices' twins take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import msgspec
from cyclopts import App, Parameter

from twinstream.cli.admin_device import load_file, read_plans
from twinstream.cli.admin_oem import Oem, list_of_oem, path_of
from twinstream.cli.admin_table import show, show_all
from twinstream.cli.operator import HERE, Target
from twinstream.exits import EX_DATAERR, CommandError
from twinstream.model.template import TemplatePlan

COLUMNS = ("id", "oem_model", "version", "name", "registration_type", "updated_at")
PROPERTY_COLUMNS = ("name", "base_type", "direction", "display_name", "ack_enabled", "track_only_changes")

ADD_EXAMPLES = """\
FILE is TOML or JSON:

  oem_model = "ledevb"
  version = "1"                  # "1" if left out
  name = "LED board"             # the model if left out
  registration_type = "Same-LAN" # what the device has if left out

  [[properties]]
  name = "Blue_LED"
  base_type = "boolean"
  direction = "input"

A device of this model gets the properties that it lacks when it is made, when
it activates, and whenever it reports itself.

Examples:

  twinstream admin template add 0dfc7900 ledevb.toml"""

LIST_EXAMPLES = """\
Examples:

  twinstream admin template list 0dfc7900"""

SHOW_EXAMPLES = """\
Examples:

  twinstream admin template show 0dfc7900 1
  twinstream admin template show 0dfc7900 1 --json | jq .properties"""


def add(
    oem: Oem,
    file: Annotated[Path, Parameter(name="FILE", help="File with the model and its properties, TOML or JSON.")],
    /,
    *,
    target: Target = HERE,
) -> None:
    """Add a template."""
    show(target.call("POST", f"{path_of(oem)}/templates", _read_file(file)), COLUMNS, json=target.json)


def list_templates(oem: Oem, /, *, target: Target = HERE) -> None:
    """List an OEM's templates."""
    show_all(list_of_oem(target, oem, "templates"), COLUMNS, json=target.json)


def show_template(
    oem: Oem,
    id: Annotated[str, Parameter(name="ID", help="Id of the template.")],
    /,
    *,
    target: Target = HERE,
) -> None:
    """Show a template with its properties."""
    reply = target.call("GET", f"{path_of(oem)}/templates/{quote(id, safe='')}")
    show(reply, COLUMNS, json=target.json)
    if not target.json:
        print()
        show_all(reply["properties"], PROPERTY_COLUMNS, json=False)


def make_app() -> App:
    """Make the group."""
    app = App(name="template", help="Templates, the shapes of models: add, list, show.", help_epilogue=LIST_EXAMPLES)
    app.command(add, help_epilogue=ADD_EXAMPLES)
    app.command(list_templates, name="list", help_epilogue=LIST_EXAMPLES)
    app.command(show_template, name="show", help_epilogue=SHOW_EXAMPLES)
    return app


def _read_file(path: Path) -> dict[str, Any]:
    """Read a template. Raises CommandError 65, naming the place."""
    content = load_file(path)
    if not isinstance(content, dict):
        raise CommandError(EX_DATAERR, f"{path}: holds no template; `template add --help` shows one")
    for key in sorted(content.keys() - set(TemplatePlan.__struct_fields__)):
        known = ", ".join(TemplatePlan.__struct_fields__)
        raise CommandError(EX_DATAERR, f"{path}: a template has no {key!r}; expected {known}")
    plans = read_plans(path, content) if "properties" in content else ()
    try:
        plan = msgspec.convert({**content, "properties": ()}, TemplatePlan)
    except msgspec.ValidationError as error:
        raise CommandError(EX_DATAERR, f"{path}: {str(error).replace('`', '').replace(' - at $', ' - at ')}") from None
    return msgspec.structs.asdict(msgspec.structs.replace(plan, properties=tuple(plans)))
