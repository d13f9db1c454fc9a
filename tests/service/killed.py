"""A process that is killed between two steps, for `test_content` and `test_receipt`.

``python -m tests.service.killed FOLDER file``: a file's bytes are whole on the disk, its datapoint is still open.
``python -m tests.service.killed FOLDER message``: a message's bytes are there, and no datapoint.
``python -m tests.service.killed FOLDER answer``: a datapoint is committed, and its sender was not answered.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from unittest.mock import patch

from tests.twins import DSN, OEM, Twins, by_name
from twinstream.model.content import WHOLE
from twinstream.model.property import Direction, PropertyPlan, check_plan
from twinstream.model.receipt import Repeatable
from twinstream.model.value import BaseType
from twinstream.sqlite.writer import Writer

ROOT = Path(__file__).parents[2]
PLANS = [
    check_plan(PropertyPlan(name=name, base_type=base_type, direction=Direction.INPUT))
    for name, base_type in (("file", BaseType.FILE), ("message", BaseType.MESSAGE), ("level", BaseType.INTEGER))
]
ONCE = Repeatable("1" * 64, "2" * 64)


async def main(folder: Path, how: str) -> None:
    """Prepare, and run into the kill."""
    twins = Twins(folder)
    await twins.add_oem(OEM)
    ana = await twins.add_user(OEM, "ana@x.example")
    await twins.make_device(DSN, ana, plans=PLANS)
    opened = await twins.datapoints.create(ana, by_name(DSN, "file", None))
    step = "_announce" if how == "answer" else "_commit"
    with patch.object(Writer, step, lambda *_: os.kill(os.getpid(), signal.SIGKILL)):
        if how == "answer":
            await twins.datapoints.create(ana, by_name(DSN, "level", 1), ONCE)
        elif how == "message":
            await twins.datapoints.create(ana, by_name(DSN, "message", "text"))
        else:
            await twins.contents.upload(opened.id, WHOLE, send(b"first"))


async def send(content: bytes) -> AsyncIterator[bytes]:
    """Send bytes as a request does."""
    yield content


def kill(folder: Path, how: str) -> list[Path]:
    """Start it and let it be killed; answer the files of blobs that it left."""
    run = subprocess.run([sys.executable, "-m", "tests.service.killed", str(folder), how], cwd=ROOT, timeout=60)
    assert run.returncode == -signal.SIGKILL
    return sorted((folder / "blobs").iterdir())


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
