"""What all tests share: the needs outside Python, met or skipped visibly."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

from scripts.need import NEEDS

if not os.environ.get("CI"):  # there Hypothesis has a profile of its own: the same examples each time, no deadline
    settings.register_profile("here", deadline=None)
    settings.load_profile("here")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip a test whose need is not met; `scripts/need.py report` says at the end what did not run, and fails in CI."""
    for item in items:
        for mark in item.iter_markers("needs"):
            need = NEEDS[mark.args[0]]
            if not need.is_met():
                item.add_marker(pytest.mark.skip(reason=f"needs {need.command}"))


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable of whoever runs the tests must not steer them."""
    for variable in [name for name in os.environ if name.startswith("TWINSTREAM_")]:
        monkeypatch.delenv(variable)
