"""Makes a recording that can be shown to others out of one that cannot.

It reads the file twice: first to learn which serial numbers and users there are, then to replace them, also where they
stand in the text of an event before the first that names them.
"""

from __future__ import annotations

from pathlib import Path

from twinstream.recording.file import EventLine, Recording, create
from twinstream.recording.pseudonym import Pseudonyms
from twinstream.recording.recorder import hide, hide_reason


def scrub(source: Path, target: Path, pseudonyms: Pseudonyms) -> int:
    """Write a recording anew with pseudonyms; answer the number of events.

    Times of arrival, numbers and states stay; the header loses the stream's address, and so do reasons.

    Raises:
        CommandError: 64, the target is there already. 65, the source is no recording, or damaged. 74, the disk.
    """
    recording = Recording(source)
    for line in recording.lines():
        if isinstance(line, EventLine):
            pseudonyms.learn(line.text)
    events = 0
    with create(target) as writer:
        writer.write_header(hide(recording.header, pseudonyms))
        for line in recording.lines():
            if isinstance(line, EventLine):
                events += 1
                writer.write_event(line.at_s, pseudonyms.scrub(line.text))
            else:
                writer.write_state(hide_reason(line, recording.header.stream, pseudonyms))
    return events
