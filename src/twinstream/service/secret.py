"""Secrets that a look-up finds: tokens, stream keys, application secrets.

They are 128 random bits, so a plain SHA-256 of their text is enough at rest, and an index finds it without comparing
secrets. Passwords are another matter: see `service.password`.
"""

from __future__ import annotations

from hashlib import sha256


def hash_secret(text: str) -> str:
    """Hash a secret, or whatever somebody gave as one, to 64 hex digits. Takes any text."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
