"""`twinstream why`: did a device's newest events get into a subscription's stream, and if not, what kept them out.

Asks as the operator, through the data folder. Knows no rule of matching: the server judges.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode

from cyclopts import App, Parameter

from twinstream.cli.admin_table import Reply, show, show_all
from twinstream.cli.operator import HERE, Target
from twinstream.exits import EX_DATAERR, EX_FINDINGS, EX_USAGE, CommandError

DEFAULT_LIMIT, LIMIT = 10, 100

HELP = """\
Tell why events of a device did not come: which filter, rule or state stopped
them, or how far they got."""

EXAMPLES = """\
It looks at the newest events of the device, and at what the subscription was
when each of them happened. It answers for the server that runs on the data
folder, or from the folder where none runs; so it needs no sign-in, and may ask
about anybody's subscription. Users ask for their own in the console, "Why
not?".

Exit codes: 0 the newest of these events is in the stream; 1 it is not, or there
is none; 64 the command line is wrong; 65 there is no such subscription; 69, 75,
77, 78 as for `twinstream admin`.

Examples:

  twinstream why --subscription 2 --dsn AC000W000340649
  twinstream why --subscription lamps --dsn AC000W000340649 --type datapoint
  twinstream why --subscription 2 --dsn AC000W000340649 --property Blue_LED \\
      --limit 1 --json"""

Type = Literal["connectivity", "datapoint", "datapointack", "location", "registration"]


def _optional(metavar: str, text: str) -> Parameter:
    return Parameter(metavar=metavar, show_default=False, help=text)


def why(
    *,
    subscription: Annotated[str, Parameter(metavar="ID|NAME", help="Id of the subscription, or its name.")],
    dsn: Annotated[str, Parameter(metavar="DSN", help="Serial number of the device.")],
    type: Annotated[Type | None, _optional("TYPE", "Only events of this type.")] = None,
    property: Annotated[str | None, _optional("NAME", "Only events of this property.")] = None,
    datapoint: Annotated[
        str | None, _optional("ID", f"Only events of this datapoint, among the newest {LIMIT}.")
    ] = None,
    limit: Annotated[int, Parameter(metavar="N", help=f"Events at most, up to {LIMIT}.")] = DEFAULT_LIMIT,
    target: Target = HERE,
) -> int:
    """Tell why events did not come."""
    if not 1 <= limit <= LIMIT:
        raise CommandError(EX_USAGE, f"--limit: {limit} is not a number from 1 to {LIMIT}")
    found = _find(target, subscription)
    asked = {"dsn": dsn, "event_type": type, "property_name": property, "datapoint": datapoint, "limit": limit}
    query = urlencode({name: value for name, value in asked.items() if value is not None})
    reply = target.call("GET", f"/admin/v1/subscriptions/{found['id']}/why?{query}")
    verdicts = reply["verdicts"]
    if target.json:
        show(reply, (), json=True)
    else:
        _print(found, verdicts, reply["note"])
    return 0 if verdicts and verdicts[0]["matched"] else EX_FINDINGS


def add_why_commands(app: App) -> None:
    """Register `why`."""
    app.command(why, help=HELP, help_epilogue=EXAMPLES)


def _find(target: Target, wanted: str) -> Reply:
    """Find a subscription by its id or, if it has none such, its name, in whatever OEM.

    Raises CommandError: 64 if several have the name, 65 if none has.
    """
    listed: list[Any] = [
        reply["subscription"]
        for oem in target.call("GET", "/admin/v1/oems")
        for reply in target.call("GET", f"/admin/v1/oems/{quote(oem['id'], safe='')}/subscriptions")
    ]
    found = [one for one in listed if str(one["id"]) == wanted] or [one for one in listed if one["name"] == wanted]
    if len(found) > 1:
        ids = ", ".join(str(one["id"]) for one in found)
        raise CommandError(EX_USAGE, f"--subscription: several are named {wanted!r}; take an id of: {ids}")
    if not found:
        raise CommandError(
            EX_DATAERR,
            f"there is no subscription {wanted!r}; this lists them: twinstream admin subscription list OEM",
        )
    subscription: Reply = found[0]
    return subscription


def _print(subscription: Reply, verdicts: list[Any], note: str) -> None:
    """Print a row for each event, the newest first."""
    if not verdicts:
        print(note)
        return
    rows = [
        {
            "time": verdict["created_at"],
            "event": verdict["event_type"],
            "property": verdict["property_name"],
            "seq": verdict["seq"],
            "why": verdict["text"],
        }
        for verdict in verdicts
    ]
    show_all(rows, ("time", "event", "property", "seq", "why"), json=False)
    if subscription["is_suspended"]:
        print("The subscription is suspended: it keeps what matches, and sends nothing until it is resumed.")
