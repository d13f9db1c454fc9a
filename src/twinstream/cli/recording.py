"""`twinstream record`, `play` and `scrub`: streams kept in files."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from twinstream.cli.address import URL_FORM, ClientType, Deployment, Key, KeyFile, Region, check_range, find_stream
from twinstream.cli.termination import until_terminated
from twinstream.exits import EX_USAGE, CommandError
from twinstream.model.count import show_count

if TYPE_CHECKING:
    from twinstream.client.state import State
    from twinstream.recording.file import Recording
    from twinstream.recording.player import Player
    from twinstream.recording.pseudonym import Pseudonyms
    from twinstream.recording.reel import Reel

SEED_VARIABLE = "TWINSTREAM_SEED"

RECORD_EXAMPLES = f"""\
Without --since-seq it begins behind the last event that somebody acknowledged.
It looks on: recording costs no collector its place. It reconnects by itself;
started again with the same file it goes on behind the last event in it. Ctrl-C
or SIGTERM ends it, and a file that a crash has torn is gone on with as well.
FILE.gz is compressed. Only you can read the file.

Pseudonyms are made from the original and a seed, which is a secret. Without
--seed (or the variable {SEED_VARIABLE}) there is a new one each time, and the
file cannot be gone on with.

Examples:

  twinstream record '{URL_FORM}' -o day.jsonl.gz
  twinstream record --since-seq 0 --seconds 3600 -o day.jsonl URL
                                  all that is kept, and the next hour
  twinstream record --pseudonymise all -o day.jsonl URL"""

PLAY_EXAMPLES = """\
Any client can connect, with any stream key unless --key says which. The clock
starts with the first client; whoever comes later gets what has been played
before, unless its key has acknowledged it or it asks with seq_start.
After the last event sockets stay open, with heartbeats, until Ctrl-C.

Examples:

  twinstream play day.jsonl.gz
  twinstream play day.jsonl --speed 10x --shift-to now --loop
  twinstream play day.jsonl --speed max --port 0"""

SCRUB_EXAMPLES = """\
Replaced are serial numbers, users and e-mail addresses, IP addresses and
places, by others of the same shape, also inside of texts. Names of things that
people chose, such as 'Anna's kitchen', are not known to be any: look at the
result before you give it away.

Examples:

  twinstream scrub day.jsonl -o safe.jsonl.gz
  twinstream scrub day.jsonl -o safe.jsonl --pseudonymise dsn,user"""

Pseudonymise = Annotated[
    str | None, Parameter(metavar="KINDS", help="Replace these: dsn, user, ip, location, or all; separated by commas.")
]
Seed = Annotated[str | None, Parameter(metavar="TEXT", help="Secret that the same pseudonyms are made from again.")]
Output = Annotated[Path, Parameter(name=["--output", "-o"], metavar="FILE", help="The recording to write.")]


def record(
    url: Annotated[str | None, Parameter(help=f"Address of the stream, like {URL_FORM}")] = None,
    /,
    *,
    output: Output,
    region: Region = None,
    deployment: Deployment = "field",
    client_type: ClientType = "cloud",
    key: Key = None,
    key_file: KeyFile = None,
    since_seq: Annotated[int | None, Parameter(metavar="N", help="Begin with this number; 0: the oldest kept.")] = None,
    until_seq: Annotated[int | None, Parameter(metavar="N", help="End with this number.")] = None,
    count: Annotated[int | None, Parameter(metavar="N", help="End after so many events.")] = None,
    seconds: Annotated[float | None, Parameter(metavar="S", help="End after so long.")] = None,
    pseudonymise: Pseudonymise = None,
    seed: Seed = None,
    json: Annotated[
        bool, Parameter(negative="", show_default=False, help="Print at the end what was recorded, as JSON.")
    ] = False,
) -> int:
    """Record a stream to a file."""
    from twinstream.recording.recorder import Bounds
    from twinstream.recording.recorder import record as record_stream

    address, stream_key = find_stream(url, region, deployment, client_type, key, key_file)
    check_range(since_seq, until_seq)
    try:
        recording = record_stream(
            address,
            output,
            stream_key=stream_key,
            seq_start=0 if since_seq is None and until_seq is not None else since_seq,
            seq_end=until_seq,
            bounds=Bounds(count, seconds),
            pseudonyms=_make_pseudonyms(pseudonymise, seed),
            notify=_notice_state,
        )
        found = asyncio.run(until_terminated(recording))
    except ValueError as error:
        raise CommandError(EX_USAGE, str(error)) from None
    if found is not None:
        _tell_recorded(output, *found, as_json=json)
    return 0


def play(
    file: Annotated[Path, Parameter(metavar="FILE", help="A recording.")],
    /,
    *,
    host: Annotated[str, Parameter(metavar="HOST", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, Parameter(metavar="PORT", help="Port to listen on; 0: any free one.")] = 8801,
    key: Annotated[str | None, Parameter(metavar="KEY", help="Admit this stream key only.")] = None,
    speed: Annotated[str, Parameter(metavar="10x|max", help="Faster or slower than it was.")] = "1x",
    shift_to: Annotated[
        Literal["now"] | None,
        Parameter(metavar="now", show_choices=False, help="Move the times in events to the time of playing."),
    ] = None,
    loop: Annotated[
        bool, Parameter(negative="", show_default=False, help="Begin again at the end, with numbers that go on.")
    ] = False,
    heartbeat: Annotated[float, Parameter(metavar="S", help="Seconds between heartbeats.")] = 30.0,
    pseudonymise: Pseudonymise = None,
    seed: Seed = None,
) -> int:
    """Serve a recorded stream again."""
    import math

    from twinstream.client.clock import SystemClock
    from twinstream.recording.file import EventLine, Recording
    from twinstream.recording.player import Player
    from twinstream.recording.reel import Reel, read_speed

    try:
        rate = read_speed(speed)
    except ValueError:
        raise CommandError(EX_USAGE, f"--speed {speed}: expected a factor like 10x or 0.5x, or max") from None
    if loop and math.isinf(rate):
        raise CommandError(EX_USAGE, "--loop needs a --speed other than max: there would be no end to it")
    if not 0 <= port <= 65535 or heartbeat <= 0:
        raise CommandError(EX_USAGE, "--port is from 0 to 65535, --heartbeat above 0")
    recording = Recording(file)
    events = [line for line in recording.lines() if isinstance(line, EventLine)]
    pseudonyms = _make_pseudonyms(pseudonymise, seed)
    for event in events if pseudonyms else ():
        pseudonyms.learn(event.text)  # type: ignore[union-attr]
    reel = Reel(
        events,
        speed=rate,
        loop=loop,
        shift=shift_to is not None,
        scrub=pseudonyms.scrub if pseudonyms else None,
    )
    player = Player(reel, SystemClock(), stream_key=key, heartbeat_s=heartbeat)
    asyncio.run(until_terminated(_serve(player, reel, recording, host, port, key)))
    return 0


def scrub(
    file: Annotated[Path, Parameter(metavar="FILE", help="A recording.")],
    /,
    *,
    output: Output,
    pseudonymise: Annotated[
        str, Parameter(metavar="KINDS", help="What to replace: dsn, user, ip, location, or all; separated by commas.")
    ] = "all",
    seed: Seed = None,
) -> int:
    """Make a recording that can be shown to others."""
    from twinstream.recording.scrub import scrub as scrub_file

    pseudonyms = _make_pseudonyms(pseudonymise, seed)
    if pseudonyms is not None:
        events = scrub_file(file, output, pseudonyms)
        _notice(f"{show_count(events, 'event')} in {output}")
    return 0


def add_recording_commands(app: App) -> None:
    """Register `record`, `play` and `scrub`."""
    app.command(record, usage="Usage: twinstream record --output FILE [OPTIONS] URL", help_epilogue=RECORD_EXAMPLES)
    app.command(play, help_epilogue=PLAY_EXAMPLES)
    app.command(scrub, help_epilogue=SCRUB_EXAMPLES)


async def _serve(player: Player, reel: Reel, recording: Recording, host: str, port: int, key: str | None) -> None:
    async with player.open(host, port) as (at_host, at_port):
        shown = f"[{at_host}]" if ":" in at_host else at_host
        torn = ", its torn end left out" if recording.is_torn else ""
        print(f"{show_count(reel.size, 'event')} of {recording.path}{torn}, {reel.duration_s:,.0f} s long, at")
        print(f"ws://{shown}:{at_port}/stream?stream_key={key or 'any'}", flush=True)
        await asyncio.Event().wait()


def _make_pseudonyms(kinds: str | None, seed: str | None) -> Pseudonyms | None:
    if kinds is None:
        return None
    from twinstream.recording.pseudonym import Pseudonyms, read_kinds

    try:
        return Pseudonyms(read_kinds(kinds), seed or os.environ.get(SEED_VARIABLE) or secrets.token_hex(32))
    except ValueError as error:
        raise CommandError(EX_USAGE, f"--pseudonymise: {error}") from None


def _tell_recorded(output: Path, events: int, last_seq: int | None, *, as_json: bool) -> None:
    if as_json:
        import msgspec

        print(msgspec.json.encode({"file": str(output), "events": events, "last_seq": last_seq}).decode())
        return
    last = "" if last_seq is None else f"; the last in it is number {last_seq}"
    _notice(f"{show_count(events, 'event')} recorded in {output}{last}")


def _notice_state(state: State) -> None:
    from twinstream.client.line import describe_state

    _notice(describe_state(state))


def _notice(text: str) -> None:
    sys.stderr.write(f"twinstream: {text}\n")
    sys.stderr.flush()
