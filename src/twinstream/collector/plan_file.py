"""One file that says what a collector does: its text, what is wrong with it, and where.

Owns reading, typing, secrets from elsewhere, and the form of a refusal. Knows nothing of what the keys mean.
Invariant: every mistake is one line that names the file, the place in it and the remedy, and shows no key or password.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from twinstream.collector.plan import Secret, is_name
from twinstream.exits import EX_CONFIG, CommandError

FILE_LIMIT_BYTES = 1024 * 1024
"""Longest file; a longer one is some other file."""
NAME_FORM = "letters, digits, blanks and . : @ + - _, at most 64, beginning with a letter or digit, no blank at the end"

_Table = TypeVar("_Table", bound=msgspec.Struct)


class PlanFile(NamedTuple):
    """A file that is being read: for places in messages, and for who may read it."""

    path: Path
    text: str
    is_private: bool

    def refuse(self, keys: tuple[str, ...], problem: str) -> MistakeError:
        """Make the error; ``keys`` lead to the place, like ("streams", "freezers", "url")."""
        line = _find_line(self.text, keys)
        place = f"{self.path}:{line}" if line else str(self.path)
        return MistakeError(line or 0, f"{place}: {'.'.join(keys)}{': ' if keys else ''}{problem}")


class MistakeError(CommandError):
    """What is wrong in one line of a file; 0 where no line is known."""

    def __init__(self, line: int, message: str) -> None:
        self.line = line
        super().__init__(EX_CONFIG, message)


class Mistakes:
    """Gathers what is wrong with a file, so that all of it can be mended in one go."""

    def __init__(self) -> None:
        self._found: list[MistakeError] = []

    @contextmanager
    def gather(self) -> Iterator[None]:
        """Go on behind the block if there is a mistake in it."""
        try:
            yield
        except MistakesError as error:
            self._found += error.mistakes
        except MistakeError as error:
            self._found.append(error)

    def tell(self) -> None:
        """Go on if there was none.

        Raises:
            MistakesError: a line for each, in the order of the file.
        """
        if self._found:
            raise MistakesError(sorted(self._found, key=lambda mistake: mistake.line))


class MistakesError(CommandError):
    """All that is wrong with a file, or a part of it."""

    def __init__(self, mistakes: Sequence[MistakeError]) -> None:
        self.mistakes = mistakes
        super().__init__(EX_CONFIG, "\n".join(map(str, mistakes)))


def open_plan_file(path: Path) -> PlanFile:
    """Read a whole file, and who may read it.

    Raises:
        CommandError: 78: it is not there, too long, or no text.
    """
    try:
        with path.open("rb") as opened:
            mode = os.fstat(opened.fileno()).st_mode
            content = opened.read(FILE_LIMIT_BYTES + 1)
    except OSError as error:
        hint = "`twinstream collect --example` prints one"
        raise CommandError(EX_CONFIG, f"{path}: cannot be read: {error.strerror}; {hint}") from None
    if len(content) > FILE_LIMIT_BYTES:
        raise CommandError(EX_CONFIG, f"{path}: longer than {FILE_LIMIT_BYTES:,} bytes; expected TOML or a JSON list")
    try:
        return PlanFile(path, content.decode("utf-8-sig"), not mode & 0o077)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise CommandError(EX_CONFIG, f"{path}:{line}: byte 0x{content[error.start]:02x}; expected UTF-8") from None


def convert_table(file: PlanFile, raw: Any, kind: type[_Table], place: tuple[str, ...]) -> _Table:
    """Make the typed value of a table.

    Raises:
        MistakesError: keys that are unknown, missing, or of a wrong type; no value is shown.
    """
    mistakes = Mistakes()
    good = check_keys(file, raw, kind, place, mistakes)
    for field in msgspec.structs.fields(kind):
        with mistakes.gather():
            if field.required and field.name not in raw:
                raise file.refuse(place, f"no {field.name}; expected it here")
    mistakes.tell()
    return msgspec.convert(good, kind)


def check_keys(
    file: PlanFile, raw: Any, kind: type[msgspec.Struct], place: tuple[str, ...], mistakes: Mistakes
) -> dict[str, Any]:
    """Gather the mistakes in a table; return the rest of it.

    Raises:
        MistakeError: it is no table.
    """
    if not isinstance(raw, dict):
        raise file.refuse(place, "expected a table")
    good: dict[str, Any] = {}
    fields = {field.name: field.type for field in msgspec.structs.fields(kind)}
    for key, value in raw.items():
        with mistakes.gather():
            if key in fields:
                _check_type(file, value, fields[key], (*place, key))
                good[key] = value
            elif kind.__struct_config__.forbid_unknown_fields:
                near = difflib.get_close_matches(key, fields, 1)
                hint = f"did you mean {near[0]}?" if near else f"expected some of {', '.join(fields)}"
                raise file.refuse((*place, key), f"no such key; {hint}")
    return good


def _check_type(file: PlanFile, value: Any, type_: Any, place: tuple[str, ...]) -> None:
    try:
        msgspec.convert(value, type_)
    except msgspec.ValidationError as error:
        raise file.refuse(place, _reword(str(error))) from None
    if any(isinstance(text, str) and "\0" in text for text in (value if isinstance(value, list) else [value])):
        raise file.refuse(place, "there is a zero byte in it; expected a text without")  # no path can have one


_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "a text in quotes",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
    "null": "nothing",
    "date": "a date",
    "datetime": "a date",
    "time": "a time",
}


def _reword(text: str) -> str:
    """Say msgspec's "Expected `int | null`, got `str`" or "Expected `int` >= 1" in other words."""
    found = re.match(r"Expected `([^`]*)`(?: of length)?(?: (>=|<=) (\d+))?(?:.*, got `(\w+)`)?", text)
    if found is None:
        return text[:1].lower() + text[1:]
    kinds, bound, limit, got = found.groups()
    expected = " or ".join(_WORDS.get(kind, kind) for kind in kinds.split(" | ") if kind != "null")
    least = {">=": " of at least ", "<=": " of at most "}.get(bound, "")
    return f"expected {expected}{least}{limit or ''}" + (f", got {_WORDS.get(got, got)}" if got else "")


def read_secret(
    file: PlanFile,
    place: tuple[str, ...],
    what: str,
    given: Mapping[str, str | None],
    environment: Mapping[str, str],
) -> str:
    """Take a value from the one place that is given: the file itself, a file of its own, or the environment."""
    ways = [way for way, value in given.items() if value is not None]
    if len(ways) != 1:
        problem = "more than one" if ways else "none"
        raise file.refuse((*place, what), f"{problem}; expected one of {what}, {what}_file and {what}_env")
    (way,) = ways
    value = given[way] or ""
    if way == "env":
        if not environment.get(value):
            raise file.refuse((*place, f"{what}_env"), f"the environment has no variable {value}, or it is empty")
        return environment[value].strip()
    if way == "file":
        try:
            if Path(value).is_file() and Path(value).stat().st_mode & 0o077:
                raise file.refuse((*place, f"{what}_file"), f"others can read {value}; mend it with: chmod 600 {value}")
            text = Path(value).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "no text"
            raise file.refuse((*place, f"{what}_file"), f"{value} cannot be read: {reason}") from None
        if not text or "\0" in text:
            raise file.refuse((*place, f"{what}_file"), f"{value} {'holds no text' if text else 'is empty'}")
        return text
    if not value:
        raise file.refuse((*place, what), "empty")
    return value


def check_name(file: PlanFile, place: tuple[str, ...]) -> None:
    """Refuse a table's name that cannot be one of ours; the last of ``place`` is the name.

    Raises:
        CommandError: 78.
    """
    if not is_name(place[-1]):
        raise file.refuse(place, f"that is no name; expected {NAME_FORM}")


def check_key(file: PlanFile, place: tuple[str, ...], key: Secret) -> None:
    """Refuse what no server can have made as a stream key, and no URL can hold.

    Raises:
        CommandError: 78; its text does not hold the key.
    """
    text = key.reveal()
    if not text or not text.isascii() or not text.isprintable():
        raise file.refuse((*place, "key"), "that is no stream key; expected printable ASCII characters")


def open_to_others(path: Path) -> str:
    """Say that a file with a key in it is readable for everybody, and what to do."""
    return f"others can read the stream key in this file; mend it with: chmod 600 {path}"


def _find_line(text: str, keys: tuple[str, ...]) -> int | None:
    """Find the line of a key of TOML, or at least of its table; tomllib keeps no lines."""
    found = None
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[+([^\]]+)\]", line):
            table = tuple(part.strip().strip("\"'") for part in header[1].split("."))
            if table == keys[: len(table)] and len(table) >= len(keys) - 1:
                found = number
            if table == keys:
                return number
        elif (key := re.match(r"""\s*["']?([\w-]+)["']?\s*[=.]""", line)) and (*table, key[1]) == keys:
            return number
    return found
