"""`twinstream admin device`: devices with their properties, and the key that each is to hold.

Owns how a property is written on the command line and in a file.
"""

from __future__ import annotations

import difflib
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import App, Parameter

from twinstream.cli.admin_oem import Oem, list_of_oem, no_oem, path_of
from twinstream.cli.admin_table import show, show_all
from twinstream.cli.operator import HERE, Target
from twinstream.exits import EX_DATAERR, EX_USAGE, CommandError
from twinstream.model.device import RegistrationType
from twinstream.model.property import Direction, PropertyPlan
from twinstream.model.value import BaseType

COLUMNS = ("dsn", "key", "oem_model", "product_name", "registration_type", "registered", "connection_status")

FORM = "NAME:TYPE:DIRECTION[:ack]"

ADD_EXAMPLES = f"""\
A property is {FORM}, where TYPE is one of
{", ".join(BaseType)}; DIRECTION is input
(to the device) or output (from it); ack: the device acknowledges what it gets.
In a file it is a table of the list `properties`, in TOML or JSON:

  [[properties]]
  name = "Blue_LED"
  base_type = "boolean"
  direction = "input"
  ack_enabled = true
  display_name = "Blue light"
  track_only_changes = true

Run again, it adds the properties that are missing, and prints the key again.

Examples:

  twinstream admin device add 0dfc7900 AC000W000340649 --model ledevb \\
    --property Blue_LED:boolean:input:ack --property Blue_button:boolean:output
  twinstream admin device add 0dfc7900 AC000W000340650 --model ledevb \\
    --properties ledevb.toml --json | jq -r .public_key > device.pem"""

LIST_EXAMPLES = """\
Examples:

  twinstream admin device list 0dfc7900"""


def add(
    oem: Oem,
    dsn: Annotated[str, Parameter(name="DSN", help="Device serial number.")],
    /,
    *,
    model: Annotated[str, Parameter(metavar="OEM_MODEL", help="What the OEM calls this kind of device (oem_model).")],
    property: Annotated[
        list[str] | None,
        Parameter(metavar=FORM, negative="", show_default=False, help="A property; can be given several times."),
    ] = None,
    properties: Annotated[
        Path | None, Parameter(metavar="FILE", show_default=False, help="File of properties, TOML or JSON.")
    ] = None,
    product_name: Annotated[
        str | None, Parameter(metavar="NAME", show_default=False, help="Name that users see; the DSN if left out.")
    ] = None,
    registration_type: Annotated[
        RegistrationType, Parameter(help="How a user gets hold of it.")
    ] = RegistrationType.DSN,
    target: Target = HERE,
) -> None:
    """Add a device with its properties, and print the public key that it is to hold."""
    plans = [
        *(read_plans(properties, load_file(properties)) if properties else ()),
        *map(read_property, property or ()),
    ]
    body = {
        "dsn": dsn,
        "oem_model": model,
        "product_name": product_name,
        "registration_type": registration_type,
        "properties": plans,
    }
    reply = target.call("POST", f"{path_of(oem)}/devices", body, missing=no_oem(oem))
    show(reply, COLUMNS, json=target.json)
    if not target.json:
        print(f"\n{reply['public_key']}", end="")
        if not reply["is_new"]:
            added = ", ".join(reply["added_properties"])
            news = f"added properties: {added}" if added else "nothing was added"
            print(f"twinstream: {reply['dsn']} exists already; {news}", file=sys.stderr)


def list_devices(oem: Oem, /, *, target: Target = HERE) -> None:
    """List an OEM's devices."""
    show_all(list_of_oem(target, oem, "devices"), COLUMNS, json=target.json)


def make_app() -> App:
    """Make the group."""
    app = App(name="device", help="Devices: add, list.", help_epilogue=LIST_EXAMPLES)
    app.command(add, help_epilogue=ADD_EXAMPLES)
    app.command(list_devices, name="list", help_epilogue=LIST_EXAMPLES)
    return app


def read_property(text: str) -> PropertyPlan:
    """Read a property from the command line; its name may hold colons. Raises CommandError 64."""
    parts = text.split(":")
    ack = parts[-1] == "ack"
    *name, base_type, direction = parts[: -1 if ack else None] if len(parts) > 2 + ack else ["", ""]
    try:
        return PropertyPlan(
            name=":".join(name), base_type=BaseType(base_type), direction=Direction(direction), ack_enabled=ack
        )
    except ValueError:
        raise CommandError(
            EX_USAGE, f"flag --property: {text!r} cannot be; expected {FORM}, as in Blue_LED:boolean:input"
        ) from None


def load_file(path: Path) -> Any:
    """Read a TOML or JSON file. Raises CommandError 65, naming the place."""
    try:
        text = path.read_text("utf-8-sig")
        return msgspec.json.decode(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise CommandError(EX_DATAERR, f"{path}: cannot be read: {error.strerror}; expected TOML or JSON") from None
    except ValueError as error:  # Why here: the errors of both formats and of the encoding are kinds of it
        raise CommandError(EX_DATAERR, f"{path}: {' '.join(str(error).split())}; expected TOML or JSON") from None


def read_plans(path: Path, content: Any) -> Sequence[PropertyPlan]:
    """Read the properties of a file's content. Raises CommandError 65, naming the place."""
    tables = content.get("properties") if isinstance(content, dict) else content
    if not isinstance(tables, list):
        raise CommandError(EX_DATAERR, f"{path}: holds no list `properties`; `device add --help` shows one")
    for key in _unknown_keys(tables):
        nearest = difflib.get_close_matches(key, PropertyPlan.__struct_fields__, 1)
        known = nearest or PropertyPlan.__struct_fields__
        raise CommandError(EX_DATAERR, f"{path}: a property has no {key!r}; expected {', '.join(known)}")
    try:
        return msgspec.convert(tables, tuple[PropertyPlan, ...])
    except msgspec.ValidationError as error:
        problem = str(error).replace("`", "").replace("- at $", "- at properties")
        raise CommandError(EX_DATAERR, f"{path}: {problem}") from None


def _unknown_keys(tables: list[Any]) -> Iterator[str]:
    for table in tables:
        if isinstance(table, dict):
            yield from sorted(table.keys() - set(PropertyPlan.__struct_fields__))
