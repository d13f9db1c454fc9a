"""`twinstream tail`, which needs the bare install, and of a server only its address."""

from __future__ import annotations

import asyncio
from typing import Annotated

from cyclopts import App, Parameter

from twinstream.cli.address import (
    KEY_VARIABLE,
    URL_FORM,
    ClientType,
    Deployment,
    Key,
    KeyFile,
    Region,
    check_range,
    find_stream,
)

TAIL_EXAMPLES = f"""\
On a terminal each event is a line to read; a pipe or a file gets lines of JSON.
It looks on: what it receives is not acknowledged, and costs no collector its
place. It reconnects by itself, and ends with Ctrl-C. What happens to the
stream is told on the error output.

A URL on the command line can be seen by others on this machine; the key can
come from --key-file or the variable {KEY_VARIABLE} instead. Names of
regions lead to your own server if TWINSTREAM_CLOUD has its address
(http://127.0.0.1:8800). The certificate of a private CA is trusted for wss://
if SSL_CERT_FILE names it.

Exit codes: 0 it ended as asked; 64 the command line is wrong; 69 nobody there;
75 not now, try again; 76 closed for good; 77 the key was refused; 130 Ctrl-C.

Examples:

  twinstream tail '{URL_FORM}'
  twinstream tail --since-seq 0 '{URL_FORM}'
                                  from the oldest event kept
  twinstream tail --type 'datapoint*' --dsn 'AC000W00*' --property '*_LED' URL
                                  only these
  twinstream tail --json --count 1 URL
                                  for another program
  twinstream tail --region us --deployment dev --client-type mobile \\
      --key-file key              a stream of that cloud"""


def tail(
    url: Annotated[str | None, Parameter(help=f"Address of the stream, like {URL_FORM}")] = None,
    /,
    *,
    region: Region = None,
    deployment: Deployment = "field",
    client_type: ClientType = "cloud",
    key: Key = None,
    key_file: KeyFile = None,
    since_seq: Annotated[int | None, Parameter(metavar="N", help="Begin with this number; 0: the oldest kept.")] = None,
    until_seq: Annotated[int | None, Parameter(metavar="N", help="End with this number.")] = None,
    type: Annotated[
        tuple[str, ...],
        Parameter(metavar="PATTERN", negative="", show_default=False, help="Only these types of events; repeatable."),
    ] = (),
    dsn: Annotated[
        tuple[str, ...],
        Parameter(metavar="PATTERN", negative="", show_default=False, help="Only these devices; repeatable."),
    ] = (),
    property: Annotated[
        tuple[str, ...],
        Parameter(metavar="PATTERN", negative="", show_default=False, help="Only these properties; repeatable."),
    ] = (),
    json: Annotated[
        bool, Parameter(negative="", show_default=False, help="Print lines of JSON on a terminal too.")
    ] = False,
    count: Annotated[int | None, Parameter(metavar="N", help="End after so many events.")] = None,
    seconds: Annotated[float | None, Parameter(metavar="S", help="End after so long.")] = None,
    stats: Annotated[bool, Parameter(negative="", show_default=False, help="Tell counters at the end.")] = False,
) -> int:
    """Print the events of a stream as they happen."""
    address, stream_key = find_stream(url, region, deployment, client_type, key, key_file)
    check_range(since_seq, until_seq)
    from twinstream.client.tail import Selection
    from twinstream.client.tail import tail as follow

    return asyncio.run(
        follow(
            address,
            stream_key=stream_key,
            since_seq=since_seq,
            until_seq=until_seq,
            selection=Selection(type, dsn, property),
            json_lines=json,
            count=count,
            seconds=seconds,
            stats=stats,
        )
    )


def add_client_commands(app: App) -> None:
    """Register `tail`."""
    app.command(tail, usage="Usage: twinstream tail [OPTIONS] URL", help_epilogue=TAIL_EXAMPLES)
