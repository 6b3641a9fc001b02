"""The checks across several keys of the web configuration, and the settings of a valid one."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final

import msgspec

from exporter.config.problems import child
from exporter.web.config.schema import (
    VERSIONS,
    HeadersEntry,
    HTTPEntry,
    RateLimitEntry,
    TLSEntry,
)
from exporter.web.config.settings import TLS, ClientAuth, Pem, RateLimit, Remark, Settings

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.config.problems import Problems
    from exporter.config.secret import Secret
    from exporter.web.config.schema import WebDocument

_TLS: Final = "tls_server_config"
_AUTH_TYPE: Final = "tls_server_config.client_auth_type"
_SANS: Final = "tls_server_config.client_allowed_sans"


def check(document: WebDocument, problems: Problems) -> None:
    """Add to ``problems`` all that is wrong between the document's values."""
    tls = document.tls_server_config or TLSEntry()
    if any(problems.is_given(child(_TLS, key)) for key in tls.__struct_fields__):
        _check_pem(problems)
        _check_client_auth(tls, problems)
        _check_versions(tls, problems)
    limit = document.rate_limit or RateLimitEntry()
    burst = "rate_limit.burst"
    if limit.interval and not limit.burst and not problems.has_failed(burst):
        expected = "a whole number from 1 to 1000000, next to an interval"
        problems.add(burst, expected, at="rate_limit")


def _check_pem(problems: Problems) -> None:
    for name in ("cert", "key", "client_ca"):
        texts = [problems.is_given(child(_TLS, key)) for key in (name, f"{name}_file")]
        if all(texts):
            problems.add(_TLS, f"either {name} or {name}_file", got="both")
        elif name != "client_ca" and not any(texts):
            problems.add(_TLS, f"{name} or {name}_file, as TLS needs one", got="neither")


def _check_client_auth(tls: TLSEntry, problems: Problems) -> None:
    sans = tls.client_allowed_sans
    if sans == ():
        problems.add(_SANS, "at least one", got="none")
    if problems.has_failed(_AUTH_TYPE):
        return
    if tls.client_auth_type is ClientAuth.NONE:
        for key in ("client_ca", "client_ca_file"):
            if problems.is_given(child(_TLS, key)):
                expected = "VerifyClientCertIfGiven or RequireAndVerifyClientCert"
                problems.add(_AUTH_TYPE, f"{expected}, next to {key}", at=_TLS)
    if sans is not None and tls.client_auth_type is not ClientAuth.REQUIRE_AND_VERIFY:
        expected = "RequireAndVerifyClientCert, next to client_allowed_sans"
        problems.add(_AUTH_TYPE, expected, at=_TLS)


def _check_versions(tls: TLSEntry, problems: Problems) -> None:
    if tls.min_version > tls.max_version:
        maximum, minimum = child(_TLS, "max_version"), child(_TLS, "min_version")
        low = next(name for name, version in VERSIONS.items() if version == tls.min_version)
        place = maximum if problems.is_given(maximum) else minimum
        problems.add(place, f"a max_version of at least min_version, {low}")
    is_new = bool(tls.cipher_suites) and not any(tls.cipher_suites or ())
    if is_new and tls.max_version < ssl.TLSVersion.TLSv1_3:
        problems.add(
            child(_TLS, "cipher_suites"),
            "a cipher suite of TLS 1.2 or older, as max_version is",
            got="only such of TLS 1.3",
        )


def assemble(document: WebDocument, *, directory: Path) -> Settings:
    """Return the settings; relative paths start from ``directory``.

    The document must be free of problems.
    """
    http = document.http_server_config or HTTPEntry()
    headers = msgspec.to_builtins(http.headers or HeadersEntry())
    tls = document.tls_server_config or TLSEntry()
    limit = document.rate_limit
    users = document.basic_auth_users or {}
    remarks = []
    if http.http2:
        remarks.append(Remark("HTTP/2 is configured, but only HTTP/1.1 is served"))
    if len(tls.curve_preferences or ()) > 1:
        remarks.append(
            Remark("Of curve_preferences only the first is used; Python's TLS takes one")
        )
    return Settings(
        tls=_tls(tls, directory),
        headers={name.lower(): value for name, value in headers.items() if value is not None},
        users={name: hashed.reveal().encode() for name, hashed in users.items()},
        rate_limit=RateLimit(limit.interval, limit.burst) if limit and limit.interval else None,
        remarks=tuple(remarks),
    )


def _tls(entry: TLSEntry, directory: Path) -> TLS | None:
    certificate = _pem("cert", entry.cert, entry.cert_file, directory)
    key = _pem("key", entry.key, entry.key_file, directory)
    if certificate is None or key is None:
        return None
    sans = entry.client_allowed_sans
    ciphers = tuple(filter(None, entry.cipher_suites or ()))
    # If there are only ciphers of TLS 1.3, the older versions have none.
    is_new = bool(entry.cipher_suites) and not ciphers
    return TLS(
        certificate=certificate,
        key=key,
        client_ca=_pem("client_ca", entry.client_ca, entry.client_ca_file, directory),
        client_auth=entry.client_auth_type,
        client_allowed_sans=None if sans is None else frozenset(sans),
        minimum=ssl.TLSVersion.TLSv1_3 if is_new else entry.min_version,
        maximum=entry.max_version,
        ciphers=ciphers or None,
        prefer_server_ciphers=entry.prefer_server_cipher_suites,
        group=entry.curve_preferences[0] if entry.curve_preferences else None,
    )


def _pem(name: str, text: Secret | None, file: str | None, directory: Path) -> Pem | None:
    if file is not None:
        return Pem(child(_TLS, f"{name}_file"), file=directory / file)
    return None if text is None else Pem(child(_TLS, name), text=text)
