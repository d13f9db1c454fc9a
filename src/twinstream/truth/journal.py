"""The truth file: which datapoints were sent to a server, and what it answered.

Owns the format, JSON lines that are only ever appended, and its writer and reader:

    {"truth":1,"scenario":"household","seed":7,"at":"2026-11-21T05:00:00Z"}      a run begins; its numbers begin at 1
    {"n":1,"by":"AC1","dsn":"AC1","property":"level","value":20}                 number 1 is about to be sent, by whom
    {"n":1,"id":"8f0cd0e6-..."}                                                  it was accepted, under this id
    {"n":2,"refused":404}                                                        it was refused, or (0) never sent

Invariants: the line that says what is to be sent is written before it is sent. So a number without a second line
*maybe* happened, whatever died, and nothing happened that is not here. The lines of one sender about one device stand
in the order in which it sent, one after the other was answered.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from types import TracebackType

import msgspec

from twinstream.errors import TwinstreamError

VERSION = 1
Value = int | float | str


class TruthError(TwinstreamError):
    """A file that cannot be read as a truth file; the text names the place."""


class Sent(msgspec.Struct, frozen=True):
    """A datapoint that was sent once. ``id`` is the server's, if it accepted; neither id nor refusal: maybe."""

    by: str
    dsn: str
    property: str
    value: Value
    id: str | None = None
    is_refused: bool = False


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of the file; which fields it has tells what it says, see the module."""

    truth: int | None = None
    scenario: str | None = None
    seed: int | None = None
    at: str | None = None
    n: int | None = None
    by: str | None = None
    dsn: str | None = None
    property: str | None = None
    value: Value | None = None
    id: str | None = None
    refused: int | None = None


class TruthFile:
    """Appends to a truth file. Use it as a context manager; every line is with the system before the call returns.

    ``counts`` has the numbers sent, accepted and refused of this run.
    """

    def __init__(self, path: Path | None, scenario: str, seed: int, at: str) -> None:
        """Begin a run. ``path`` None: count, and write nothing. Raises OSError."""
        self.counts: Counter[str] = Counter()
        self._file = None if path is None else os.open(path, os.O_CREAT | os.O_APPEND | os.O_RDWR, 0o644)
        if self._file is not None and _is_cut(self._file):
            os.write(self._file, b"\n")
        self._write(Line(truth=VERSION, scenario=scenario, seed=seed, at=at))

    def __enter__(self) -> TruthFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            os.fsync(self._file)
            os.close(self._file)
            self._file = None

    def send(self, by: str, dsn: str, property_name: str, value: Value) -> int:
        """Say that a datapoint is about to be sent; answer its number."""
        self.counts["sent"] += 1
        number = self.counts["sent"]
        self._write(Line(n=number, by=by, dsn=dsn, property=property_name, value=value))
        return number

    def accept(self, number: int, datapoint_id: str) -> None:
        """Say under which id it was accepted."""
        self.counts["accepted"] += 1
        self._write(Line(n=number, id=datapoint_id))

    def refuse(self, number: int, status: int) -> None:
        """Say that it certainly did not happen: refused with this HTTP status, or (0) not sent at all."""
        self.counts["refused"] += 1
        self._write(Line(n=number, refused=status))

    def sync(self) -> None:
        """Put what was written so far on the disk; may block, and may be called in another thread. Raises OSError."""
        if self._file is not None:
            os.fsync(self._file)

    def _write(self, line: Line) -> None:
        if self._file is not None:
            os.write(self._file, _ENCODER.encode(line) + b"\n")


def _is_cut(file: int) -> bool:
    """Whether the last writer died within a line."""
    size = os.fstat(file).st_size
    return size > 0 and os.pread(file, 1, size - 1) != b"\n"


def read_truth(path: Path) -> list[Sent]:
    """Read all that a file tells, of all its runs, in its order.

    A line that was cut short, at the end of the file or of a run, is left out: what it was to say was not yet true.

    Raises:
        TruthError: there is no such file, or something else stands in it.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise TruthError(f"{path}: {error.strerror}; `twinstream simulate --truth` writes one") from None
    sent: list[Sent] = []
    start = 0
    cut: int | None = None
    for place, text in enumerate(lines, 1):
        if not text:
            continue
        try:
            line = _DECODER.decode(text)
        except msgspec.DecodeError:
            if cut is not None:
                raise _no_truth(path, cut) from None
            cut = place
            continue
        if line.truth is not None:
            if line.truth != VERSION:
                raise TruthError(f"{path}, line {place}: version {line.truth}, of which this program knows nothing")
            start, cut = len(sent), None
        elif cut is not None:
            raise _no_truth(path, cut)
        else:
            _apply(line, sent, start, path, place)
    if cut is not None and cut != len(lines):
        raise _no_truth(path, cut)
    return sent


def _apply(line: Line, sent: list[Sent], start: int, path: Path, place: int) -> None:
    """Take a line of the run whose number 1 is at ``start``."""
    known = len(sent) - start
    if line.by is not None and line.dsn is not None and line.property is not None and line.value is not None:
        if line.n == known + 1:
            sent.append(Sent(line.by, line.dsn, line.property, line.value))
            return
    elif line.n is not None and 1 <= line.n <= known and (line.id is not None or line.refused is not None):
        found = sent[start + line.n - 1]
        sent[start + line.n - 1] = msgspec.structs.replace(found, id=line.id, is_refused=line.refused is not None)
        return
    raise _no_truth(path, place)


def _no_truth(path: Path, place: int) -> TruthError:
    return TruthError(f"{path}, line {place}: not what a truth file says; `twinstream simulate --truth` writes one")


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Line)
