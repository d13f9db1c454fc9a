"""What the command says where the server's libraries are missing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from twinstream.cli.extra import import_server
from twinstream.exits import CommandError


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module `server_for_test` that can be imported; write it."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "server_for_test", raising=False)
    return tmp_path / "server_for_test.py"


def test_a_missing_library_is_told_with_the_remedy(module: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line with the command that installs it; exit code 69."""
    monkeypatch.setitem(sys.modules, "apsw", None)
    module.write_text("import apsw")
    with pytest.raises(
        CommandError, match=r"apsw is missing; install them with: pip install 'twinstream\[server\]'"
    ) as e:
        import_server("server_for_test")
    assert e.value.exit_code == 69


def test_a_missing_module_of_our_own_is_a_bug(module: Path) -> None:
    """No remedy is offered that would not help."""
    module.write_text("import twinstream.no_such_module")
    with pytest.raises(ModuleNotFoundError):
        import_server("server_for_test")
