"""Sealing with a key file (`ports.seal.Sealer`).

Owns the key file beside the database: whoever has the database alone (a backup, say) reads no stream key. Invariant: a
key file appears whole or not at all, and is never written again: with it all sealed texts would be lost.
"""

from __future__ import annotations

import base64
import hmac
import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from twinstream.exits import EX_DATAERR, CommandError
from twinstream.sqlite.database import rename_durably

FILE_NAME = "seal.key"
KEY_BYTES = 32
NONCE_BYTES = 12
"""A random nonce of 96 bits is safe for 2^32 texts under one key (NIST SP 800-38D, section 8.3)."""


class KeyFileSealer:
    """Seals with ChaCha20-Poly1305 (RFC 8439): base64 of nonce, ciphertext and tag."""

    def __init__(self, key: bytes) -> None:
        self._cipher = ChaCha20Poly1305(key)
        self._signing_key = hmac.digest(key, b"sign", "sha256")  # Why: one key, one purpose

    @classmethod
    def open(cls, folder: Path) -> KeyFileSealer:
        """Read the folder's key file, made (0600) if it is missing. Call it while the folder's lock is held.

        Raises: CommandError EX_DATAERR if the file does not hold a key.
        """
        path = folder / FILE_NAME
        if not path.exists():
            _write_key(path)
        path.chmod(0o600)
        key = path.read_bytes()
        if len(key) != KEY_BYTES:
            raise CommandError(EX_DATAERR, f"{path} is not a key of {KEY_BYTES} bytes; restore it from a backup")
        return cls(key)

    def seal(self, text: str) -> str:
        """Encrypt and authenticate."""
        nonce = os.urandom(NONCE_BYTES)
        return base64.b64encode(nonce + self._cipher.encrypt(nonce, text.encode(), None)).decode("ascii")

    def sign(self, text: str) -> str:
        """Answer the HMAC-SHA256 of the text."""
        return hmac.digest(self._signing_key, text.encode(), "sha256").hex()

    def unseal(self, text: str) -> str:
        """Answer what was sealed. Raises ValueError if it was not sealed with this key, or was altered."""
        sealed = base64.b64decode(text, validate=True)
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], None).decode()
        except InvalidTag:
            raise ValueError("not sealed with this key, or altered") from None


def _write_key(path: Path) -> None:
    unborn = path.with_suffix(".new")
    unborn.unlink(missing_ok=True)
    descriptor = os.open(unborn, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        os.write(descriptor, ChaCha20Poly1305.generate_key())
    finally:
        os.close(descriptor)
    rename_durably(unborn, path)
