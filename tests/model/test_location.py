"""Places."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinstream.errors import RequestError
from twinstream.model.location import Place, check_place


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_degrees_are_kept_to_six_decimals(lat: float, lng: float) -> None:
    """As numbers or as text, with blanks around them; what was kept is kept again unchanged."""
    place = check_place(lat, lng)
    assert abs(place.lat - lat) <= 1e-6
    assert check_place(f" {place.lat:.6f}", f"{place.lng:.6f} ") == place == check_place(place.lat, place.lng)
    assert math.copysign(1, place.lat) == 1 or place.lat < 0


@pytest.mark.parametrize(
    "lat", ["", "x", "91", "-90.000001", "1e1", "0x1", "4_8", "\u0663", "9" * 50, None, True, [], math.nan]
)
def test_other_degrees_are_refused(lat: object) -> None:
    """With the name of the field."""
    with pytest.raises(RequestError) as caught:
        check_place(lat, 0)
    assert (caught.value.code, caught.value.field) == ("invalid", "lat")


def test_the_documents_place() -> None:
    """A blank stands in the sign's place."""
    assert check_place(" 44.769500", "-69.428300") == Place(44.7695, -69.4283)
