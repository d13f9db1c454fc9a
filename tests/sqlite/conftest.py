"""A store in a throw-away folder."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.services import TurnedClock
from tests.sqlite.logs import OEMS
from twinstream.model.principal import Operator
from twinstream.sqlite.store import SqliteStore


@pytest.fixture(scope="session")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The disk that can lose power and fail, compiled."""
    library = tmp_path_factory.mktemp("disk") / "disk.so"
    source = Path(__file__).parents[1] / "faults" / "disk.c"
    subprocess.run(["cc", "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return library


@pytest.fixture
def clock() -> TurnedClock:
    """A clock that stands until it is turned."""
    return TurnedClock()


@pytest.fixture
def failures() -> list[BaseException]:
    """What the store called fatal."""
    return []


@pytest.fixture
async def store(tmp_path: Path, clock: TurnedClock, failures: list[BaseException]) -> AsyncIterator[SqliteStore]:
    """An open store with two OEMs."""
    store = SqliteStore.open(tmp_path / "folder", clock, failures.append)
    await store.run(lambda work: [work.oems.add(Operator(), oem, oem) for oem in OEMS])
    yield store
    await store.close()
