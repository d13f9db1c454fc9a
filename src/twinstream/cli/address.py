"""Which stream a client's command means: a URL or the name of a cloud, and a key that need not be on the command line.

Owns the flags that all such commands have in common. Invariant: no error here holds a URL or a key.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from twinstream.exits import EX_CONFIG, EX_USAGE, CommandError

KEY_VARIABLE = "TWINSTREAM_STREAM_KEY"
URL_FORM = "ws://127.0.0.1:8800/stream?stream_key=KEY"

Region = Annotated[str | None, Parameter(metavar="NAME", help="Instead of a URL: us, eu or cn.")]
Deployment = Annotated[str, Parameter(metavar="NAME", help="With --region: field, dev or staging.")]
ClientType = Annotated[str, Parameter(metavar="NAME", help="With --region: cloud or mobile.")]
Key = Annotated[str | None, Parameter(metavar="KEY", help="The stream key, if it is not in the URL.")]
KeyFile = Annotated[
    Path | None, Parameter(metavar="FILE", help="File that holds the stream key; others must not be able to read it.")
]


def find_stream(
    url: str | None, region: str | None, deployment: str, client_type: str, key: str | None, key_file: Path | None
) -> tuple[str, str | None]:
    """Return the stream's URL, and its key if that is not in the URL.

    The key is looked for in ``key``, the file, the URL, and the environment (`KEY_VARIABLE`), in this order.

    Raises:
        CommandError: 64 or 78; what is said is no stream, or too much is said.
    """
    from twinstream.client.address import read_address
    from twinstream.client.regions import find_hosts

    if url is not None and region is not None:
        raise CommandError(EX_USAGE, "a stream has a URL or a --region, not both")
    if key is not None and key_file is not None:
        raise CommandError(EX_USAGE, "a stream key comes from --key or --key-file, not both")
    key = _read_key(key_file) if key_file is not None else key
    try:
        url = find_hosts(region, deployment, client_type).stream if url is None else url
    except ValueError as error:
        raise CommandError(EX_USAGE, f"{error}, as in '{URL_FORM}'" if region is None else str(error)) from None
    if key is None and "stream_key=" not in url:
        key = os.environ.get(KEY_VARIABLE) or None
    try:
        read_address(url, stream_key=key)
    except ValueError as error:
        hint = f"; expected ws:// or wss://, as in '{URL_FORM}', or --key, --key-file or {KEY_VARIABLE}"
        raise CommandError(EX_USAGE, f"{str(error).partition(';')[0]}{hint}") from None
    return url, key


def check_range(since_seq: int | None, until_seq: int | None) -> None:
    """Let a range pass that can be; None is an end that is left open.

    Raises:
        CommandError: 64, with the flag.
    """
    if since_seq is not None and since_seq < 0:
        raise CommandError(EX_USAGE, f"--since-seq {since_seq} cannot be; expected a number from 0")
    if until_seq is not None and until_seq < (since_seq or 0):
        raise CommandError(EX_USAGE, f"--until-seq {until_seq} cannot be; expected a number from --since-seq on")


def _read_key(path: Path) -> str:
    try:
        if path.is_file() and path.stat().st_mode & 0o077:
            raise CommandError(EX_CONFIG, f"{path}: others can read this secret; chmod 600 {path}")
        with path.open(encoding="ascii") as file:
            return file.read(1000).strip()
    except OSError as error:
        raise CommandError(EX_CONFIG, f"{path}: cannot be read: {error.strerror}; expected a stream key") from None
    except UnicodeDecodeError:
        raise CommandError(EX_CONFIG, f"{path}: holds no stream key") from None
