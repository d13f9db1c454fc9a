"""Events and states as lines for people.

Owns the words alone. Invariant: a line holds no control character, whatever a server sends.
"""

from __future__ import annotations

import msgspec

from twinstream.client.event import (
    ConnectivityEvent,
    DatapointackEvent,
    DatapointEvent,
    Event,
    LocationEvent,
    RegistrationEvent,
    UnknownEvent,
)
from twinstream.client.state import Connected, Counters, Gap, Reconnecting, Resumed, State
from twinstream.model.count import show_count


def describe_event(event: Event) -> str:
    """Write an event as a line: time, type, DSN, what happened, and its number; an unknown one as its text."""
    if isinstance(event, UnknownEvent):
        return printable(event.text)
    return printable(f"{event.time_text or ''}  {event.event_type:<12}  {event.dsn}  {_say(event)}  #{event.seq}")


def describe_state(state: State) -> str:
    """Write as a line what happened to a stream."""
    match state:
        case Connected(first=True):
            return "connected"
        case Connected():
            return "connected again"
        case Reconnecting(reason, wait_s, failures):
            which = f" (attempt {failures})" if failures > 1 else ""
            return printable(f"{reason.removesuffix('.')}; trying again in {wait_s:.1f} s{which}")
        case Resumed(None):
            return "going on where the server says"
        case Resumed(after):
            return f"going on after {after}"
        case Gap(first, last) if first == last:
            return f"event {first} is missing"
        case Gap(first, last):
            return f"events {first} to {last} are missing"


def describe_counters(counters: Counters) -> str:
    """Write as a line what a stream has counted."""
    rows = (
        (counters.events, "event", "events"),
        (counters.heartbeats, "heartbeat answered", "heartbeats answered"),
        (counters.reconnects, "reconnect", "reconnects"),
        (counters.duplicates, "duplicate dropped", "duplicates dropped"),
        (counters.gaps, "gap", "gaps"),
        (counters.missing, "event missing", "events missing"),
    )
    return ", ".join(show_count(*row) for row in rows)


def printable(text: str) -> str:
    """Replace what could steer a terminal (control, format and bidi characters) by its escape sequence."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _say(event: ConnectivityEvent | DatapointEvent | LocationEvent | RegistrationEvent) -> str:
    match event:
        case ConnectivityEvent():
            return event.status
        case DatapointackEvent(datapoint=body):
            verdict = "acknowledged" if event.is_acknowledged else "refused"
            return f"{_say_value(event)} {verdict} ({body.ack_status}, message {body.ack_message})"
        case DatapointEvent():
            return _say_value(event)
        case LocationEvent(location_event=body):
            return f"{str(body.lat).strip()}, {str(body.long).strip()} ({body.provider})"
        case RegistrationEvent(registration_event=body):
            return f"{'registered' if body.registered else 'unregistered'} ({body.registration_type})"


def _say_value(event: DatapointEvent) -> str:
    value = msgspec.json.encode(event.datapoint.value).decode()
    return f"{event.property_name} = {value}" + (" (echo)" if event.is_echo else "")
