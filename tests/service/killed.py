"""A process that is killed between storing bytes and the commit that tells of them, for `test_content`.

``python -m tests.service.killed FOLDER``: a file's bytes are whole on the disk, its datapoint is still open.
``python -m tests.service.killed FOLDER message``: a message's bytes are there, and no datapoint.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from unittest.mock import patch

from tests.twins import DSN, OEM, Twins, by_name
from twinstream.model.content import WHOLE
from twinstream.model.property import Direction, PropertyPlan, check_plan
from twinstream.model.value import BaseType
from twinstream.sqlite.writer import Writer

PLANS = [
    check_plan(PropertyPlan(name=name, base_type=base_type, direction=Direction.INPUT))
    for name, base_type in (("file", BaseType.FILE), ("message", BaseType.MESSAGE))
]


async def main(folder: Path, *, message: bool) -> None:
    """Prepare, and run into the kill."""
    twins = Twins(folder)
    await twins.add_oem(OEM)
    ana = await twins.add_user(OEM, "ana@x.example")
    await twins.make_device(DSN, ana, plans=PLANS)
    opened = await twins.datapoints.create(ana, by_name(DSN, "file", None))
    with patch.object(Writer, "_commit", lambda writer: os.kill(os.getpid(), signal.SIGKILL)):
        if message:
            await twins.datapoints.create(ana, by_name(DSN, "message", "text"))
        else:
            await twins.contents.upload(opened.id, WHOLE, send(b"first"))


async def send(content: bytes) -> AsyncIterator[bytes]:
    """Send bytes as a request does."""
    yield content


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), message="message" in sys.argv))
