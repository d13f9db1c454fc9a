"""What commands and queries work on: one repository per noun, all on one connection and at one time.

Owns the list of nouns. A repository is a class ``(connection, now_s)`` in ``sqlite/<noun>.py``; it serves both: in
the writer's unit of work and, for reads, on a reading connection. Invariant: a repository keeps no state of its own
between two units of work, since a command may be rolled back.
"""

from __future__ import annotations

import apsw

from twinstream.ports.log import LogWriter


class View:
    """Read-only access to every noun on one snapshot, for `ports.work.Store.query`.

    ``now_s`` is the calendar time of the question, seconds since 1970.
    """

    def __init__(self, connection: apsw.Connection, now_s: float) -> None:
        self.now_s = now_s
        self.connection = connection
        # One line per noun: self.devices = Devices(connection, now_s)


class Work(View):
    """The unit of work (`ports.work.UnitOfWork`): the same nouns, writable, and the log."""

    def __init__(self, connection: apsw.Connection, now_s: float, log: LogWriter) -> None:
        super().__init__(connection, now_s)
        self.log = log
