"""`twinstream faults`: break the sockets of a subscription on purpose, to see what a client makes of it."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from cyclopts import App, Parameter

from twinstream.cli.admin_table import Reply, show, show_all
from twinstream.cli.operator import HERE, Target
from twinstream.errors import RequestError
from twinstream.exits import EX_USAGE, CommandError
from twinstream.model.count import show_count
from twinstream.model.fault import MOST_REORDERED, PROFILES, check_faults
from twinstream.wire.fault import read_faults

ABRUPT = "abrupt"
"""What stands for a close without a close frame."""

FLAGS = {"code": "--close"}
"""The flags that are not called as the member of the body that they fill."""

SET = ("seed", "drop", "duplicate", "reorder", "delay_ms", "mute_heartbeats", "close")
DONE = ("connections", "dropped", "duplicated", "reordered", "delayed", "muted", "closed")

SubscriptionId = Annotated[
    str, Parameter(name="ID", help="Id of the subscription, of: twinstream admin subscription list")
]


def _optional(metavar: str, text: str, name: str | None = None) -> Parameter:
    return Parameter(name=name, metavar=metavar, show_default=False, help=text)


def _whole(text: str, name: str | None = None) -> Parameter:
    return Parameter(name=name, metavar="N", show_default=False, help=text)


_WIDTH = max(map(len, PROFILES))
PROFILE_LINES = "\n".join(f"  {name:{_WIDTH}}  {text}" for name, (text, _) in PROFILES.items())

HELP = """\
Break a subscription's streams on purpose.

For a server that runs with --allow-faults."""

EXAMPLES = f"""\
Only what is sent is altered: the log, the numbers and what is acknowledged stay
true, so a client that resumes well has everything in the end. The same seed and
the same events have the same faults. They last until `clear`, or until the
server stops.

Profiles:

{PROFILE_LINES}

Examples:

  twinstream demo --allow-faults
  twinstream faults set 12 --profile flaky-lte --seed 7
  twinstream faults set 12 --drop 0.01 --close 1012 --after-events 500
  twinstream faults show 12
  twinstream faults clear 12"""

SET_EXAMPLES = f"""\
What is left out is not done; with a profile, flags replace what they name. It
takes the place of what was set before, and begins to count anew.

Profiles:

{PROFILE_LINES}

Examples:

  twinstream faults set 12 --profile dying-server
  twinstream faults set 12 --profile dying-server --drop 0 --seed 7
  twinstream faults set 12 --delay-ms 0,800 --reorder 3 --duplicate 0.02
  twinstream faults set 12 --mute-heartbeats 1
  twinstream faults set 12 --close {ABRUPT} --every-s 45"""


def set_faults(
    subscription_id: SubscriptionId,
    /,
    *,
    profile: Annotated[str | None, _optional("NAME", "Faults that come together; see below.")] = None,
    seed: Annotated[int | None, _whole("What all chance comes from. [default 0]")] = None,
    drop: Annotated[float | None, _optional("SHARE", "Share of events that are not sent, 0 to 1.")] = None,
    duplicate: Annotated[float | None, _optional("SHARE", "Share of events that are sent twice, 0 to 1.")] = None,
    reorder: Annotated[int | None, _whole(f"Up to so many later events overtake one, 0 to {MOST_REORDERED}.")] = None,
    delay_ms: Annotated[
        str | None, _optional("LEAST,MOST", "Milliseconds that events are held, in their order.", "--delay-ms")
    ] = None,
    mute_heartbeats: Annotated[
        float | None, _optional("SHARE", "Share of heartbeats, and pings, that are not sent.", "--mute-heartbeats")
    ] = None,
    close: Annotated[str | None, _optional("CODE", f"Close with this code, or `{ABRUPT}` without any.")] = None,
    after_events: Annotated[int | None, _whole("Close behind so many events of a socket.", "--after-events")] = None,
    every_s: Annotated[float | None, _optional("SECONDS", "Close a socket that is so old.", "--every-s")] = None,
    target: Target = HERE,
) -> None:
    """Set faults on all sockets of a subscription, open and to come."""
    body: dict[str, Any] = {
        "profile": profile,
        "seed": seed,
        "drop": drop,
        "duplicate": duplicate,
        "reorder": reorder,
        "delay_ms": None if delay_ms is None else _read_span(delay_ms),
        "mute_heartbeats": mute_heartbeats,
        "close": _read_close(close, after_events, every_s),
    }
    said = {name: value for name, value in body.items() if value is not None}
    if not said.keys() - {"seed"}:
        raise CommandError(EX_USAGE, f"say which faults, or have none: twinstream faults clear {subscription_id}")
    _check(said)
    _show(_call("PUT", subscription_id, target, said), target)


def show_faults(subscription_id: SubscriptionId, /, *, target: Target = HERE) -> None:
    """Print the faults of a subscription, and what they have done."""
    _show(_call("GET", subscription_id, target), target)


def clear(subscription_id: SubscriptionId, /, *, target: Target = HERE) -> None:
    """Have no faults any more; what was held back is sent."""
    _call("DELETE", subscription_id, target)


def list_faults(*, target: Target = HERE) -> None:
    """List the subscriptions that have faults."""
    replies = target.call("GET", "/admin/v1/faults", needs_server=True)
    if target.json:
        show_all(replies, (), json=True)
    else:
        show_all([_flatten(reply) for reply in replies], ("subscription_id", *SET, *DONE), json=False)


def add_faults_commands(app: App) -> None:
    """Register `faults`."""
    faults = App(name="faults", help=HELP, help_epilogue=EXAMPLES)
    faults.command(set_faults, name="set", help_epilogue=SET_EXAMPLES)
    faults.command(show_faults, name="show", help_epilogue="Examples:\n\n  twinstream faults show 12 --json")
    faults.command(clear, help_epilogue="Examples:\n\n  twinstream faults clear 12")
    faults.command(list_faults, name="list", help_epilogue="Examples:\n\n  twinstream faults list")
    app.command(faults)


def _check(body: Reply) -> None:
    """Look whether a server could take this. Raises CommandError 64, naming the flag and what it may be."""
    try:
        check_faults(read_faults(body))
    except RequestError as error:
        field = error.field or ""
        flag = FLAGS.get(field) or "--" + field.replace("_", "-")
        text = error.message.removeprefix(field).rstrip(".").replace("null, for no close frame,", ABRUPT)
        raise CommandError(EX_USAGE, f"{flag}{text}") from None


def _call(method: str, subscription_id: str, target: Target, body: Any = None) -> Any:
    path = f"/admin/v1/subscriptions/{quote(subscription_id, safe='')}/faults"
    missing = f"There is no subscription {subscription_id}; this lists them: twinstream admin subscription list OEM"
    return target.call(method, path, body, missing=missing, needs_server=True)


def _show(reply: Reply, target: Target) -> None:
    if target.json:
        show(reply, (), json=True)
    else:
        show(_flatten(reply), ("subscription_id", *(SET if reply["faults"] else ("faults",)), *DONE), json=False)


def _flatten(reply: Reply) -> Reply:
    """Put what is set and what was done beside each other, for people."""
    faults = reply["faults"] or {"faults": "none"}
    flat = {"subscription_id": reply["subscription_id"], **faults, **reply["done"]}
    if "delay_ms" in flat:
        flat["delay_ms"] = "{} to {}".format(*flat["delay_ms"])
    if flat.get("close"):
        flat["close"] = _describe_close(flat["close"])
    return flat


def _describe_close(close: Reply) -> str:
    code = ABRUPT if close["code"] is None else str(close["code"])
    after = [] if close["after_events"] is None else [f"after {show_count(close['after_events'], 'event')}"]
    every = [] if close["every_s"] is None else [f"every {close['every_s']:g} s"]
    return " ".join([code, " or ".join(after + every)])


def _read_span(text: str) -> list[int]:
    least, _, most = text.partition(",")
    try:
        return [int(least), int(most or least)]
    except ValueError:
        raise CommandError(EX_USAGE, f"--delay-ms: {text!r} is not of the form LEAST,MOST, as in 0,800") from None


def _read_close(code: str | None, after_events: int | None, every_s: float | None) -> dict[str, Any] | None:
    if code is None and after_events is None and every_s is None:
        return None
    if code is None or (after_events is None and every_s is None):
        raise CommandError(EX_USAGE, f"--close CODE or {ABRUPT} goes with --after-events or --every-s")
    try:
        number = None if code == ABRUPT else int(code)
    except ValueError:
        raise CommandError(EX_USAGE, f"--close: {code!r} is neither a close code, as 1012, nor {ABRUPT}") from None
    return {"code": number, "after_events": after_events, "every_s": every_s}
