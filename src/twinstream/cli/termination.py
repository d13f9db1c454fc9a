"""SIGTERM as a way to end a command in good order: what it has opened is closed, what it has started is ended."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import TypeVar

T = TypeVar("T")


async def until_terminated(work: Coroutine[object, object, T]) -> T | None:
    """Do some work until it is done, or SIGTERM ends it in good order: then answer None."""
    task = asyncio.ensure_future(work)
    has_ended = False

    def end() -> None:
        nonlocal has_ended
        has_ended = True
        task.cancel()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end)
    try:
        return await task
    except asyncio.CancelledError:
        if has_ended:
            return None
        raise
