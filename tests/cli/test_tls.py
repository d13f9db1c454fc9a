"""What is told of TLS files before a server starts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from twinstream.cli.tls import check_tls_files
from twinstream.exits import EX_CONFIG, CommandError

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def write_pair(folder: Path, name: str) -> tuple[Path, Path]:
    """Write a self-signed certificate, valid one day around NOW, and its key; answer both paths."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    paths[1].chmod(0o600)
    return paths


def test_a_sound_pair_is_taken_without_a_word(tmp_path: Path) -> None:
    """No warning, no error."""
    assert check_tls_files(*write_pair(tmp_path, "a"), NOW) == []


@pytest.mark.parametrize(("days", "word"), [(2, "expired on 2026-01-02"), (-2, "valid from 2025-12-31 on")])
def test_a_certificate_out_of_its_time_is_warned_of(tmp_path: Path, days: int, word: str) -> None:
    """A warning: the clock may be what is wrong."""
    (warning,) = check_tls_files(*write_pair(tmp_path, "a"), NOW + timedelta(days=days))
    assert word in warning


def refuse(certificate: Path, key: Path) -> str:
    """Check what must be refused as configuration, in one line; answer the line."""
    with pytest.raises(CommandError) as refusal:
        check_tls_files(certificate, key, NOW)
    assert refusal.value.exit_code == EX_CONFIG
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


def test_a_key_that_does_not_belong_to_the_certificate_is_refused(tmp_path: Path) -> None:
    """The line names both files and says that they do not match."""
    certificate, _ = write_pair(tmp_path, "a")
    _, key = write_pair(tmp_path, "b")
    assert "mismatch" in refuse(certificate, key)


def test_a_key_that_everybody_can_read_is_refused(tmp_path: Path) -> None:
    """The line has the command that mends it."""
    certificate, key = write_pair(tmp_path, "a")
    key.chmod(0o644)
    assert f"chmod 600 {key}" in refuse(certificate, key)


def test_files_that_are_not_there_or_not_pem_are_refused(tmp_path: Path) -> None:
    """The setting to blame is named."""
    certificate, key = write_pair(tmp_path, "a")
    assert refuse(tmp_path / "none", key).startswith("tls_cert: ")
    assert refuse(certificate, tmp_path).startswith("tls_key: ")
    key.write_text("no key")
    assert "expected PEM files" in refuse(certificate, key)
