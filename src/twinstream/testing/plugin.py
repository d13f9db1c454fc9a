"""The pytest plug-in: the fixture `twinstream_cloud`.

Invariant: loaded into every run of pytest where twinstream is installed, it imports nothing but pytest until a test
asks for the fixture.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from twinstream.testing.cloud import Cloud


@pytest.fixture
def twinstream_cloud() -> Iterator[Cloud]:
    """A twinstream server of this test's own, whose clock stands until `clock.advance`: see docs/testing.md."""
    try:
        from twinstream.testing import serve_in_thread
    except ImportError as error:
        pytest.fail(str(error), pytrace=False)
    with serve_in_thread() as cloud:
        yield cloud
