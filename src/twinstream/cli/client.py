"""The commands of a client: they need the bare install, and of the server only its address."""

from __future__ import annotations

import asyncio
from typing import Annotated
from urllib.parse import urlsplit

from cyclopts import App, Parameter

from twinstream.exits import EX_USAGE, CommandError

URL_FORM = "ws://127.0.0.1:8800/stream?stream_key=KEY"

TAIL_EXAMPLES = f"""\
On a terminal each event is a line to read; a pipe or a file gets lines of JSON.
It looks on: what it receives is not acknowledged, and costs no collector its
place. It reconnects by itself, and ends with Ctrl-C.

The certificate of a private CA is trusted for wss:// if SSL_CERT_FILE names it.

Examples:

  twinstream tail '{URL_FORM}'
  twinstream tail '{URL_FORM}&seq_start=0'
                                  from the oldest event kept
  twinstream tail --json --count 1 '{URL_FORM}'
                                  for another program"""


def tail(
    url: Annotated[str, Parameter(help=f"Address of the stream, like {URL_FORM}")],
    /,
    *,
    json: Annotated[
        bool, Parameter(negative="", show_default=False, help="Print lines of JSON on a terminal too.")
    ] = False,
    count: Annotated[int | None, Parameter(metavar="N", help="End after so many events.")] = None,
    seconds: Annotated[float | None, Parameter(metavar="S", help="End after so long.")] = None,
) -> int:
    """Print the events of a stream as they happen."""
    _check_url(url)
    from twinstream.client.tail import tail as follow

    return asyncio.run(follow(url, json_lines=json, count=count, seconds=seconds))


def add_client_commands(app: App) -> None:
    """Register `tail`."""
    app.command(tail, help_epilogue=TAIL_EXAMPLES)


def _check_url(url: str) -> None:
    """Refuse what cannot be a stream's address.

    Raises:
        CommandError: 64. Invariant: the text never holds the URL, which has the stream key in it.
    """
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("ws", "wss") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good:
        raise CommandError(EX_USAGE, f"that is no address of a stream; expected ws:// or wss://, as in '{URL_FORM}'")
