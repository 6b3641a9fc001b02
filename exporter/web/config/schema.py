"""The schema of the web configuration (see ``exporter.config.reader`` for what a schema is).

The keys are those of the exporter-toolkit 0.20. The names of ciphers are those of Go's
``tls.CipherSuites()`` (https://pkg.go.dev/crypto/tls#CipherSuites): none that Go calls insecure.
"""

from __future__ import annotations

import ipaddress
import re
import ssl
from typing import TYPE_CHECKING, Annotated, Final

from msgspec import Meta

from exporter.config.reader import Entry, parsed
from exporter.config.secret import Secret
from exporter.web.config.settings import ClientAuth

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

VERSIONS: Final = {
    "TLS13": ssl.TLSVersion.TLSv1_3,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS10": ssl.TLSVersion.TLSv1,
}
CIPHERS: Final = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
}
"""OpenSSL's names of Go's ciphers."""

TLS13_CIPHERS: Final = dict.fromkeys(
    ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"), ""
)
"""Ciphers that TLS 1.3 uses whatever is configured: in Go, and in Python."""

GROUPS: Final = {
    "CurveP256": "prime256v1",
    "CurveP384": "secp384r1",
    "CurveP521": "secp521r1",
    "X25519": "X25519",
}
_AUTH_TYPES: Final = {kind.value: kind for kind in ClientAuth}
# Python's TLS ends the handshake if nobody has signed the certificate.
_UNVERIFIED: Final = {
    "RequestClientCert": ClientAuth.VERIFY_IF_GIVEN,
    "RequireAnyClientCert": ClientAuth.REQUIRE_AND_VERIFY,
    "RequireClientCert": ClientAuth.REQUIRE_AND_VERIFY,
}
# As YAML 1.1 and Go have them.
_SWITCHES: Final = {
    **dict.fromkeys(("y", "yes", "on", "true"), True),
    **dict.fromkeys(("n", "no", "off", "false"), False),
}
_BCRYPT: Final = re.compile(r"\$2[abxy]\$(?:0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}")
_BASE64: Final = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_SALT_END: Final = 28  # the last character of a salt
_USER: Final = re.compile(r"[^:\x00-\x1f\x7f]*")
_NANOSECONDS: Final = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,  # the micro sign
    "μs": 1_000,  # the Greek letter
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_AMOUNT: Final = re.compile(r"([0-9]{1,15}(?:\.[0-9]{0,15})?|\.[0-9]{1,15})(ns|us|µs|μs|ms|s|m|h)")
_MAX_SECONDS: Final = 24 * 3600.0


def _client_auth(text: str) -> ClientAuth:
    if text in _UNVERIFIED:
        raise ValueError(
            "it accepts a certificate that nobody verified; use"
            f" {_UNVERIFIED[text].value} with client_ca_file"
        )
    if text not in _AUTH_TYPES:
        raise ValueError
    return _AUTH_TYPES[text]


def _cipher(text: str) -> str:
    """Return OpenSSL's name, or ``""`` for a cipher of TLS 1.3."""
    known = {**CIPHERS, **TLS13_CIPHERS}
    if text not in known:
        raise ValueError(f"known: {', '.join(known)}")
    return known[text]


def canonical(text: str) -> str:
    """Return an IP address as Go writes it, any other name as it is.

    Python writes IPv6 addresses of certificates at full length.
    """
    if not text.strip():
        raise ValueError
    try:
        return str(ipaddress.ip_address(text.strip()))
    except ValueError:
        return text


def _not_empty(text: str) -> Secret:
    if not text.strip():
        raise ValueError
    return Secret(text)


def _switch(text: str) -> bool:
    if text.lower() not in _SWITCHES:
        raise ValueError
    return _SWITCHES[text.lower()]


def _header(text: str) -> str:
    """Return the value of a header: one line, even if it was written as a block."""
    line = " ".join(text.split("\n")).strip()
    if not line.isascii() or (line and not line.isprintable()):
        raise ValueError
    return line


def _user(text: str) -> bytes:
    """Return the name of a user; in basic auth, a colon ends it."""
    if not _USER.fullmatch(text):
        raise ValueError
    return text.encode()


def _bcrypt_hash(text: str) -> Secret:
    """Return a hash as ``htpasswd -B`` prints it, without the white space of a YAML block.

    Of a salt's last character only two bits count. Go ignores the others; Python's bcrypt refuses
    a salt that has any of them.
    """
    text = text.strip()
    if not _BCRYPT.fullmatch(text):
        raise ValueError
    last = _BASE64[_BASE64.index(text[_SALT_END]) & 0b110000]
    return Secret(f"{text[:_SALT_END]}{last}{text[_SALT_END + 1 :]}")


def _interval(text: str) -> float:
    """Return the seconds of a Go duration (``1s``, ``100ms``, ``1m30s``, ``1.5s``).

    Go's YAML also accepts a plain number, as nanoseconds, which its author can hardly mean.
    """
    if text == "0":
        return 0.0
    if re.fullmatch(r"[-+]?[0-9.]+", text):
        raise ValueError("it has no unit")
    end, nanoseconds = 0, 0.0
    while match := _AMOUNT.match(text, end):
        nanoseconds += float(match[1]) * _NANOSECONDS[match[2]]
        end = match.end()
    if end == 0 or end < len(text):
        raise ValueError
    if nanoseconds > _MAX_SECONDS * 1e9:
        raise ValueError("it is longer than 24h")
    return nanoseconds / 1e9


def _one_of(choices: Mapping[str, object]) -> Meta:
    def parse(text: str) -> object:
        if text not in choices:
            raise ValueError
        return choices[text]

    return parsed(_listed(choices), parse)


def _listed(choices: Mapping[str, object]) -> str:
    *most, last = choices
    return f"{', '.join(most)} or {last}" if most else last


def _text_or_absent(description: str, parse: Callable[[str], object]) -> Meta:
    """Return the ``Meta`` of a key that templates write with an empty text, as Go allows."""
    return parsed(description, parse, empty_is_absent=True)


def _path(text: str) -> str:
    if "\0" in text:
        raise ValueError
    return text


FilePath = Annotated[str, _text_or_absent("the path of a file", _path)]
PemText = Annotated[Secret, _text_or_absent("PEM text", _not_empty)]
AuthType = Annotated[ClientAuth, _text_or_absent(_listed(_AUTH_TYPES), _client_auth)]
AllowedName = Annotated[str, parsed("a DNS name, IP, e-mail or URI", canonical)]
Version = Annotated[ssl.TLSVersion, _one_of(VERSIONS)]
Cipher = Annotated[str, parsed("a cipher suite that Go has and calls secure", _cipher)]
Curve = Annotated[str, _one_of(GROUPS)]
Switch = Annotated[bool, parsed("true or false", _switch)]
Header = Annotated[str, parsed("a text of ASCII characters", _header)]
UserName = Annotated[bytes, parsed("the name of a user, without a colon", _user)]
BcryptHash = Annotated[
    Secret,
    parsed("a bcrypt hash, such as htpasswd -nB prints ($2y$10$ and 53 characters)", _bcrypt_hash),
]
Interval = Annotated[float, parsed("a duration from 0 to 24h, such as 1s", _interval)]
Burst = Annotated[int, Meta(ge=0, le=1_000_000, description="a whole number from 0 to 1000000")]


class TLSEntry(Entry, frozen=True, kw_only=True):
    """``tls_server_config``."""

    cert: PemText | None = None
    cert_file: FilePath | None = None
    key: PemText | None = None
    key_file: FilePath | None = None
    client_ca: PemText | None = None
    client_ca_file: FilePath | None = None
    client_auth_type: AuthType = ClientAuth.NONE
    client_allowed_sans: tuple[AllowedName, ...] | None = None
    min_version: Version = ssl.TLSVersion.TLSv1_2
    max_version: Version = ssl.TLSVersion.TLSv1_3
    cipher_suites: tuple[Cipher, ...] | None = None
    prefer_server_cipher_suites: Switch = True
    curve_preferences: tuple[Curve, ...] | None = None


_FRAME_OPTIONS: Final = {"deny": "deny", "sameorigin": "sameorigin"}


class HeadersEntry(
    Entry,
    frozen=True,
    kw_only=True,
    rename={
        "content_security_policy": "Content-Security-Policy",
        "x_frame_options": "X-Frame-Options",
        "x_content_type_options": "X-Content-Type-Options",
        "x_xss_protection": "X-XSS-Protection",
        "strict_transport_security": "Strict-Transport-Security",
    },
):
    """``headers`` of ``http_server_config``."""

    content_security_policy: Header | None = None
    x_frame_options: Annotated[str, _one_of(_FRAME_OPTIONS)] | None = None
    x_content_type_options: Annotated[str, _one_of({"nosniff": "nosniff"})] | None = None
    x_xss_protection: Header | None = None
    strict_transport_security: Header | None = None


class HTTPEntry(Entry, frozen=True, kw_only=True):
    """``http_server_config``."""

    http2: Switch = False
    headers: HeadersEntry | None = None


class RateLimitEntry(Entry, frozen=True, kw_only=True):
    """``rate_limit``."""

    interval: Interval = 0.0
    burst: Burst = 0


class WebDocument(Entry, frozen=True, kw_only=True):
    """The whole file."""

    tls_server_config: TLSEntry | None = None
    http_server_config: HTTPEntry | None = None
    basic_auth_users: dict[UserName, BcryptHash] | None = None
    rate_limit: RateLimitEntry | None = None
