"""The real clock, identifiers and private files."""

from __future__ import annotations

import re
import stat
import uuid
from pathlib import Path

from twinstream.system import SystemClock, SystemIds, write_private


def test_identifiers() -> None:
    """UUIDs are random (version 4), secrets 32 lower-case hex digits, codes as long as asked for; none comes twice."""
    ids = SystemIds()
    made = {ids.uuid() for _ in range(100)}
    assert {uuid.UUID(one).version for one in made} == {4}
    assert len(made) == 100
    secrets = {ids.secret() for _ in range(1000)}
    assert len(secrets) == 1000
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in secrets)
    assert re.fullmatch("[0-9a-z]{12}", ids.code(12))


def test_time_uuids() -> None:
    """A time UUID is of version 1, holds its time, shows no network card, and differs even for equal times."""
    ids = SystemIds()
    at_s = 1_537_784_797.123
    made = [uuid.UUID(ids.time_uuid(at_s)) for _ in range(100)]
    assert len(set(made)) == 100
    for one in made:
        assert (one.version, one.variant) == (1, uuid.RFC_4122)
        assert abs((one.time - 0x01B21DD213814000) / 10_000_000 - at_s) < 0.001
        assert one.node >> 40 & 1


def test_clock() -> None:
    """The monotonic clock goes forward."""
    clock = SystemClock()
    assert clock.monotonic_s() <= clock.monotonic_s()
    assert clock.now_s() > 1_700_000_000


def test_private_files(tmp_path: Path) -> None:
    """A private file is its owner's alone, replaces an older one, and leaves nothing beside it."""
    path = tmp_path / "secret"
    for content in (b"one", b"two"):
        write_private(path, content)
        assert path.read_bytes() == content
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["secret"]
