"""Errors of all services in one form."""

from __future__ import annotations

import json

import pytest

from twinstream.client.cloud_error import read_cloud_error


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"error": "Invalid email or password."}, "http_422", "Invalid email or password."),
        ({"errors": "no"}, "http_422", "no"),
        ({"error": {"message": "no"}}, "http_422", "no"),
        ({"error": {"code": 422, "message": "no"}, "errors": [{"code": "422", "message": "no"}]}, "422", "no"),
        ({"errors": [{"code": "ARE-501", "message": "no"}]}, "ARE-501", "no"),
        (
            {"errors": {"email": ["is taken", "is short"], "zip": ["is long"]}},
            "http_422",
            "email is taken; zip is long",
        ),
        ({"code": "invalid", "detail": "value is not valid"}, "invalid", "value is not valid"),
        ({"error": None, "errors": []}, "http_422", "Unprocessable Entity"),
        ([], "http_422", "Unprocessable Entity"),
        ("<html>", "http_422", "Unprocessable Entity"),
    ],
)
def test_each_envelope_is_read(body: object, code: str, message: str) -> None:
    """The services tell errors in different places; what is none of them is told by its status."""
    text = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    error = read_cloud_error(422, "Unprocessable Entity", text, None, is_sign_in=False)
    assert (error.status, error.code, error.message) == (422, code, message)
    assert str(error) == f"{message} (422, {code}). Mend the field that the message names."


@pytest.mark.parametrize(
    ("status", "is_sign_in", "remedy"),
    [
        (401, False, "Sign in (again)."),
        (401, True, "Check email and password."),
        (404, True, "Check app_id and app_secret."),
        (404, False, "Check the name or id: there is no such thing, or it is not yours."),
        (418, False, "Mend the request."),
        (503, False, "Try again later."),
    ],
)
def test_each_status_has_a_remedy(status: int, is_sign_in: bool, remedy: str) -> None:
    """What may help depends on what was asked."""
    assert read_cloud_error(status, "", b"", 7.0, is_sign_in=is_sign_in).remedy == remedy
