"""Takes a line of the real code out, or bends it, for as long as a test runs."""

from __future__ import annotations
import __future__

import inspect
import textwrap
from typing import Any, NamedTuple

import pytest


class Bend(NamedTuple):
    """In the source of ``owner.name`` (a method, a property, or a function of a module) ``old`` becomes ``new``."""

    owner: Any
    name: str
    old: str
    new: str


def bend(monkeypatch: pytest.MonkeyPatch, change: Bend) -> None:
    """Make the change. Raises AssertionError unless the old text is there exactly once, so that no mutant is empty."""
    present = inspect.getattr_static(change.owner, change.name)
    function: Any = present.fget if isinstance(present, property) else present
    source = textwrap.dedent(inspect.getsource(function))
    assert source.count(change.old) == 1, f"{change.name}: {change.old!r} occurs {source.count(change.old)} times"
    names: dict[str, Any] = {}
    bent = source.replace(change.old, change.new)
    exec(
        compile(bent, f"<bent {change.name}>", "exec", __future__.annotations.compiler_flag),
        function.__globals__,
        names,
    )
    monkeypatch.setattr(change.owner, change.name, names[change.name])
