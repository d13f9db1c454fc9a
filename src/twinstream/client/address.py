"""The address of a stream: made of what a caller gives, and never shown with the key in it.

Owns URLs of streams; knows neither sockets nor regions.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec

_NO_ADDRESS = "that is no address of a stream; expected ws://host/stream or wss://host/stream"
_SCHEMES = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}

STREAM_PATH = "/stream"
"""Where a server has its stream, and where it is looked for if an address says no path."""


class Address(msgspec.Struct, frozen=True):
    """Where a stream is. ``query`` holds everything behind the question mark but what has a field here."""

    base: str
    stream_key: str
    query: tuple[tuple[str, str], ...] = ()
    seq_start: int | None = None
    seq_end: int | None = None
    observe: bool = False

    def __repr__(self) -> str:
        return f"Address({urlsplit(self.base).hostname!r})"

    def url_from(self, seq_start: int | None) -> str:
        """Return the URL of a socket that begins with that number; None: where the server says."""
        query = [("stream_key", self.stream_key), *self.query]
        if seq_start is not None:
            query.append(("seq_start", str(seq_start)))
            if self.seq_end is not None:
                query.append(("seq_end", str(self.seq_end)))
        if self.observe:
            query.append(("observe", "1"))
        return f"{self.base}?{urlencode(query)}"

    def hide_key(self, text: str) -> str:
        """Return the text without the key, wherever it stands in it."""
        return text.replace(self.stream_key, "[stream key]")


def read_address(
    url: str,
    *,
    stream_key: str | None = None,
    seq_start: int | None = None,
    seq_end: int | None = None,
    observe: bool = False,
) -> Address:
    """Read ``ws[s]://host[:port][/stream][?stream_key=...&seq_start=...]`` or ``http[s]://host[:port]``.

    A parameter that is given wins over the same in the URL.

    Raises:
        ValueError: that is no such URL, there is no key, or the numbers make no range. Its text holds neither URL nor
            key.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(_NO_ADDRESS) from None
    if parts.scheme not in _SCHEMES or not parts.hostname or port == 0:
        raise ValueError(_NO_ADDRESS)
    found = dict(parse_qsl(parts.query, keep_blank_values=True))
    key = stream_key or found.get("stream_key", "")
    if not key or not key.isascii() or not key.isprintable():
        raise ValueError("a stream needs its stream key")
    start = seq_start if seq_start is not None else _read_number(found.get("seq_start"), "seq_start")
    end = seq_end if seq_end is not None else _read_number(found.get("seq_end"), "seq_end")
    if end is not None and (start is None or end < start):
        raise ValueError("seq_end is a number not below seq_start, and needs one")
    if start is not None and start < 0:
        raise ValueError("seq_start is a number from 0")
    own = {"stream_key", "seq_start", "seq_end", "observe"}
    return Address(
        base=urlunsplit((_SCHEMES[parts.scheme], parts.netloc, parts.path.rstrip("/") or STREAM_PATH, "", "")),
        stream_key=key,
        query=tuple((name, value) for name, value in found.items() if name not in own),
        seq_start=start,
        seq_end=end,
        observe=observe or found.get("observe") == "1",
    )


def is_local(url: str) -> bool:
    """Tell whether the URL leads to this very machine, for which the environment's proxies are not meant."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _read_number(text: str | None, name: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        raise ValueError(f"{name} is a decimal number")
    return int(text)
