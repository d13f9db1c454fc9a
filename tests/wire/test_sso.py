"""Signatures of single sign-on."""

from __future__ import annotations

import pytest

from twinstream.wire.sso import Signed, derive_key, read_authorization, sign, verify, write_headers

SECRET = "ACMEDev-5991211"
SIGNED = Signed(
    "PUT",
    "/api/v1/ssouser",
    (("uuid", "e4194664-9233-11e5-ac92-065eed1a9f3b"), ("operation", "DELETE")),
    "user.aylanetworks.com",
    "20151123T224515Z",
)


def test_the_signature_is_deterministic() -> None:
    """The documented algorithm gives these values for the documented request; the query's order is of no matter."""
    assert derive_key(SECRET, SIGNED.date).hex() == "c04c62d0aba54665795696d7a3278a9e4fb6218caa40366626bc1ce2d0b40d7b"
    assert sign(SIGNED, SECRET) == "957025fd126ea68340b3387e5856ee660e01f0709f8eb8ef0a5cea375653f84c"


def test_headers_are_read_as_they_are_written() -> None:
    """The application and the signature come back."""
    headers = write_headers(SIGNED, "acme-id", SECRET)
    assert read_authorization(headers["authorization"]) == ("acme-id", sign(SIGNED, SECRET))
    assert verify(SIGNED, SECRET, sign(SIGNED, SECRET))


@pytest.mark.parametrize("text", ["", "auth_token x", "HMAC-SHA256 Credential=a/user/sso/v1, Signature=00", "é"])
def test_other_credentials_are_none(text: str) -> None:
    """What is not of the form is no signature."""
    assert read_authorization(text) is None
    assert not verify(SIGNED, SECRET, text)
