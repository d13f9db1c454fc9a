"""What a collector is asked to do: streams, outputs, and which goes where.

Owns the plain description that a command line or a file is turned into, and the URL schemes of outputs. Knows nothing
of files, of how a stream is read or of how a row is written.
Invariant: no text made here holds a stream key or a password.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec

NAME_PATTERN = re.compile(r"[^\W_][\w .:@+-]{0,63}(?<! )")
"""Names of streams and outputs: they stand in rows, file names and log lines. Why no blank at the end: MySQL compares
without it."""


class Secret:
    """A text that no log line or traceback shows; `reveal` where it is really needed."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


class Kind(NamedTuple):
    """A way to keep events: the defaults of its batches, and the extra that brings its libraries ("" for none)."""

    batch_size: int
    batch_bytes: int
    batch_time_s: float
    extra: str


MIB = 1024 * 1024

KINDS: Mapping[str, Kind] = {
    "sqlite": Kind(1_000, 4 * MIB, 1.0, "collector"),
    "mysql": Kind(1_000, 4 * MIB, 1.0, "collector"),
    "postgresql": Kind(1_000, 4 * MIB, 1.0, "collector"),
    "jsonl": Kind(1_000, 4 * MIB, 1.0, ""),
    "parquet": Kind(50_000, 32 * MIB, 60.0, "parquet"),  # a batch is a file, and small files make slow queries
}
"""The kinds of outputs by name."""

SCHEMES: Mapping[str, tuple[str, str]] = {
    "sqlite": ("sqlite", "sqlite"),
    "mysql": ("mysql", "mysql+pymysql"),
    "mysql+pymysql": ("mysql", "mysql+pymysql"),
    "mariadb": ("mysql", "mysql+pymysql"),
    "mariadb+pymysql": ("mysql", "mysql+pymysql"),
    "postgresql": ("postgresql", "postgresql+psycopg"),
    "postgresql+psycopg": ("postgresql", "postgresql+psycopg"),
    "postgres": ("postgresql", "postgresql+psycopg"),
    "jsonl": ("jsonl", "jsonl"),
    "parquet": ("parquet", "parquet"),
}
"""URL schemes: the kind that each means, and the form that SQLAlchemy knows."""

OUTPUT_FORMS = (
    "sqlite:///events.db, mysql://user@host/database, postgresql://user@host/database, jsonl:events.jsonl or "
    "parquet:folder/"
)


class Output(msgspec.Struct, frozen=True):
    """Where events go. ``url`` may hold a password; ``label`` is the same without it, for people."""

    name: str
    kind: str
    url: Secret
    label: str
    holds_password: bool
    batch_size: int
    batch_time_s: float


class Stream(msgspec.Struct, frozen=True):
    """A stream to collect. ``name`` tells its rows from those of others, and must stay the same for ever.

    ``url`` has no key in it; it is None where ``region``, ``deployment`` and ``client_type`` say which. ``seq_start``
    counts where an output holds nothing yet; ``outputs`` are names.
    """

    name: str
    key: Secret | None
    outputs: tuple[str, ...]
    url: str | None = None
    region: str | None = None
    deployment: str | None = None
    client_type: str | None = None
    seq_start: int = 0

    @property
    def place(self) -> str:
        """Where the stream is, for people."""
        return self.url or "/".join(filter(None, (self.region, self.deployment, self.client_type)))


class Plan(msgspec.Struct, frozen=True):
    """All that one collector does; each stream names only outputs that are here, and each is named by a stream.

    ``status`` is the path of the socket, ``metrics`` the address ``HOST:PORT``; None: the default place, no
    metrics.
    """

    streams: tuple[Stream, ...]
    outputs: Mapping[str, Output]
    status: str | None = None
    metrics: str | None = None

    def starting(self, seq_start: int) -> Plan:
        """Return the same with every stream beginning with that number where an output holds nothing of it."""
        streams = tuple(msgspec.structs.replace(stream, seq_start=seq_start) for stream in self.streams)
        return msgspec.structs.replace(self, streams=streams)


def make_output(
    url: str, *, name: str | None = None, batch_size: int | None = None, batch_time_s: float | None = None
) -> Output:
    """Take an output's URL apart; what is not said comes from its kind.

    Raises:
        ValueError: its text says what is wrong and what is expected, without the URL.
    """
    scheme, colon, rest = url.partition(":")
    if not colon or scheme.lower() not in SCHEMES:
        raise ValueError(f"no such kind of output; expected {OUTPUT_FORMS}")
    kind, canonical = SCHEMES[scheme.lower()]
    if kind in ("jsonl", "parquet"):
        rest = rest.removeprefix("//")
        if not rest.partition("?")[0]:
            raise ValueError(f"this names no file; expected {OUTPUT_FORMS}")
    elif not rest.startswith("//"):
        raise ValueError(f"two slashes are missing; expected {OUTPUT_FORMS}")
    shown = f"{scheme}:{rest}"
    label = _without_password(shown) if kind in ("mysql", "postgresql") else shown
    defaults = KINDS[kind]
    return Output(
        name=name or label,
        kind=kind,
        url=Secret(f"{canonical}:{rest}"),
        label=label,
        holds_password=label != shown,
        batch_size=batch_size or defaults.batch_size,
        batch_time_s=defaults.batch_time_s if batch_time_s is None else batch_time_s,
    )


def tell_twins(names: Iterable[str], outputs: Mapping[str, Output]) -> str | None:
    """Say which of one stream's outputs are the same place, where each event would come twice; None if none are.

    A name that is not in ``outputs`` is a place of its own.
    """
    seen: dict[str, Secret | None] = {}
    for name in names:
        url = outputs[name].url if name in outputs else None
        if name in seen:
            return f"{name} is named twice; name it once"
        for other, place in seen.items():
            if url is not None and url == place:
                return f"{other} and {name} are the same place; name one of them"
        seen[name] = url
    return None


def split_stream_url(url: str) -> tuple[str, Secret | None, int | None]:
    """Part a stream's URL from the key and the first number in it: ``(url, key, seq_start)``, None for what is absent.

    Raises:
        ValueError: that is no address of a stream; its text does not hold the URL, which may hold a key.
    """
    refusal = "that is no address of a stream; expected ws:// or wss://, as in wss://HOST/stream"
    try:
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        seq_start = int(query.pop("seq_start")) if "seq_start" in query else None
        is_good = parts.scheme in ("ws", "wss", "http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise ValueError(refusal) from None
    if not is_good:
        raise ValueError(refusal)
    if seq_start is not None and seq_start < 0:
        raise ValueError("seq_start is below 0; expected a number from 0")
    key = query.pop("stream_key", None)
    return urlunsplit(parts._replace(query=urlencode(query))), Secret(key) if key else None, seq_start


def name_of_key(key: Secret) -> str:
    """Make the name of a stream that was given none: a fingerprint, the same for the same key."""
    return hashlib.sha256(key.reveal().encode()).hexdigest()[:12]


def is_name(text: str) -> bool:
    """Tell whether a stream or an output may be called that."""
    return NAME_PATTERN.fullmatch(text) is not None and text.isprintable()


def _without_password(url: str) -> str:
    """Take the password out of ``user:password@host``, whatever stands in it, and secrets out of the query."""
    url = re.sub(r"(//[^/@:]*):.*@", r"\1@", url)
    return re.sub(r"([?&](?:password|passwd|sslpassword|ssl_key_password)=)[^&]*", r"\1***", url)
