"""A server with a seeded bug, for `test_kill`: it answers producers before it commits. Never part of the product."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from unittest.mock import patch

from twinstream.cli import main
from twinstream.model.event import Record
from twinstream.sqlite.writer import Answer, Writer


def finish_hastily(self: Writer, answers: Sequence[Answer], records: Sequence[Record]) -> None:
    """Answer, take a breath, commit, and only then dispatch."""
    self._announce(answers, ())
    time.sleep(0.05)
    self._commit()
    self._announce((), records)


if __name__ == "__main__":
    with patch.object(Writer, "_finish", finish_hastily):
        sys.exit(main())
