"""A TLS context of the settings, and one that asks for its settings anew at each handshake."""

from __future__ import annotations

import os
import ssl
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from exporter.web.config.files import UnreadableError, read_file
from exporter.web.config.settings import ClientAuth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from OpenSSL import SSL

    from exporter.web.config.settings import TLS, Pem

CLIENT_AUTH_TYPE: Final = "tls_server_config.client_auth_type"
_DAMAGED: Final = "it is damaged"
_MAX_BYTES: Final = 4 * 1024 * 1024
_VERIFY: Final = {
    ClientAuth.VERIFY_IF_GIVEN: ssl.CERT_OPTIONAL,
    ClientAuth.REQUIRE_AND_VERIFY: ssl.CERT_REQUIRED,
}
# How OpenSSL says, through Python, that a key is not the certificate's.
_MISMATCH: Final = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED")


class UnusableError(ValueError):
    """What was configured cannot be used: the ``place`` that says so, what is wrong with it.

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
    """A context that knows whose certificates it admits; ``None`` is any that it verified.

    ``unverifying`` shakes hands in its place where certificates are asked for but not verified.
    """

    allowed_sans: frozenset[str] | None = None
    unverifying: SSL.Context | None = None

    def wrap_bio(
        self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, *args: Any, **kwargs: Any
    ) -> ssl.SSLObject:
        """A connection between the two, by whoever can do what is wanted."""
        if self.unverifying is None:
            return super().wrap_bio(incoming, outgoing, *args, **kwargs)
        from exporter.web.config.unverified import UnverifiedObject

        return cast("ssl.SSLObject", UnverifiedObject(self, self.unverifying, incoming, outgoing))


class FreshContext(ssl.SSLContext):
    """A context that lends itself to asyncio and leaves each handshake to another.

    All of a context is taken anew for each connection. Swapping it within the handshake, in
    ``sni_callback``, would change the certificate but not what is asked of the client.
    """

    _source: Callable[[], ssl.SSLContext]

    @classmethod
    def of(cls, source: Callable[[], ssl.SSLContext]) -> FreshContext:
        """One that asks ``source``, which must not raise."""
        context = cls(ssl.PROTOCOL_TLS_SERVER)
        context._source = source
        return context

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        """A connection under the settings of now."""
        return self._source().wrap_bio(*args, **kwargs)


def refusing_context() -> ssl.SSLContext:
    """A context without a certificate, with which every handshake fails."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)


def server_context(tls: TLS) -> ServerContext:
    """A context as the settings want it; raises ``UnusableError``."""
    context = ServerContext(ssl.PROTOCOL_TLS_SERVER)
    with warnings.catch_warnings():
        # TLS 1.0 and 1.1 are deprecated; who configures them knows.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version, context.maximum_version = tls.minimum, tls.maximum
    ciphers = ":".join(tls.ciphers) if tls.ciphers else ""
    if tls.minimum < ssl.TLSVersion.TLSv1_2:
        # OpenSSL 3 knows no signature for them at a higher level.
        ciphers = f"{ciphers or 'DEFAULT'}:@SECLEVEL=0"
    if ciphers:
        context.set_ciphers(ciphers)
    if not tls.prefer_server_ciphers:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    if tls.group is not None:
        context.set_ecdh_curve(tls.group)
    context.set_alpn_protocols(["http/1.1"])
    chain = _content(tls.certificate, "a PEM certificate", b"CERTIFICATE-----")
    private = _content(tls.key, "a PEM private key", b"PRIVATE KEY-----")
    with _in_memory(chain) as chain_path, _in_memory(private) as key_path:
        _load_key_pair(context, tls, chain_path, key_path)
        if tls.client_auth in (ClientAuth.REQUEST, ClientAuth.REQUIRE_ANY):
            # Imported only where it is needed, as few would take a certificate from anybody.
            from exporter.web.config.unverified import unverifying_context

            try:
                context.unverifying = unverifying_context(context, tls, chain_path, key_path)
            except MemoryError:
                # pyOpenSSL's callbacks are machine code that is made at run time.
                raise UnusableError(
                    CLIENT_AUTH_TYPE,
                    "another one, or leave to execute memory that was written",
                    "pyOpenSSL needs it; for systemd that is MemoryDenyWriteExecute=no",
                ) from None
    _ask_clients(context, tls)
    return context


def _load_key_pair(context: ssl.SSLContext, tls: TLS, chain: str, key: str) -> None:
    try:
        # Without a password, OpenSSL would ask for it on the terminal.
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
    """All that Python takes; what stands around certificates is not read, nor is it in Go."""
    return content.decode("ascii", "backslashreplace")


def _ask_clients(context: ServerContext, tls: TLS) -> None:
    if tls.client_ca is not None:
        trusted = _content(tls.client_ca, "PEM certificates", b"CERTIFICATE-----")
        if not _has_certificates(trusted):
            raise UnusableError(tls.client_ca.place, "PEM certificates", _DAMAGED)
        context.load_verify_locations(cadata=_ascii(trusted))
    elif tls.client_auth.verifies:
        # As Go does without a pool of its own.
        context.load_default_certs(ssl.Purpose.CLIENT_AUTH)
    context.verify_mode = _VERIFY.get(tls.client_auth, ssl.CERT_NONE)
    # For Go, every certificate of the pool is an anchor, not only a self-signed one.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.allowed_sans = tls.client_allowed_sans


def _content(pem: Pem, expected: str, marker: bytes) -> bytes:
    if pem.file is None:
        content = (pem.text or "").encode()
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
    """A path to ``content`` that no disk ever holds: Python's ssl takes keys from files only."""
    descriptor = os.memfd_create("pem")
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.write(content)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


class _EncryptedError(Exception):
    """OpenSSL asked for a password."""


def _no_password() -> str:
    raise _EncryptedError


def _reason(error: ssl.SSLError) -> str:
    return error.reason.lower().replace("_", " ") if error.reason else _DAMAGED
