"""What a web configuration comes to: frozen values, each checked."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Pem:
    """Certificates or a key: in a file, or in the configuration itself.

    Exactly one of ``file`` and ``text`` is set; ``place`` is where the configuration says so.
    """

    place: str
    file: Path | None = None
    text: str | None = field(default=None, repr=False)


class ClientAuth(Enum):
    """What is asked of a client, by the names that Go has for it."""

    NONE = "NoClientCert"
    REQUEST = "RequestClientCert"
    REQUIRE_ANY = "RequireAnyClientCert"
    VERIFY_IF_GIVEN = "VerifyClientCertIfGiven"
    REQUIRE_AND_VERIFY = "RequireAndVerifyClientCert"

    @property
    def verifies(self) -> bool:
        """Whether a certificate that is shown must be one that an authority vouches for."""
        return self in (ClientAuth.VERIFY_IF_GIVEN, ClientAuth.REQUIRE_AND_VERIFY)


@dataclass(frozen=True)
class TLS:
    """How TLS is spoken.

    ``ciphers`` are OpenSSL's names of what TLS 1.2 and older may use, None for OpenSSL's own
    choice; ``group`` is the one that keys are agreed in, None likewise.
    """

    certificate: Pem
    key: Pem
    client_ca: Pem | None = None
    client_auth: ClientAuth = ClientAuth.NONE
    client_allowed_sans: frozenset[str] | None = None
    minimum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    maximum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    ciphers: tuple[str, ...] | None = None
    prefer_server_ciphers: bool = True
    group: str | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that certificates and keys are in."""
        pems = (self.certificate, self.key, self.client_ca)
        return tuple(pem.file for pem in pems if pem is not None and pem.file is not None)


@dataclass(frozen=True)
class RateLimit:
    """A request each ``interval`` seconds, and ``burst`` at once after a pause."""

    interval: float
    burst: int


@dataclass(frozen=True)
class Settings:
    """A web configuration.

    ``headers`` replace those of every answer, and an empty one removes it; ``users`` are the
    bcrypt hashes by name, both as bytes; ``remarks`` is what the log should say once, at the
    start.
    """

    tls: TLS | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    users: Mapping[bytes, bytes] = field(default_factory=dict, repr=False)
    rate_limit: RateLimit | None = None
    remarks: tuple[str, ...] = ()

    @property
    def protections(self) -> tuple[str, ...]:
        """The keys of the file that keep somebody out."""
        found = ["basic_auth_users"] if self.users else []
        if self.tls is not None and self.tls.client_auth is ClientAuth.REQUIRE_AND_VERIFY:
            found.append("client_auth_type")
            if self.tls.client_ca is not None:
                found.append("client_ca_file")
            if self.tls.client_allowed_sans is not None:
                found.append("client_allowed_sans")
        return tuple(found)

    @property
    def restricts_access(self) -> bool:
        """Whether only those whom the file names get an answer."""
        return bool(self.protections)
