"""The identifiers of the real machine."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from twinstream.system import SystemIds


@given(st.floats(min_value=0, max_value=4_000_000_000))
def test_a_time_uuid_holds_its_time_and_no_address(at_s: float) -> None:
    """It is a version-1 UUID of RFC 9562, its node is random and says so, and the next one differs."""
    ids = SystemIds()
    text = ids.time_uuid(at_s)
    read = uuid.UUID(text)
    assert (str(read), read.version, read.variant) == (text, 1, uuid.RFC_4122)
    assert abs((read.time - 0x01B21DD213814000) / 10_000_000 - at_s) < 0.001
    assert read.node >> 40 & 1
    assert ids.time_uuid(at_s) != text
