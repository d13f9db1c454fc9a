"""Request bodies from decoded JSON to structs: a struct declares the fields, and this reads them.

Owns wrappers (``{"user": {...}}``) and the wording of what is wrong; knows no noun. Members that a struct does not
declare are ignored, so nobody can set what a server owns. Invariant: every refusal names the field.
"""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec

from twinstream.errors import RequestError
from twinstream.model.check import invalid, must
from twinstream.wire.time import parse_time

T = TypeVar("T")


def read_body(body: object, kind: type[T]) -> T:
    """Read a JSON value as a struct. Raises RequestError ``invalid``, naming the field."""
    try:
        return msgspec.convert(body, kind)
    except msgspec.ValidationError as error:
        raise _explain(str(error)) from None


def unwrap(body: object, *wrappers: str) -> object:
    """Take the value out of its wrapper if it has one of these; clients send bodies with and without."""
    if isinstance(body, dict):
        for wrapper in wrappers:
            if wrapper in body:
                if not isinstance(body[wrapper], dict):
                    raise must(wrapper, "be an object")
                return body[wrapper]
    return body


def read_time(text: str | None, *, field: str) -> float | None:
    """Read a time stamp into seconds since 1970; None and empty text are none. Raises RequestError ``invalid``."""
    if not text:
        return None
    try:
        return float(parse_time(text))
    except ValueError:
        raise must(field, "be a time of the form 2018-09-24T10:26:37Z") from None


def read_id(text: str) -> int:
    """Read an id out of a path. Raises RequestError ``not_found`` for what is no id that could exist."""
    if _ID.fullmatch(text) is None:
        raise RequestError("not_found")
    return int(text)


def _explain(message: str) -> RequestError:
    """Tell the field from a message of msgspec: ``... field `name` - at `$.user` `` or ``... - at `$.user.name` ``."""
    problem, _, path = message.partition(" - at ")
    missing = _MISSING.fullmatch(problem)
    if missing:
        return invalid(missing[1], "is missing")
    unknown = _UNKNOWN.fullmatch(problem)
    if unknown:
        return invalid(unknown[1], "is no member that can be set")
    field = re.sub(r"\[[^]]*\]", "", path.strip("`")).rpartition(".")[2].lstrip("$") or "body"
    problem = problem.replace("Expected", "expected").replace("Invalid enum value", "unknown value")
    return RequestError("invalid", f"{field}: {problem.replace('`', '')}.", field=field)


_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `([^`]*)`")
_ID = re.compile(r"[0-9]{1,18}", re.ASCII)
