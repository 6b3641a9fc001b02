"""Certificates for the tests, made by the openssl command, each in a file of one directory."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

CLIENTS = {
    "dns": "DNS:scraper.example",
    "ip": "IP:192.0.2.7",
    "ip6": "IP:2001:db8::1",
    "email": "email:ops@example.com",
    "uri": "URI:spiffe://example.com/prometheus",
    "several": "DNS:other.example,URI:spiffe://example.com/prometheus",
    "directory": "dirName:name",
}


@dataclass(frozen=True)
class PKI:
    """A directory with ``ca``, ``server``, ``client-…`` and others, each ``.pem`` and ``.key``."""

    directory: Path

    def path(self, name: str) -> Path:
        return self.directory / name

    def text(self, name: str) -> str:
        return self.path(name).read_text()

    def make(self) -> None:
        self._self_signed("ca", "/CN=test CA")
        self._self_signed("other-ca", "/CN=test CA")
        self.issue("server", san="DNS:localhost,IP:127.0.0.1")
        self.issue("server2", san="DNS:localhost,IP:127.0.0.1")
        self.issue("rsa", san="DNS:localhost", key=["rsa:2048"])
        self.issue("small", san="DNS:localhost", key=["rsa:1024"])
        for name, san in CLIENTS.items():
            self.issue(f"client-{name}", san=san)
        self.issue("client-plain")
        self.issue("client-stranger", san=CLIENTS["dns"], ca="other-ca")
        self.issue("client-expired", san=CLIENTS["dns"], days="-1")
        self._self_signed("client-own", "/CN=own")
        self.openssl(
            "ec", "-in", "server.key", "-aes128", "-passout", "pass:secret", "-out", "locked.key"
        )
        for name in ("server.pem", "server.key"):
            lines = self.text(name).splitlines(keepends=True)
            self.path(f"damaged-{name}").write_text("".join(lines[:2] + lines[3:]))
        self.path("both.pem").write_text(self.text("server.pem") + self.text("server.key"))
        self.path("big.pem").write_bytes(bytes(4 * 1024 * 1024 + 1))

    def issue(
        self,
        name: str,
        *,
        san: str = "",
        ca: str = "ca",
        days: str = "2",
        key: list[str] | None = None,
    ) -> None:
        kind = key or ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
        self.openssl(
            *("req", "-new", "-newkey", *kind, "-nodes", "-subj", f"/CN={name}"),
            *("-keyout", f"{name}.key", "-out", f"{name}.csr"),
        )
        # The key identifiers are what clients want that check by the letter, as Python 3.13 does.
        extensions = "authorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n"
        extensions += f"subjectAltName={san}\n[name]\nCN=someone\n" if san else ""
        self.path("extensions").write_text(extensions)
        self.openssl(
            *("x509", "-req", "-in", f"{name}.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key"),
            *("-CAcreateserial", "-days", days, "-out", f"{name}.pem", "-extfile", "extensions"),
        )

    def _self_signed(self, name: str, subject: str) -> None:
        self.openssl(
            *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *(
                "-nodes",
                "-subj",
                subject,
                "-days",
                "2",
                "-addext",
                "keyUsage=keyCertSign,digitalSignature",
            ),
            *("-keyout", f"{name}.key", "-out", f"{name}.pem"),
        )

    def openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.directory, check=True, capture_output=True)
