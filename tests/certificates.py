"""Certificates for tests, signed by an authority of their own."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from core import clock

_SIGNS_CERTIFICATES: Final = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


class Authority:
    """Signs certificates; whoever trusts ``path`` takes them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._name = _named("Authority of a test")
        self._key = ec.generate_private_key(ec.SECP256R1())
        unsigned = self._unsigned(self._name, self._key.public_key(), authority=True).add_extension(
            _SIGNS_CERTIFICATES, critical=True
        )
        self.path = folder / "authority.pem"
        self.path.write_bytes(self._signed(unsigned))

    def issue(self, name: str) -> tuple[Path, Path]:
        """Make a key and a certificate for ``name``; return certificate and key."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate, private = (self._folder / f"{name}.{kind}.pem" for kind in ("cert", "key"))
        unsigned = self._unsigned(_named(name), key.public_key(), authority=False).add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False
        )
        certificate.write_bytes(self._signed(unsigned))
        private.touch(mode=0o600)
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return certificate, private

    def _unsigned(
        self, name: x509.Name, key: ec.EllipticCurvePublicKey, *, authority: bool
    ) -> x509.CertificateBuilder:
        now = clock.now()
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=2))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
        )

    def _signed(self, unsigned: x509.CertificateBuilder) -> bytes:
        signed = unsigned.sign(self._key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
