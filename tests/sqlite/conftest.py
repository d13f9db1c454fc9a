"""A store in a throw-away folder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.services import TurnedClock
from tests.sqlite.logs import OEMS
from twinstream.model.principal import Operator
from twinstream.sqlite.store import SqliteStore


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
