"""`twinstream tail`: print a stream's events as they happen.

Owns what a person or a script sees of a stream; how a stream is kept up is `client.stream`'s business. It looks on
(``observe=1``). Invariant: what a terminal gets holds no control character from the server, and no text ever holds the
stream key.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from collections.abc import Callable, Mapping
from contextlib import aclosing
from typing import Any, TextIO
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec

from twinstream.client.stream import (
    PASSING_STATUSES,
    MessageError,
    Received,
    RefusedError,
    UnreachableError,
    is_local,
    read_stream,
    with_query,
)
from twinstream.errors import CLOSE_CODES, Disconnect
from twinstream.exits import EX_NOPERM, EX_PROTOCOL, EX_TEMPFAIL, EX_UNAVAILABLE, CommandError

LAST_SHOWN = 10
"""So many events from before are shown on a terminal, like `tail` does with lines."""


async def tail(
    url: str,
    *,
    json_lines: bool = False,
    count: int | None = None,
    seconds: float | None = None,
    out: TextIO | None = None,
) -> int:
    """Print the events of a stream until it ends, and return 0: a readable line each on a terminal, else a line of JSON
    each.

    On a terminal it begins with the last ten events, otherwise where the server says (behind the last acknowledged
    event); a ``seq_start`` in the URL decides for both. ``count`` events or ``seconds`` bound it. Notices go to the
    error output.

    Raises:
        CommandError: the stream cannot be opened, or was closed for good.
        OSError: the output takes no more.
    """
    out = out or sys.stdout
    is_watched = out.isatty() and not json_lines
    if is_watched and "seq_start" not in parse_qs(urlsplit(url).query):
        url = await _start_near_end(url)
    try:
        async with asyncio.timeout(seconds):
            await _print_events(url, describe_event if is_watched else _as_json_line, count, out)
    except TimeoutError:
        pass
    except UnreachableError as error:
        raise CommandError(EX_UNAVAILABLE, f"no stream there: {printable(str(error))}") from None
    except RefusedError as error:
        raise _explain_refusal(error) from None
    except Disconnect as error:
        remedy = CLOSE_CODES[error.close_code].remedy
        raise CommandError(EX_PROTOCOL, f"the server closed the stream: {printable(str(error))}. {remedy}") from None
    except MessageError as error:
        raise CommandError(EX_PROTOCOL, f"that does not speak our protocol: {error}") from None
    return 0


async def _print_events(url: str, form: Callable[[Received], str], count: int | None, out: TextIO) -> None:
    if count is not None and count < 1:
        return
    shown = 0
    async with aclosing(read_stream(url, observe=True, notify=_notice)) as events:
        async for received in events:
            out.write(form(received) + "\n")
            out.flush()
            shown += 1
            if shown == count:
                return


def describe_event(received: Received) -> str:
    """Write an event as a line for people: time, type, DSN, what happened, and its number."""
    metadata = _object(received.event, "metadata")
    kind = str(metadata.get("event_type"))
    if kind not in _KINDS:
        return printable(received.text)
    body_key, time_keys, say = _KINDS[kind]
    body = _object(received.event, body_key)
    at = next((body[key] for key in time_keys if body.get(key)), "")
    what = say(metadata, body)
    return printable(f"{at}  {kind:<12}  {metadata.get('dsn')}  {what}  #{received.seq}")


def printable(text: str) -> str:
    """Replace what could steer a terminal (control, format and bidi characters) by its escape sequence."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _say_connectivity(_: Mapping[str, Any], body: Mapping[str, Any]) -> str:
    return str(body.get("status"))


def _say_datapoint(metadata: Mapping[str, Any], body: Mapping[str, Any]) -> str:
    value = msgspec.json.encode(body.get("value")).decode()
    return f"{metadata.get('property_name')} = {value}" + (" (echo)" if body.get("echo") else "")


def _say_datapointack(metadata: Mapping[str, Any], body: Mapping[str, Any]) -> str:
    status = body.get("ack_status")
    verdict = "acknowledged" if status == 200 else "refused"
    return f"{_say_datapoint(metadata, body)} {verdict} ({status}, message {body.get('ack_message')})"


def _say_location(_: Mapping[str, Any], body: Mapping[str, Any]) -> str:
    return f"{str(body.get('lat')).strip()}, {str(body.get('long')).strip()} ({body.get('provider')})"


def _say_registration(_: Mapping[str, Any], body: Mapping[str, Any]) -> str:
    return f"{'registered' if body.get('registered') else 'unregistered'} ({body.get('registration_type')})"


_KINDS: Mapping[str, tuple[str, tuple[str, ...], Callable[[Mapping[str, Any], Mapping[str, Any]], str]]] = {
    "connectivity": ("connection", ("event_time",), _say_connectivity),
    "datapoint": ("datapoint", ("created_at",), _say_datapoint),
    "datapointack": ("datapoint", ("acked_at", "created_at"), _say_datapointack),
    "location": ("location_event", ("created_at",), _say_location),
    "registration": ("registration_event", ("registered_at", "unregistered_at"), _say_registration),
}
"""For each event type: the key of its body, the keys of its time, and how to say what happened."""


def _object(parent: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    child = parent.get(key)
    return child if isinstance(child, dict) else {}


def _as_json_line(received: Received) -> str:
    """The object exactly as it came; JSON text holds no line break unless it is pretty-printed."""
    return received.text.replace("\n", " ")


async def _start_near_end(url: str) -> str:
    """Let the stream begin a few events before its end, if the server tells where that is; else change nothing."""
    parts = urlsplit(url)
    key = parse_qs(parts.query).get("stream_key", [""])[0]
    question = f"{parts.scheme.replace('ws', 'http')}://{parts.netloc}/api/v1/subscriptions/getCurrentSeq"
    try:
        trust = ssl.create_default_context()  # Why: what the socket trusts; httpx alone knows other authorities
        async with httpx.AsyncClient(verify=trust, trust_env=not is_local(url), timeout=5) as client:
            answer = await client.get(question, params={"stream_key": key})
        place = msgspec.json.decode(answer.raise_for_status().content, type=dict[str, str])
        newest, oldest = int(place["seq"]), int(place["oldest"])
    except (httpx.HTTPError, msgspec.DecodeError, KeyError, ValueError):
        return url
    start = max(oldest, newest - LAST_SHOWN + 1)
    if start > oldest:
        _notice(f"the last {LAST_SHOWN} of {newest - oldest + 1} events; for all, add '&seq_start=0' to the address")
    return with_query(url, after=start - 1)


def _explain_refusal(error: RefusedError) -> CommandError:
    told = printable(str(error))
    if error.status in (401, 403):
        return CommandError(EX_NOPERM, f"the server refused the stream key ({error.status}): {told}")
    if error.status in PASSING_STATUSES:
        again = f"; try again in {error.retry_after_s:g} s" if error.retry_after_s else ""
        return CommandError(EX_TEMPFAIL, f"not now ({error.status}): {told}{again}")
    return CommandError(EX_PROTOCOL, f"the server refused the stream ({error.status}): {told}")


def _notice(text: str) -> None:
    sys.stderr.write(f"twinstream: {printable(text)}\n")
    sys.stderr.flush()
