"""Sealing with a key file."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from twinstream.exits import EX_DATAERR, CommandError
from twinstream.ports.seal import Sealer
from twinstream.sqlite.seal import FILE_NAME, KeyFileSealer

SECRET = "0123456789abcdef0123456789abcdef"


def test_what_was_sealed_is_read_again_after_a_restart(tmp_path: Path) -> None:
    """The key file is made once, for its owner alone, and serves every later start."""
    sealer: Sealer = KeyFileSealer.open(tmp_path)
    sealed = sealer.seal(SECRET)
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600
    assert KeyFileSealer.open(tmp_path).unseal(sealed) == SECRET
    assert sealed.isascii()
    assert SECRET not in sealed
    assert sealer.seal(SECRET) != sealed
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


@pytest.mark.parametrize("broken", ["", "AAAA", "not base64!", "é"])
def test_what_was_altered_or_sealed_elsewhere_is_refused(tmp_path: Path, broken: str) -> None:
    """Any other text is a ValueError, never a wrong secret."""
    sealer = KeyFileSealer.open(tmp_path)
    sealed = sealer.seal(SECRET)
    swapped = ("A" if sealed[20] != "A" else "B").join((sealed[:20], sealed[21:]))
    for text in (broken, swapped, sealed[:-4]):
        with pytest.raises(ValueError):
            sealer.unseal(text)
    (tmp_path / "elsewhere").mkdir()
    with pytest.raises(ValueError):
        KeyFileSealer.open(tmp_path / "elsewhere").unseal(sealed)


def test_a_key_file_of_the_wrong_size_is_never_replaced(tmp_path: Path) -> None:
    """It is an error that asks for the backup: a new key would make all sealed texts unreadable."""
    (tmp_path / FILE_NAME).write_bytes(b"short")
    with pytest.raises(CommandError) as refused:
        KeyFileSealer.open(tmp_path)
    assert refused.value.exit_code == EX_DATAERR
    assert (tmp_path / FILE_NAME).read_bytes() == b"short"
