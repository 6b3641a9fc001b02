"""A web configuration in force: frozen values, each checked."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from exporter.config.secret import Secret

EXPENSIVE_COST: Final = 13
"""The lowest bcrypt cost that is too expensive to compare among the others."""


@dataclass(frozen=True)
class Pem:
    """Certificates or a key: in a file, or in the configuration itself.

    Exactly one of ``file`` and ``text`` is set; ``place`` is the path of the key that sets it.
    """

    place: str
    file: Path | None = None
    text: Secret | None = None


class ClientAuth(Enum):
    """The demand on a client's certificate, by Go's names.

    Go has two more, ``RequestClientCert`` and ``RequireAnyClientCert``, which accept a certificate
    that nobody verified.
    """

    NONE = "NoClientCert"
    VERIFY_IF_GIVEN = "VerifyClientCertIfGiven"
    REQUIRE_AND_VERIFY = "RequireAndVerifyClientCert"


@dataclass(frozen=True)
class TLS:
    """The settings of TLS.

    ``ciphers`` are OpenSSL's names for TLS 1.2 and older, None for the default; ``group`` is the
    one for the key exchange, None for OpenSSL's choice.
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
        """The files of certificates and keys."""
        pems = (self.certificate, self.key, self.client_ca)
        return tuple(pem.file for pem in pems if pem is not None and pem.file is not None)


@dataclass(frozen=True)
class RateLimit:
    """One request each ``interval`` seconds, and ``burst`` at once after a pause."""

    interval: float
    burst: int


class Remark(NamedTuple):
    """A warning about a valid setting: a message for the log, and its fields."""

    message: str
    fields: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """Return the remark in one phrase."""
        return ", ".join((self.message, *(f"{name}: {value}" for name, value in self.fields)))


@dataclass(frozen=True)
class Settings:
    """A web configuration.

    ``headers`` (names in lower case) replace those of every response, and an empty one removes it.
    ``users`` are the bcrypt hashes by name, both as bytes. ``remarks`` are for the log.
    """

    tls: TLS | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    users: Mapping[bytes, bytes] = field(default_factory=dict, repr=False)
    rate_limit: RateLimit | None = None
    remarks: tuple[Remark, ...] = ()

    @property
    def expensive_users(self) -> dict[str, int]:
        """The bcrypt costs of at least ``EXPENSIVE_COST`` by user."""
        costs = {name.decode(): cost_of(hashed) for name, hashed in self.users.items()}
        return {name: cost for name, cost in costs.items() if cost >= EXPENSIVE_COST}

    @property
    def protections(self) -> tuple[str, ...]:
        """The keys of the file that keep clients out."""
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
        """True if a client needs a password or a certificate."""
        return bool(self.protections)


def cost_of(hashed: bytes) -> int:
    """Return the cost of a bcrypt hash, the two digits after ``$2b$``."""
    return int(hashed[4:6])
