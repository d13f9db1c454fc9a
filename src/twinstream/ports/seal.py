"""Sealing: secrets that must be read again are stored encrypted, with a key that is not in the database."""

from __future__ import annotations

from typing import Protocol


class Sealer(Protocol):
    """Encrypts short texts with the server's key file.

    Callable from any thread; what it writes is opaque ASCII text.
    """

    def seal(self, text: str) -> str:
        """Encrypt and authenticate; the same text seals differently each time."""

    def sign(self, text: str) -> str:
        """Answer a code that only this key makes for the text: lower-case hex digits."""

    def unseal(self, text: str) -> str:
        """Answer what was sealed. Raises ValueError if it was not sealed with this key, or was altered."""
