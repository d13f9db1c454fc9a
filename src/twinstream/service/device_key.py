"""The key pair of a device: what it proves itself with before it has an authentication key.

The device holds the public half and encrypts its claim with it; the cloud holds the private half (ayla-facts 4.1). All
functions compute for a while (a new pair 50 ms and more, a proof 1 ms): call them on a thread of their own.
"""

from __future__ import annotations

import base64
import binascii

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

KEY_BITS = 2048


def make_private_key() -> str:
    """Make a key pair; answer its private half, from which `read_public_key` takes the other, as PEM text."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")


def read_public_key(private_key: str) -> str:
    """Answer the public half as PEM text."""
    return _load(private_key).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")


def open_proof(private_key: str, proof: str) -> str | None:
    """Decrypt base64 of RSA PKCS#1 v1.5; None if it was not made with this pair, or holds no ASCII text.

    What a forged proof decrypts to is random text (OpenSSL's implicit rejection), so the caller compares it, and tells
    nobody how it failed.
    """
    try:
        return _load(private_key).decrypt(base64.b64decode(proof, validate=True), padding.PKCS1v15()).decode("ascii")
    except (ValueError, binascii.Error):
        return None


def _load(private_key: str) -> rsa.RSAPrivateKey:
    key = load_pem_private_key(private_key.encode("ascii"), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("a device's key is an RSA key")
    return key
