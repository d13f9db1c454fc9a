"""Identifiers and secrets come from here and nowhere else, so that tests can fix them."""

from __future__ import annotations

from typing import Protocol


class NewId(Protocol):
    """Makes identifiers. Callable from any thread; no two calls ever answer the same."""

    def uuid(self) -> str:
        """A random UUID in its 36-character form, for users and the like. Not a secret."""

    def time_uuid(self, at_s: float) -> str:
        """A version-1 UUID whose embedded time is ``at_s``, for datapoints and acks; equal times give different ids."""

    def secret(self) -> str:
        """128 bits of a cryptographic generator as 32 lower-case hex digits: stream keys and tokens."""

    def code(self, length: int) -> str:
        """Random lower-case letters and digits, for registration tokens. Cryptographic."""
