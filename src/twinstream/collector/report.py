"""How a running collector answers questions: its status as JSON, its metrics for Prometheus.

Owns a listener that knows two paths, ``/status`` and ``/metrics``, on a local socket and, if wanted, on an address.
Knows nothing of how the status comes about. Invariant: nothing here can hold up or end the collecting: a connection has
little time and one request, and its trouble is its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import socket
import stat
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from twinstream.collector.progress import State
from twinstream.collector.watch import CollectorStatus, RouteStatus
from twinstream.exits import EX_CONFIG, EX_TEMPFAIL, EX_UNAVAILABLE, CommandError

REQUEST_TIMEOUT_S = 5.0
REQUEST_LIMIT_BYTES = 8192
_ELSEWHERE = "name a socket with --status"

_Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
_Field = Callable[[RouteStatus], float | None]
METRICS: Mapping[str, tuple[str, str, _Field]] = {
    "written_total": ("counter", "Events written since the start.", lambda route: route.written),
    "missing_total": (
        "counter",
        "Events that did not come in their turn, since the start.",
        lambda route: route.missing,
    ),
    "reconnects_total": ("counter", "Connections after the first, since the start.", lambda route: route.reconnects),
    "retries_total": ("counter", "Attempts that found the output away, since the start.", lambda route: route.retries),
    "seq": ("gauge", "Number of the last event in the output.", lambda route: route.seq),
    "waiting": ("gauge", "Events read and not yet written.", lambda route: route.waiting),
    "lag_seconds": (
        "gauge",
        "Age of the oldest event read and not written; at least that of the last one at its writing.",
        lambda route: route.lag_s,
    ),
    "healthy": ("gauge", "1 if nobody needs to do anything.", lambda route: int(route.is_healthy)),
}
"""What Prometheus sees of each route, behind ``twinstream_collector_``: type, help, and where it comes from."""


def runtime_folder() -> Path:
    """Return the folder of the sockets of this user's collectors: systemd's, the session's, or one in the temporary."""
    if given := os.environ.get("RUNTIME_DIRECTORY"):
        return Path(given.partition(":")[0]).resolve()  # with DynamicUser= it is a link
    if session := os.environ.get("XDG_RUNTIME_DIR"):
        return Path(session, "twinstream")
    return Path(tempfile.gettempdir(), f"twinstream-{os.geteuid()}")


@asynccontextmanager
async def reporting(
    status: Callable[[], CollectorStatus], *, path: Path | None = None, address: str | None = None
) -> AsyncIterator[None]:
    """Answer questions while the block runs, on the socket ``path`` (None: one of its own in `runtime_folder`; else a
    link stands there) and on ``address``, ``[HOST:]PORT``.

    Raises:
        CommandError: 75: another collector answers on ``path``; 69: an address that is taken; 78: one that is none, or
            a folder into which others can write.
    """

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError, ValueError, asyncio.IncompleteReadError):
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(_answer(head, status()))
                await writer.drain()
        writer.close()

    async with contextlib.AsyncExitStack() as stack:
        own = path is None
        path = path or _make_folder(runtime_folder()) / f"collect-{os.getpid()}.sock"
        server = await _listen_local(answer, path)
        stack.callback(_remove, path)
        await stack.enter_async_context(server)
        if not own:
            stack.enter_context(_pointing_at(path))
        if address is not None:
            await stack.enter_async_context(await _listen(answer, address))
        yield


def ask_all() -> Iterator[CollectorStatus]:
    """Ask every collector of this user that can be found from here; links that lead nowhere, or to somebody else's
    socket, are passed over.

    Raises:
        CommandError: 78: somebody else may put sockets there; and what `ask` raises.
    """
    folder = runtime_folder()
    if os.path.lexists(folder):
        _check_folder(folder)
    for path in sorted({path.resolve() for path in folder.glob("collect-*.sock")}):
        if _is_mine(path) and (found := ask(path)) is not None:
            yield found


def ask(path: Path) -> CollectorStatus | None:
    """Ask the collector whose socket that is; None if none is there.

    Raises:
        CommandError: 69: one is there and gives no answer.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(REQUEST_TIMEOUT_S)
        try:
            connection.connect(str(path))
            connection.sendall(b"GET /status HTTP/1.1\r\nHost: collector\r\n\r\n")
            answer = b"".join(iter(lambda: connection.recv(65_536), b""))
            return msgspec.json.decode(answer.partition(b"\r\n\r\n")[2], type=CollectorStatus)
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        except (OSError, msgspec.DecodeError) as error:
            raise CommandError(EX_UNAVAILABLE, f"{path}: no answer from the collector: {error}") from None


def write_metrics(status: CollectorStatus) -> str:
    """Write the metrics in Prometheus' text format."""
    lines = []
    for name, (kind, about, field) in METRICS.items():
        full = f"twinstream_collector_{name}"
        lines += [f"# HELP {full} {about}", f"# TYPE {full} {kind}"]
        for route in status.routes:
            if (found := field(route)) is not None:
                lines.append(f"{full}{{{_labels(route)}}} {found}")
    lines += ["# HELP twinstream_collector_state 1 for the present state.", "# TYPE twinstream_collector_state gauge"]
    for route in status.routes:
        for state in State:
            is_now = int(route.state == state)
            lines.append(f'twinstream_collector_state{{{_labels(route)},state="{state}"}} {is_now}')
    return "\n".join(lines) + "\n"


def _labels(route: RouteStatus) -> str:
    return f'stream="{_escape(route.stream)}",output="{_escape(route.output)}"'


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _answer(head: bytes, status: CollectorStatus) -> bytes:
    method, target = head.split(b" ", 2)[:2]
    if method not in (b"GET", b"HEAD"):
        return _response("405 Method Not Allowed", "text/plain", b"")
    if target == b"/metrics":
        return _response("200 OK", "text/plain; version=0.0.4; charset=utf-8", write_metrics(status).encode())
    if target == b"/status":
        return _response("200 OK", "application/json", msgspec.json.encode(status))
    return _response("404 Not Found", "text/plain", b"try /status or /metrics\n")


def _response(status: str, media_type: str, body: bytes) -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


async def _listen_local(answer: _Answer, path: Path) -> asyncio.Server:
    _free(path)
    mask = os.umask(0o177)
    try:
        return await asyncio.start_unix_server(answer, path, limit=REQUEST_LIMIT_BYTES)
    except OSError as error:
        raise CommandError(EX_CONFIG, f"{path}: no socket can be made: {error.strerror or error}") from None
    finally:
        os.umask(mask)


def _free(path: Path) -> None:
    """Remove the socket that a dead collector has left; refuse one at which somebody answers."""
    with socket.socket(socket.AF_UNIX) as other:
        try:
            other.connect(str(path))
        except ConnectionRefusedError:
            if path.is_socket():  # a file refuses too
                _remove(path)
        except OSError:
            return  # not there, or what `start_unix_server` has words for
        else:
            raise CommandError(EX_TEMPFAIL, f"{path}: another collector answers there; end one of them")


async def _listen(answer: _Answer, address: str) -> asyncio.Server:
    host, _, port = address.rpartition(":")
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise CommandError(EX_CONFIG, f"{address} is no address for metrics; expected PORT or HOST:PORT")
    try:
        return await asyncio.start_server(answer, host.strip("[]") or "127.0.0.1", int(port), limit=REQUEST_LIMIT_BYTES)
    except OSError as error:
        raise CommandError(EX_UNAVAILABLE, f"{address}: metrics cannot be served: {error.strerror or error}") from None


@contextlib.contextmanager
def _pointing_at(path: Path) -> Iterator[None]:
    """Have `ask_all` find a socket that is elsewhere, by a link; without one where the folder is not to be had.

    The link is called after the place, so that there is one however often a collector there was killed.
    """
    path = path.resolve()
    try:
        link = _make_folder(runtime_folder()) / f"collect-{hashlib.sha256(bytes(path)).hexdigest()[:12]}.sock"
        _remove(link)
        link.symlink_to(path)
    except (CommandError, OSError):
        yield  # it was told where to answer, and answers there
        return
    try:
        yield
    finally:
        _remove(link)


def _is_mine(path: Path) -> bool:
    try:
        return path.stat().st_uid == os.geteuid()
    except OSError:
        return False


def _make_folder(folder: Path) -> Path:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(EX_CONFIG, f"{folder}: {error.strerror}; {_ELSEWHERE}") from None
    _check_folder(folder)
    return folder


def _check_folder(folder: Path) -> None:
    """Refuse a folder in which somebody else may put sockets: in the temporary one anybody can make it before us."""
    try:
        found = folder.lstat()
    except OSError as error:
        raise CommandError(EX_CONFIG, f"{folder}: {error.strerror}; {_ELSEWHERE}") from None
    if not stat.S_ISDIR(found.st_mode):
        raise CommandError(EX_CONFIG, f"{folder} is no folder, or a link to one; {_ELSEWHERE}")
    if found.st_uid != os.geteuid():
        raise CommandError(EX_CONFIG, f"{folder} belongs to somebody else; {_ELSEWHERE}")
    if found.st_mode & 0o022:
        raise CommandError(EX_CONFIG, f"others can write into {folder}; mend it with: chmod 700 {folder}")


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
