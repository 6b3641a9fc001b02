"""The TLS context of settings, and the check of a client's names after its handshake."""

from __future__ import annotations

import os
import ssl
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from exporter.web.config.files import UnreadableError, read_file
from exporter.web.config.schema import canonical
from exporter.web.config.settings import ClientAuth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from exporter.web.config.settings import TLS, Pem

_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
# TLS 1.0 and 1.1 have no others. OpenSSL 3 has no signature for them at a higher level.
_OLD_CIPHERS: Final = "ECDHE+AES"
_OLD_LEVEL: Final = "@SECLEVEL=0"
_DAMAGED: Final = "it is damaged"
_MAX_BYTES: Final = 4 * 1024 * 1024
_VERIFY: Final = {
    ClientAuth.VERIFY_IF_GIVEN: ssl.CERT_OPTIONAL,
    ClientAuth.REQUIRE_AND_VERIFY: ssl.CERT_REQUIRED,
}
_KINDS_OF_NAMES: Final = frozenset({"DNS", "email", "IP Address", "URI"})
# OpenSSL's reasons for a key that does not belong to the certificate.
_MISMATCH: Final = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED")


class UnusableError(ValueError):
    """A setting that cannot be used: the ``place`` of its key, and what is wrong with it.

    ``passing`` is as in ``UnreadableError``.
    """

    def __init__(
        self, place: str, expected: str, because: str = "", *, passing: bool = False
    ) -> None:
        super().__init__(because)
        self.place = place
        self.expected = expected
        self.because = because
        self.passing = passing


class ServerContext(ssl.SSLContext):
    """A context with the names that it admits; None admits any certificate that it verified."""

    allowed_sans: frozenset[str] | None = None


class FreshContext(ssl.SSLContext):
    """A context that gives each handshake to the context of the settings now in force.

    To swap the context within the handshake, in ``sni_callback``, would change the certificate but
    not the demand on the client.
    """

    _source: Callable[[], ssl.SSLContext]

    @classmethod
    def of(cls, source: Callable[[], ssl.SSLContext]) -> FreshContext:
        """Return a context that calls ``source``, which must not raise."""
        context = cls(ssl.PROTOCOL_TLS_SERVER)
        context._source = source
        return context

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        """Return a connection under the settings now in force."""
        return self._source().wrap_bio(*args, **kwargs)


def refusing_context() -> ssl.SSLContext:
    """Return a context without a certificate, with which every handshake fails."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)


def is_admitted(connection: ssl.SSLObject) -> bool:
    """Return whether the context of ``connection`` admits the names of its client.

    As in the exporter-toolkit, one subject alternative name (DNS, e-mail, IP or URI) must equal
    one of the list exactly.
    """
    context = connection.context
    if not isinstance(context, ServerContext) or context.allowed_sans is None:
        return True
    certificate: Any = connection.getpeercert() or {}
    return any(
        kind in _KINDS_OF_NAMES and canonical(name) in context.allowed_sans
        for kind, name in certificate.get("subjectAltName", ())
    )


def server_context(tls: TLS) -> ServerContext:
    """Return the context of the settings; raises ``UnusableError``."""
    context = ServerContext(ssl.PROTOCOL_TLS_SERVER)
    with warnings.catch_warnings():
        # TLS 1.0 and 1.1 are deprecated; only an explicit configuration enables them.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version, context.maximum_version = tls.minimum, tls.maximum
    context.set_ciphers(_cipher_list(tls))
    if not tls.prefer_server_ciphers:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    if tls.group is not None:
        context.set_ecdh_curve(tls.group)
    context.set_alpn_protocols(["http/1.1"])
    chain = _content(tls.certificate, "a PEM certificate", b"CERTIFICATE-----")
    private = _content(tls.key, "a PEM private key", b"PRIVATE KEY-----")
    with _in_memory(chain) as chain_path, _in_memory(private) as key_path:
        _load_key_pair(context, tls, chain_path, key_path)
    _ask_clients(context, tls)
    return context


def _cipher_list(tls: TLS) -> str:
    """Return OpenSSL's cipher list; the default has none with CBC, unless an old TLS needs it."""
    names = ":".join(tls.ciphers or (_CIPHERS,))
    if tls.minimum >= ssl.TLSVersion.TLSv1_2:
        return names
    return ":".join((names, _OLD_LEVEL) if tls.ciphers else (names, _OLD_CIPHERS, _OLD_LEVEL))


def _load_key_pair(context: ssl.SSLContext, tls: TLS, chain: str, key: str) -> None:
    try:
        # Without this function, OpenSSL would ask for a password on the terminal.
        context.load_cert_chain(chain, key, password=_no_password)
    except _EncryptedError:
        raise UnusableError(tls.key.place, "a PEM private key that is not encrypted") from None
    except ssl.SSLError as error:
        if error.reason in _MISMATCH:
            expected = "the private key of the certificate"
            raise UnusableError(tls.key.place, expected, "it is of another") from None
        if error.reason is not None or not _has_certificates(Path(chain).read_bytes()):
            expected = "a PEM certificate"
            raise UnusableError(tls.certificate.place, expected, _reason(error)) from None
        raise UnusableError(tls.key.place, "a PEM private key", _reason(error)) from None


def _has_certificates(content: bytes) -> bool:
    try:
        refusing_context().load_verify_locations(cadata=_ascii(content))
    except (ssl.SSLError, ValueError):
        return False
    return True


def _ascii(content: bytes) -> str:
    """Return a text for Python's ssl; it ignores what stands around certificates, as Go does."""
    return content.decode("ascii", "backslashreplace")


def _ask_clients(context: ServerContext, tls: TLS) -> None:
    if tls.client_ca is not None:
        trusted = _content(tls.client_ca, "PEM certificates", b"CERTIFICATE-----")
        if not _has_certificates(trusted):
            raise UnusableError(tls.client_ca.place, "PEM certificates", _DAMAGED)
        context.load_verify_locations(cadata=_ascii(trusted))
    elif tls.client_auth is not ClientAuth.NONE:
        # As Go does without a pool of its own.
        context.load_default_certs(ssl.Purpose.CLIENT_AUTH)
    context.verify_mode = _VERIFY.get(tls.client_auth, ssl.CERT_NONE)
    # For Go, every certificate of the pool is an anchor, not only a self-signed one.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.allowed_sans = tls.client_allowed_sans


def _content(pem: Pem, expected: str, marker: bytes) -> bytes:
    if pem.file is None:
        content = pem.text.reveal().encode() if pem.text else b""
    else:
        try:
            content = read_file(pem.file, most=_MAX_BYTES)
        except UnreadableError as error:
            raise UnusableError(pem.place, expected, str(error), passing=error.passing) from None
    if marker not in content:
        raise UnusableError(pem.place, expected, "there is none in it")
    return content


@contextmanager
def _in_memory(content: bytes) -> Iterator[str]:
    """Return a path to ``content`` in memory: Python's ssl takes keys from files only."""
    descriptor = os.memfd_create("pem")
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.write(content)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


class _EncryptedError(Exception):
    """A key is encrypted, so OpenSSL asked for a password."""


def _no_password() -> str:
    raise _EncryptedError


def _reason(error: ssl.SSLError) -> str:
    return error.reason.lower().replace("_", " ") if error.reason else _DAMAGED
