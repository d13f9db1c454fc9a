"""Events of which nothing is read but the number, for readers in a hurry who read the rest elsewhere, or never.

Owns that reading; what an event means is `event`'s business. Invariant: the number is the one that `event.decode_event`
finds, and what has none is refused as there.
"""

from __future__ import annotations

from twinstream.client.event import SEQ_DIGITS, Event, Metadata, UnknownEvent, decode_event

_BEGIN = '{"seq":"'
_NOTHING = Metadata()


class UnreadEvent(UnknownEvent, frozen=True, gc=False):
    """An event of any type, with its number and its text; `event.decode_event` reads the text."""

    @property
    def time_text(self) -> str | None:
        """When it happened, as the server wrote it; read now. Raises what `event.decode_event` raises."""
        return decode_event(self.text).time_text


def number_event(text: str) -> Event:
    """Read the number of a record; that the record is no JSON object at all may show only when somebody reads it.

    Servers write the number first, and as a string; what begins in another way is read whole.

    Raises:
        MessageError: it has no number.
    """
    if text.startswith(_BEGIN):
        end = text.find('"', len(_BEGIN), len(_BEGIN) + SEQ_DIGITS + 1)
        digits = text[len(_BEGIN) : end] if end > 0 else ""
        if digits.isdecimal() and digits.isascii():
            return UnreadEvent(int(digits), text, _NOTHING)
    return decode_event(text)
