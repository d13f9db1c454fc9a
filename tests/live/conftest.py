"""What the tests with real processes share: see `tests.live.server`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.server import ServerProcess, running_server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server with default settings on an empty data folder."""
    with running_server(tmp_path / "data") as server:
        yield server
