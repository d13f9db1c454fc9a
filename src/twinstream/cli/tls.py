"""Checks of the files of TLS before a server starts, so that a mistake is one line and no handshake that fails later.

Owns what is wrong with a certificate or its key as files. Knows nothing of connections.
"""

from __future__ import annotations

import ssl
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from twinstream.exits import EX_CONFIG, CommandError


def check_tls_files(certificate: Path, key: Path, now: datetime | None = None) -> list[str]:
    """Check that both can be read, belong together, and that nobody but the key's owner can read it; answer warnings.

    ``now`` is the time to judge the certificate's by; the present if None.

    Raises:
        CommandError: 78, naming the setting and what to do.
    """
    for setting, path in (("tls_cert", certificate), ("tls_key", key)):
        try:
            path.open("rb").close()
        except OSError as error:
            raise CommandError(EX_CONFIG, f"{setting}: {path}: {error.strerror}; expected a PEM file") from None
    if key.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
        raise CommandError(EX_CONFIG, f"tls_key: everybody can read {key}; mend it with: chmod 600 {key}")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=lambda: b"")
    except (ssl.SSLError, ValueError) as error:
        reason = (getattr(error, "reason", None) or "not usable").lower().replace("_", " ")
        raise CommandError(
            EX_CONFIG, f"tls_cert, tls_key: {certificate} and {key}: {reason}; expected PEM files that belong together"
        ) from None
    return list(_judge_times(certificate, now or datetime.now(UTC)))


def _judge_times(certificate: Path, now: datetime) -> Iterator[str]:
    """Warn only: clients decide whether they accept it, and a clock can be wrong."""
    from cryptography import x509

    leaf = x509.load_pem_x509_certificates(certificate.read_bytes())[0]
    if now > leaf.not_valid_after_utc:
        yield f"tls_cert: {certificate} expired on {leaf.not_valid_after_utc:%Y-%m-%d}; clients will refuse it"
    if now < leaf.not_valid_before_utc:
        yield f"tls_cert: {certificate} is valid from {leaf.not_valid_before_utc:%Y-%m-%d} on; clients will refuse it"
