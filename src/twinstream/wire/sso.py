"""Requests signed with an application's secret, and what identity providers answer (ayla-facts 2.7).

Pure: knows neither clock nor network. The signature covers verb, path and sorted query; its time stands in it.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from urllib.parse import quote

import msgspec

SCOPE = "user/sso/v1"
SALT = "AYLA-SSO"
SIGNED_HEADERS = "x-ayla-origin-host;x-sso-date"


class Signed(msgspec.Struct, frozen=True):
    """What a signature covers; ``date`` as ``YYYYMMDDTHHMMSSZ``, ``query`` decoded."""

    verb: str
    path: str
    query: tuple[tuple[str, str], ...]
    origin_host: str
    date: str


class Identity(msgspec.Struct, frozen=True):
    """A user as an identity provider knows them; ``uuid`` is the provider's own name for the user, of any form."""

    uuid: str
    email: str
    phone: str | None = None
    firstname: str | None = None
    lastname: str | None = None
    nickname: str | None = None


class IdentityFields(msgspec.Struct, frozen=True):
    """What stands in ``response``. Status 1 is success for a token, and failure for a profile."""

    status: int
    user: Identity | None = None


class IdentityReply(msgspec.Struct, frozen=True):
    """``{"response": {"status": 1, "message", "user": {...}}}``."""

    response: IdentityFields


def derive_key(app_secret: str, date: str) -> bytes:
    """Derive the key of a signature, as callers do it."""
    return hmac.digest((app_secret + SALT).encode(), date.encode(), "sha256")


def sign(signed: Signed, app_secret: str) -> str:
    """Sign, as 64 hex digits."""
    return _sign(signed, derive_key(app_secret, signed.date))


def verify(signed: Signed, app_secret: str, signature: str) -> bool:
    """Tell whether it is the signature; the secret may stand before or behind the salt, as samples do both."""
    keys = (
        derive_key(app_secret, signed.date),
        hmac.digest((SALT + app_secret).encode(), signed.date.encode(), "sha256"),
    )
    results = [hmac.compare_digest(_sign(signed, key).encode(), signature.encode()) for key in keys]
    return any(results)


def write_headers(signed: Signed, app_id: str, app_secret: str) -> dict[str, str]:
    """Write the headers of a signed request."""
    authorization = (
        f"HMAC-SHA256 Credential={app_id}/{SCOPE}, SignedHeaders={SIGNED_HEADERS}, Signature={sign(signed, app_secret)}"
    )
    return {"authorization": authorization, "x-ayla-origin-host": signed.origin_host, "x-sso-date": signed.date}


def read_authorization(text: str) -> tuple[str, str] | None:
    """Read ``Authorization``: the application's id and the signature. None if it is of another form."""
    found = _AUTHORIZATION.fullmatch(text.strip())
    return (found[1], found[2]) if found else None


def _sign(signed: Signed, key: bytes) -> str:
    return hmac.digest(key, _string_to_sign(signed).encode(), "sha256").hex()


def _string_to_sign(signed: Signed) -> str:
    canonical = "\n".join(
        (
            signed.verb,
            signed.path,
            _join(sorted(signed.query)),
            f"x-ayla-origin-host: {signed.origin_host}",
            f"x-sso-date: {signed.date}",
            "",
            SIGNED_HEADERS,
        )
    )
    return "\n".join(("HMAC-SHA256", signed.date, SCOPE, canonical))


def _join(pairs: Iterable[tuple[str, str]]) -> str:
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)


_AUTHORIZATION = re.compile(
    r"HMAC-SHA256 Credential=([^/,\s]{1,255})/user/sso/v1, ?SignedHeaders=x-ayla-origin-host;x-sso-date, ?"
    r"Signature=([0-9a-f]{64})"
)
