"""Collected events in files, read back as rows: the collector's JSON lines and Parquet, or any file of events by line.

Owns in which order files are read: that in which they were written. Reads only. Invariant: a last line without its line
break is left out: it is being written, or its batch will come again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import msgspec

from twinstream.exits import EX_DATAERR, EX_UNAVAILABLE, CommandError
from twinstream.truth.rows import read_event
from twinstream.truth.verdict import Row

_ROTATED = re.compile(r"(.*)\.(\d+)-\d+\.jsonl")
"""``NAME.FIRST-LAST.jsonl``; the active file beside it is ``NAME.jsonl``."""


def read_lines(path: Path) -> Iterator[Row]:
    """Yield the events of a file of JSON lines and of those that were rotated away from it, or of a folder's files.

    A line that does not say its stream is of the one that is called as the file.

    Raises:
        CommandError: 65 if there are none, or something else stands there.
    """
    if path.is_dir():
        found = [*path.glob("*.jsonl")]
    else:
        found = [path, *(one for one in path.parent.glob("*.jsonl") if _sort_key(one)[0] == path.stem and one != path)]
    if not found:
        raise CommandError(EX_DATAERR, f"{path}: holds no file *.jsonl")
    for file in sorted(found, key=_sort_key):
        try:
            with file.open("rb") as lines:
                for number, line in enumerate(lines, 1):
                    if line.endswith(b"\n"):
                        yield _read_line(line, file, number)
        except OSError as error:
            raise CommandError(EX_DATAERR, f"{file}: {error.strerror}; expected JSON lines") from None


def read_parquet(folder: Path) -> Iterator[Row]:
    """Yield the events of a folder of Parquet files, as the collector makes it.

    Raises:
        CommandError: 65 if there are none, or they hold something else; 69 if the library is missing.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ModuleNotFoundError as error:
        raise CommandError(
            EX_UNAVAILABLE, f"{error.name} is missing; install it with: pip install 'twinstream[parquet]'"
        ) from None
    files = sorted(folder.glob("stream=*/*.parquet"), key=lambda file: (file.parent.name, _first_number(file)))
    if not files:
        raise CommandError(EX_DATAERR, f"{folder}: holds no stream=NAME/FIRST-LAST.parquet")
    for file in files:
        stream = unquote(file.parent.name.removeprefix("stream="))
        try:
            for batch in pq.ParquetFile(file).iter_batches(columns=["seq", "event"]):
                for held in batch.to_pylist():
                    yield read_event(stream, held["seq"], held["event"])
        except (OSError, KeyError, msgspec.DecodeError, pa.ArrowException) as error:
            raise CommandError(EX_DATAERR, f"{file}: {' '.join(str(error).split())}; expected events") from None


class _Line(msgspec.Struct, frozen=True):
    """What a line says beside its event."""

    seq: str | int
    stream: str | None = None


_DECODER = msgspec.json.Decoder(_Line)


def _read_line(line: bytes, file: Path, number: int) -> Row:
    try:
        said = _DECODER.decode(line)
        return read_event(said.stream or file.stem, int(said.seq), line)
    except ValueError as error:  # Why: what msgspec raises is one too
        raise CommandError(EX_DATAERR, f"{file}, line {number}: holds no event: {error}") from None


def _sort_key(file: Path) -> tuple[str, bool, int]:
    """Order a stream's files: the rotated ones by their first number, then the active one."""
    rotated = _ROTATED.fullmatch(file.name)
    return (rotated[1], False, int(rotated[2])) if rotated else (file.stem, True, 0)


def _first_number(file: Path) -> int:
    first = file.name.partition("-")[0]
    return int(first) if first.isdecimal() else 0
