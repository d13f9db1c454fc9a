"""How `twinstream admin` is answered: by the server that runs on the data folder, or by the folder where none runs.

Owns ``admin.json`` as its reader: the server writes it into its data folder (mode 0600) as
``{"url": "http://127.0.0.1:8800", "token": "...", "pid": 123}`` and removes it when it stops. Knows no command.
Invariants: whether a server runs is decided by the folder's lock alone, so an address that a killed server left can
mislead nobody; the token stands in no message; what was perhaps done is not done again.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Group, Parameter

from twinstream.cli.configuration import load_configuration, warn
from twinstream.cli.extra import import_server
from twinstream.exits import (
    EX_CONFIG,
    EX_DATAERR,
    EX_IOERR,
    EX_NOPERM,
    EX_TEMPFAIL,
    EX_UNAVAILABLE,
    CommandError,
)
from twinstream.settings import SETTINGS, Settings

ADDRESS_FILE = "admin.json"
TIMEOUT_S = 30.0

Answer = tuple[int, bytes]
"""An HTTP status and a body."""


class Address(msgspec.Struct, frozen=True):
    """Where the server of a data folder answers its operator, with what token, and as which process."""

    url: str
    token: str
    pid: int


_COMMON = Group.create_ordered("Common")


@Parameter(name="*")
@dataclass(frozen=True)
class Target:
    """What every command of `admin` takes: whose data, and in which form to print."""

    data: Annotated[
        str | None,
        Parameter(
            metavar="DIR",
            group=_COMMON,
            show_default=False,
            help=f"Folder of the database and the keys. [default {SETTINGS['data'].default}]",
        ),
    ] = None
    config: Annotated[
        str | None, Parameter(metavar="FILE", group=_COMMON, show_default=False, help="TOML file of settings.")
    ] = None
    json: Annotated[
        bool, Parameter(negative="", group=_COMMON, show_default=False, help="Print JSON, for another program.")
    ] = False

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        may_make_folder: bool = False,
        needs_server: bool = False,
        missing: str = "",
    ) -> Any:
        """Make one request of the operator's; see `call`."""
        flags: dict[str, str | bool] = {} if self.data is None else {"data": self.data}
        settings, _, warnings = load_configuration(flags, os.environ, config=self.config)
        warn(warnings)
        return call(
            settings,
            method,
            path,
            body,
            may_make_folder=may_make_folder,
            needs_server=needs_server,
            missing=missing,
        )


HERE = Target()
"""The target that environment and file name; the default of every command."""


def call(
    settings: Settings,
    method: str,
    path: str,
    body: Any = None,
    *,
    may_make_folder: bool = False,
    needs_server: bool = False,
    missing: str = "",
) -> Any:
    """Make one request of the operator's; answer the JSON of its answer, None if that is empty.

    ``path`` begins with a slash; ``body`` is sent as JSON unless it is None. ``may_make_folder`` lets the request begin
    a folder that holds no database yet; ``needs_server`` is for what only a running server has. ``missing`` is what to
    say if the path leads to nothing.

    Raises:
        CommandError: 65 for a request that is refused, 69 if the answer did not come, 74 if the disk failed, 75 if the
            folder is in use by a process that does not answer, 77 for a folder of somebody else's, 78 for none.
    """
    content = None if body is None else msgspec.json.encode(body)
    address = find_server(settings.data)
    answer = None if address is None else call_server(address, method, path, content)
    if answer is None and needs_server:
        raise CommandError(
            EX_UNAVAILABLE,
            f"data: no server answers for {settings.data.absolute()}; name a running server's folder with --data",
        )
    if answer is None:
        answer = _call_folder(settings, address, may_make_folder, method, path, content)
    status, content = answer
    if not 200 <= status < 300:
        raise _refused(status, content, missing)
    return msgspec.json.decode(content) if content else None


def find_server(data: Path) -> Address | None:
    """Read the address that the server of this folder left; None if there is none or its process is gone.

    Raises:
        CommandError: 77 for a file of somebody else's, 78 for one that others can read, 65 for one that is not ours.
    """
    path = data / ADDRESS_FILE
    try:
        state = path.stat()
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise CommandError(
            EX_NOPERM, f"{path}: {error.strerror}; run this as the user that the server runs as"
        ) from None
    if state.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise CommandError(EX_CONFIG, f"{path}: others can read its token; mend it with: chmod 600 {path}")
    try:
        address = msgspec.json.decode(content, type=Address)
    except msgspec.DecodeError:
        raise CommandError(EX_DATAERR, f"{path} was not written by a server; remove it") from None
    return address if _is_alive(address.pid) else None


def call_server(address: Address, method: str, path: str, content: bytes | None = None) -> Answer | None:
    """Make one request; None if nobody is there, or somebody who does not know the token: then nothing was done.

    Raises:
        CommandError: 69 if the answer did not come, and it is not known what was done.
    """
    import httpx

    headers = {"Authorization": f"auth_token {address.token}", "Content-Type": "application/json"}
    # Why: the operator is let in from this machine only, and a server may listen on an outer address alone.
    transport = httpx.HTTPTransport(verify=False, local_address="::1" if "[" in address.url else "127.0.0.1")
    try:
        # Why verify=False: this never leaves the machine, and the certificate names the address that others use.
        with httpx.Client(transport=transport, trust_env=False, timeout=TIMEOUT_S) as http:
            answer = http.request(method, address.url + path, headers=headers, content=content)
    except (httpx.ConnectError, httpx.ConnectTimeout):
        return None
    except httpx.TransportError:
        raise CommandError(
            EX_UNAVAILABLE,
            f"the server (process {address.pid}) took the request at {address.url} and did not answer; "
            "list what is there before you repeat it",
        ) from None
    return None if answer.status_code == 401 else (answer.status_code, answer.content)


def _call_folder(
    settings: Settings, address: Address | None, may_make: bool, method: str, path: str, content: bytes | None
) -> Answer:
    """Answer the request from the folder itself, under its lock. ``address`` is where nobody answered, if anywhere."""
    server = import_server("twinstream.server")
    database = import_server("twinstream.sqlite.database")
    data = settings.data
    if not may_make and not (data / database.FILE_NAME).exists():
        raise CommandError(
            EX_CONFIG,
            f"data: {data.absolute()} holds no database; name a server's folder with --data, "
            "or begin one with: twinstream admin oem add",
        )
    try:
        answer: Answer = server.call_offline(settings, method, path, content)
    except database.FolderInUseError as in_use:
        place = f"at {address.url}" if address else "(it starts, stops, or is another admin command)"
        raise CommandError(EX_TEMPFAIL, f"{in_use}, which does not answer {place}; try again") from None
    return answer


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid > 0


def _refused(status: int, content: bytes, missing: str) -> CommandError:
    """Make the error out of problem details (RFC 9457)."""
    try:
        problem = msgspec.json.decode(content, type=dict[str, Any])
    except msgspec.DecodeError:
        problem = {}
    told = str(problem.get("detail") or f"the server refused it with status {status}")
    if missing and problem.get("code") == "not_found":
        told = missing
    return CommandError(_EXIT_CODES.get(str(problem.get("code")), EX_DATAERR), " ".join(told.split()))


_EXIT_CODES = {
    "unauthorized": EX_NOPERM,
    "forbidden": EX_NOPERM,
    "storage_full": EX_IOERR,
    "storage_failed": EX_IOERR,
    "shutting_down": EX_TEMPFAIL,
    "too_many_requests": EX_TEMPFAIL,
    "too_many_connections": EX_TEMPFAIL,
}
"""By the code of the problem; what is missing here was wrong with the request."""
