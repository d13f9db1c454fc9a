"""A plan on its way: routes are run, watched, shown, and answer questions, until they end or are asked to.

Owns what goes on beside the collecting. Invariant: nothing beside it can end it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from pathlib import Path

from twinstream.collector.report import reporting
from twinstream.collector.route import Route
from twinstream.collector.runner import run_collector
from twinstream.collector.view import View
from twinstream.collector.watch import Watch

LOOK_INTERVAL_S = 0.5


async def run_session(
    routes: Sequence[Route],
    view: View,
    *,
    stop: asyncio.Event,
    status: Path | None = None,
    metrics: str | None = None,
    config: str | None = None,
    reminds: bool = False,
) -> None:
    """Run the routes until each has ended or failed, or ``stop`` is set; their progress tells how.

    ``status`` and ``metrics`` are where questions are answered: see `report.reporting`; ``config`` is the file that the
    routes come from; ``reminds``: see `Watch`.

    Raises:
        CommandError: questions cannot be answered there; nothing was collected.
    """
    watch = Watch(routes, time.time(), config=config, reminds=reminds)
    async with reporting(watch.status, path=status, address=metrics):
        with contextlib.closing(view):
            view.open()
            looking = asyncio.create_task(_look(watch, view))
            try:
                await run_collector(
                    [route.source for route in routes], progress=[route.progress for route in routes], stop=stop
                )
            finally:
                looking.cancel()
                _look_once(watch, view)


async def _look(watch: Watch, view: View) -> None:
    while True:
        _look_once(watch, view)
        await asyncio.sleep(LOOK_INTERVAL_S)


def _look_once(watch: Watch, view: View) -> None:
    notices = list(watch.look(time.time()))
    with contextlib.suppress(OSError):  # Why: a terminal or a pipe that went away
        for notice in notices:
            view.tell(notice)
        view.show(watch.status())
