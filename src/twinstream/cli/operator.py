"""How `twinstream admin` reaches the server: over loopback if one runs on the data folder, else by opening the folder.

Owns `admin.json`, as its reader: the server writes it into its data folder (mode 0600) as
``{"url": "http://127.0.0.1:8800", "token": "...", "pid": 123}`` and removes it when it stops. Knows no command.
Invariant: the token goes to a process that is alive and wrote it, and into no message.
"""

from __future__ import annotations

import getpass
import os
import stat
import sys
from pathlib import Path
from typing import Any

import msgspec

from twinstream.exits import EX_CONFIG, EX_DATAERR, EX_NOPERM, EX_UNAVAILABLE, EX_USAGE, CommandError

ADDRESS_FILE = "admin.json"
TIMEOUT_S = 30.0


class Address(msgspec.Struct, frozen=True):
    """Where the server of a data folder answers its operator, with what token, and as which process."""

    url: str
    token: str
    pid: int


def find_server(data: Path) -> Address | None:
    """Read the address that the server of this folder left; None if there is none or its process is gone.

    Raises:
        CommandError: 77 for a file of somebody else's, 78 for one that others can read, 65 for one that is not ours.
    """
    path = data / ADDRESS_FILE
    try:
        state = path.stat()
        content = path.read_bytes()
    except FileNotFoundError:
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


def call_server(address: Address, method: str, path: str, body: Any = None) -> Any:
    """Make one request; answer the JSON of its body, None if it is empty.

    ``path`` begins with a slash; ``body`` is sent as JSON unless it is None.

    Raises:
        CommandError: 69 if nothing answers, 77 for a token that is not taken, 65 for a request that is refused.
    """
    import httpx

    headers = {"Authorization": f"auth_token {address.token}", "Content-Type": "application/json"}
    try:
        # Why verify=False: this never leaves the machine, and the certificate names the address that others use.
        with httpx.Client(verify=False, trust_env=False, timeout=TIMEOUT_S) as http:  # noqa: S501
            content = None if body is None else msgspec.json.encode(body)
            answer = http.request(method, address.url + path, headers=headers, content=content)
    except httpx.TransportError:
        raise CommandError(
            EX_UNAVAILABLE, f"the server (process {address.pid}) does not answer at {address.url}"
        ) from None
    if answer.is_success:
        return msgspec.json.decode(answer.content) if answer.content else None
    exit_code = EX_NOPERM if answer.status_code in (401, 403) else EX_DATAERR
    raise CommandError(exit_code, _explain(answer.content, answer.status_code))


def read_password(file: Path | None) -> str:
    """Take a password from a file, from standard input where that is no terminal, or from a prompt that shows nothing.

    Never from the command line, which everybody on the machine can read. A line end at its end does not belong to it.

    Raises:
        CommandError: 64 if there is none.
    """
    try:
        if file is not None:
            password = file.read_text()
        elif sys.stdin is None or not sys.stdin.isatty():
            password = "" if sys.stdin is None else sys.stdin.read()
        else:
            password = getpass.getpass("Password: ")
    except (OSError, UnicodeDecodeError, EOFError):
        password = ""
    password = password.removesuffix("\n").removesuffix("\r")
    if not password:
        raise CommandError(
            EX_USAGE, "a password is needed: at the prompt, in a file (--password-file), or on standard input"
        )
    return password


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid > 0


def _explain(content: bytes, status: int) -> str:
    """Take the message out of problem details (RFC 9457)."""
    try:
        problem = msgspec.json.decode(content, type=dict[str, Any])
    except msgspec.DecodeError:
        problem = {}
    field = f"{problem['field']}: " if problem.get("field") else ""
    return " ".join(f"{field}{problem.get('detail') or f'the server refused it with status {status}'}".split())
