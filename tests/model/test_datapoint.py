"""Acknowledgements and the times that devices claim."""

from __future__ import annotations

import pytest

from twinstream.errors import RequestError
from twinstream.model.datapoint import Acknowledgement, check_acknowledgement, check_device_time


@pytest.mark.parametrize(("status", "kept"), [(200, 200), (400, 400), (0, 200), (1, 400), ("200", 200), ("400", 400)])
def test_both_scales_of_acknowledgements_are_understood(status: object, kept: int) -> None:
    """The cloud's 200 and 400, and the host's 0 and 1; without a message it is 0."""
    assert check_acknowledgement(status, None) == Acknowledgement(kept, 0)
    assert check_acknowledgement(status, -5) == Acknowledgement(kept, -5)


@pytest.mark.parametrize("status", [201, 2, -1, "0", "ok", None, True, False, 200.5, [], {}])
def test_other_statuses_are_refused(status: object) -> None:
    """With the name of the field."""
    with pytest.raises(RequestError) as caught:
        check_acknowledgement(status, 0)
    assert (caught.value.code, caught.value.field) == ("invalid", "ack_status")


@pytest.mark.parametrize("message", ["x", 1.5, 2**31, -(2**31) - 1, True, [], {}])
def test_a_message_is_a_number_of_32_bits(message: object) -> None:
    """Anything else is refused with the name of the field."""
    with pytest.raises(RequestError) as caught:
        check_acknowledgement(200, message)
    assert (caught.value.code, caught.value.field) == ("invalid", "ack_message")


@pytest.mark.parametrize(
    ("given_ms", "kept"), [(None, None), (0, 0.0), (1500, 1.5), (100_000, 100.0), (100_001, 100.0), (10**30, 100.0)]
)
def test_a_device_claims_no_future(given_ms: object, kept: float | None) -> None:
    """Milliseconds become seconds; what lies after the present becomes the present."""
    assert check_device_time(given_ms, 100.0) == kept
