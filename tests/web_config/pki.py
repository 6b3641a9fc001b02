"""Certificates for the tests, each in a file of one directory."""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from pathlib import Path

    Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

CLIENTS = {
    "dns": "DNS:scraper.example",
    "ip": "IP:192.0.2.7",
    "ip6": "IP:2001:db8::1",
    "email": "email:ops@example.com",
    "uri": "URI:spiffe://example.com/prometheus",
    "several": "DNS:other.example,URI:spiffe://example.com/prometheus",
    "directory": "dirName:someone",
}


_NOW = dt.datetime.now(dt.UTC)
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class PKI:
    """A directory with ``ca``, ``server``, ``client-…`` and others, each ``.pem`` and ``.key``."""

    directory: Path

    def path(self, name: str) -> Path:
        return self.directory / name

    def text(self, name: str) -> str:
        return self.path(name).read_text()

    def make(self) -> None:
        self.self_signed("ca", subject="test CA")
        self.self_signed("other-ca", subject="test CA")
        self.issue("server", san="DNS:localhost,IP:127.0.0.1")
        self.issue("server2", san="DNS:localhost,IP:127.0.0.1")
        self.issue("rsa", san="DNS:localhost", rsa_bits=2048)
        self.issue("small", san="DNS:localhost", rsa_bits=1024)
        for name, san in CLIENTS.items():
            self.issue(f"client-{name}", san=san)
        self.issue("client-plain")
        self.issue("client-stranger", san=CLIENTS["dns"], ca="other-ca")
        self.issue("client-expired", san=CLIENTS["dns"], days=-1)
        self.self_signed("client-own", subject="own")
        self.path("locked.key").write_bytes(
            _pem(
                _key(self.path("server.key").read_bytes()),
                serialization.BestAvailableEncryption(b"secret"),
            )
        )
        for name in ("server.pem", "server.key"):
            lines = self.text(name).splitlines(keepends=True)
            self.path(f"damaged-{name}").write_text("".join(lines[:2] + lines[3:]))
        self.path("both.pem").write_text(self.text("server.pem") + self.text("server.key"))
        self.path("big.pem").write_bytes(bytes(4 * 1024 * 1024 + 1))

    def issue(
        self, name: str, *, san: str = "", ca: str = "ca", days: int = 2, rsa_bits: int = 0
    ) -> None:
        """A certificate that an authority of this directory signs, good for so many days."""
        key = (
            rsa.generate_private_key(65537, rsa_bits)
            if rsa_bits
            else ec.generate_private_key(ec.SECP256R1())
        )
        authority = x509.load_pem_x509_certificate(self.path(f"{ca}.pem").read_bytes())
        signer = _key(self.path(f"{ca}.key").read_bytes())
        # The key identifiers are what clients want that check by the letter, as Python 3.13 does.
        builder = _builder(key, name, issuer=authority.subject, days=days).add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        self._write(name, key, _with_names(builder, san).sign(signer, hashes.SHA256()))

    def self_signed(self, name: str, *, subject: str, san: str = "") -> None:
        """A certificate that its own key signs, good for two days; it may sign others."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = (
            _builder(key, subject, issuer=_name(subject), days=2)
            .add_extension(x509.KeyUsage(**_SIGNS), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        )
        self._write(name, key, _with_names(builder, san).sign(key, hashes.SHA256()))

    def serial(self, name: str) -> int:
        """The serial number of the certificate in a file."""
        return x509.load_pem_x509_certificate(self.path(name).read_bytes()).serial_number

    def _write(self, name: str, key: Key, certificate: x509.Certificate) -> None:
        self.path(f"{name}.key").write_bytes(_pem(key, serialization.NoEncryption()))
        self.path(f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


_SIGNS = {
    "key_cert_sign": True,
    "digital_signature": True,
    "content_commitment": False,
    "key_encipherment": False,
    "data_encipherment": False,
    "key_agreement": False,
    "crl_sign": False,
    "encipher_only": False,
    "decipher_only": False,
}


def _builder(key: Key, subject: str, *, issuer: x509.Name, days: int) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_NOW + min(0, days - 1) * _DAY)
        .not_valid_after(_NOW + days * _DAY)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
    )


def _with_names(builder: x509.CertificateBuilder, san: str) -> x509.CertificateBuilder:
    names = [_general_name(each) for each in san.split(",") if each]
    if not names:
        return builder
    return builder.add_extension(x509.SubjectAlternativeName(names), critical=False)


def _general_name(text: str) -> x509.GeneralName:
    """A name as OpenSSL writes it: DNS:…, IP:…, email:…, URI:…, or dirName: and a common name."""
    kind, _, value = text.partition(":")
    match kind:
        case "DNS":
            return x509.DNSName(value)
        case "IP":
            return x509.IPAddress(ipaddress.ip_address(value))
        case "email":
            return x509.RFC822Name(value)
        case "URI":
            return x509.UniformResourceIdentifier(value)
        case _:
            return x509.DirectoryName(_name(value))


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _key(pem: bytes) -> Key:
    key = serialization.load_pem_private_key(pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


def _pem(key: Key, encryption: serialization.KeySerializationEncryption) -> bytes:
    # What is encrypted is in the older form, which names its cipher in the open.
    form = (
        serialization.PrivateFormat.PKCS8
        if isinstance(encryption, serialization.NoEncryption)
        else serialization.PrivateFormat.TraditionalOpenSSL
    )
    return key.private_bytes(serialization.Encoding.PEM, form, encryption)
