"""The server: in which order its parts start, and in which order they stop. Which parts there are says `parts`.

The order of starting: logging, the parts (data folder with its lock and migration, services, the hub at the head of the
log), the listening socket, the HTTP application, jobs; then it says where it listens. Stopping:

1. SIGTERM or Ctrl-C: new sockets are refused (503), open ones closed with 1012, spread over a part of the grace.
2. The listening socket closes; running requests finish, at most the rest of the grace.
3. Jobs end; acknowledgements, bookmarks and the like are stored; the writer finishes what waits; the folder is let go.

A second signal skips the waiting, not the storing. If the disk has failed for good nothing is stored any more and the
exit code is 74.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import AsyncExitStack
from functools import partial

import httpx
import uvloop

from twinstream import __version__
from twinstream import demo as demo_content
from twinstream.logging import configure_logging
from twinstream.parts import Parts
from twinstream.process import Jobs, Stop, address_file, explained
from twinstream.settings import Settings
from twinstream.web.listener import HttpServer, describe_url, listen

ADDRESS_FILE = "admin.json"
"""Where `twinstream admin` finds the running server: its url, a token and its process id, in the data folder."""

SWITCH_INTERVAL_S = 0.0002
"""How soon a busy event loop hands the GIL to the writer (design.md section 2)."""

DRAINING_SHARE = 0.4
"""The part of the grace over which streams are closed; in the rest their clients answer and requests finish."""


new_event_loop = uvloop.new_event_loop
"""Makes the event loop that a server runs on."""


def run(settings: Settings, *, demo: bool = False) -> int:
    """Run a server until it is told to stop; answer the exit code.

    Raises:
        CommandError: the folder is in use (75), unusable (74, 78) or not ours (65), the address cannot be had (69).
    """
    configure_logging(settings.log_level, settings.log_format)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.get_loop()  # Why: it takes a moment, and Ctrl-C in that shall find no coroutine that nobody awaits
        return runner.run(_serve(settings, demo=demo))


def call_offline(settings: Settings, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    """Open the data folder, answer one request of the operator's as a server would, and let the folder go.

    No socket is opened; the answer's status and body come back. Call it where no event loop runs.

    Raises:
        CommandError: the folder is in use (75), unusable (74, 78) or not ours (65).
    """
    configure_logging("error", settings.log_format)
    return asyncio.run(_answer_offline(settings, method, path, body))


async def _answer_offline(settings: Settings, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
    with explained(settings.data):
        parts = Parts(settings, Stop())
    try:
        headers = {"Authorization": f"auth_token {parts.operator_token}", "Content-Type": "application/json"}
        transport = httpx.ASGITransport(parts.make_app())
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            answer = await client.request(method, path, headers=headers, content=body)
        return answer.status_code, answer.content
    finally:
        await parts.store.close()


async def _serve(settings: Settings, *, demo: bool) -> int:
    stop = Stop()
    stop.catch_signals()
    async with AsyncExitStack() as stack:
        with explained(settings.data):
            parts = Parts(settings, stop)
        stack.push_async_callback(parts.store.close)
        await parts.prepare()
        listener = stack.enter_context(listen(settings.host, settings.port))
        url = describe_url(listener, tls=settings.tls_cert is not None)
        world = await _populate(settings, parts) if demo else None
        jobs = Jobs()
        stack.push_async_callback(jobs.end)
        http = parts.make_http()
        await http.start(listener)
        stack.enter_context(address_file(settings.data / ADDRESS_FILE, url, parts.operator_token))
        parts.start_jobs(jobs)
        _announce(url, None if demo else "What to do next: twinstream admin --help")
        if world is not None:
            jobs.start(partial(demo_content.run, url, world, certificate=settings.tls_cert), "demo")
        await stop.requested.wait()
        await jobs.end("demo")
        await _stop_serving(parts, http, stop, settings.shutdown_grace_s)
        await jobs.end()
        if not stop.exit_code:
            await parts.flush()
    return stop.exit_code


async def _populate(settings: Settings, parts: Parts) -> demo_content.World:
    return await demo_content.populate(settings.data, parts.admin, parts.templates, parts.devices, parts.ids)


def _announce(url: str, hint: str | None) -> None:
    """Say where the server is, for people, and in JSON for a program that reads along; then what to do next.

    Nobody may be listening.
    """
    if sys.stdout is None:
        return
    try:
        sys.stdout.write(f"twinstream {__version__} listens on {url}\n")
        if not sys.stdout.isatty():
            sys.stdout.write(json.dumps({"url": url, "pid": os.getpid()}) + "\n")
        if hint is not None:
            sys.stdout.write(hint + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains once more at its end


async def _stop_serving(parts: Parts, http: HttpServer, stop: Stop, grace_s: float) -> None:
    """Part with everybody within ``grace_s``; at once if somebody is in a hurry."""
    ends_at_s = parts.clock.monotonic_s() + grace_s
    stop.on_hurry = http.cut
    hurry = asyncio.ensure_future(stop.hurry.wait())
    drained = asyncio.ensure_future(parts.shell.drain(grace_s * DRAINING_SHARE))
    await asyncio.wait({hurry, drained}, return_when=asyncio.FIRST_COMPLETED)
    hurry.cancel()
    drained.cancel()
    await http.stop(0.0 if stop.hurry.is_set() else max(0.0, ends_at_s - parts.clock.monotonic_s()))
