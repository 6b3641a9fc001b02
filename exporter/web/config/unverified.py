"""TLS that asks a client for a certificate and takes any, as two of Go's ``ClientAuthType`` do.

Python's own ssl cannot: it ends the handshake when nobody vouches for the certificate. So OpenSSL
is spoken to by way of pyOpenSSL, in the shape of the part of ``ssl.SSLObject`` that asyncio uses.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, Final, TypeVar

from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL

from exporter.web.config.settings import ClientAuth

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.web.config.settings import TLS

GROUPS: Final[dict[str, ec.EllipticCurve]] = {
    "prime256v1": ec.SECP256R1(),
    "secp384r1": ec.SECP384R1(),
    "secp521r1": ec.SECP521R1(),
}
"""The groups that can be asked for, by OpenSSL's names."""

_ASKED: Final = {
    ClientAuth.REQUEST: SSL.VERIFY_PEER,
    ClientAuth.REQUIRE_ANY: SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT,
}
_PIECE: Final = 256 * 1024
_T = TypeVar("_T")


def unverifying_context(model: ssl.SSLContext, tls: TLS, chain: str, key: str) -> SSL.Context:
    """A context like ``model``, which has loaded the same ``chain`` and ``key``, two paths."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(tls.minimum)
    context.set_max_proto_version(tls.maximum)
    context.set_options(model.options)
    # OpenSSL resumes no session of a client with a certificate unless sessions have a context.
    context.set_session_id(b"quantconnect-exporter")
    names = [cipher["name"] for cipher in model.get_ciphers()]
    context.set_cipher_list(":".join((*names, f"@SECLEVEL={model.security_level}")).encode())
    if tls.group is not None:
        context.set_tmp_ecdh(GROUPS[tls.group])
    context.set_alpn_select_callback(_alpn)
    context.use_certificate_chain_file(chain)
    context.use_privatekey_file(key)
    context.set_verify(_ASKED[tls.client_auth], _take_any)
    return context


def _take_any(*_: object) -> bool:
    """What OpenSSL asks for each fault that it finds in a certificate."""
    return True


def _alpn(_: SSL.Connection, offered: list[bytes]) -> Any:
    return b"http/1.1" if b"http/1.1" in offered else SSL.NO_OVERLAPPING_PROTOCOLS


class UnverifiedObject:
    """A server's side of a connection between two ``ssl.MemoryBIO``, as ``ssl.SSLObject`` is."""

    def __init__(
        self,
        context: ssl.SSLContext,
        openssl: SSL.Context,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
    ) -> None:
        self.context = context
        self._connection = SSL.Connection(openssl, None)
        self._connection.set_accept_state()
        self._incoming = incoming
        self._outgoing = outgoing

    def do_handshake(self) -> None:
        """Shake hands as far as what has come in allows; raises as ``ssl`` does."""
        self._passing(self._connection.do_handshake)

    def read(self, length: int = 1024) -> bytes:
        """At most so many bytes of what the client says; none once it has said goodbye."""
        return self._passing(self._receive, length)

    def write(self, data: bytes | memoryview) -> int:
        """Say these bytes to the client; how many of them were taken."""
        return self._passing(self._connection.send, data)

    def unwrap(self) -> None:
        """Say goodbye and wait for the client's."""
        if not self._passing(self._connection.shutdown):
            raise ssl.SSLWantReadError

    def getpeercert(self) -> dict[str, object]:
        """Nothing, as ``ssl`` says of a certificate that was not verified."""
        return {}

    def cipher(self) -> tuple[str, str, int] | None:
        """The cipher's name, its protocol and its bits, once there is one."""
        name = self._connection.get_cipher_name()
        version = self._connection.get_cipher_version()
        bits = self._connection.get_cipher_bits()
        return None if name is None or version is None or bits is None else (name, version, bits)

    def compression(self) -> None:
        """None: nothing is compressed."""

    def _receive(self, length: int) -> bytes:
        try:
            return self._connection.recv(length)
        except SSL.ZeroReturnError:
            return b""

    def _passing(self, act: Callable[..., _T], *args: Any) -> _T:
        """Hand in what has come and, afterwards, out what is to go; errors are in ssl's words.

        No context manager: contextlib's frames would tie each error, and with it all of asyncio's
        connection, into a cycle that lies around until garbage is collected.
        """
        if self._incoming.pending:
            self._connection.bio_write(self._incoming.read())
        try:
            return act(*args)
        except SSL.WantReadError:
            raise ssl.SSLWantReadError from None
        except SSL.Error as error:
            raise ssl.SSLError(ssl.SSL_ERROR_SSL, str(error)) from None
        finally:
            self._pass_on()

    def _pass_on(self) -> None:
        while True:
            try:
                self._outgoing.write(self._connection.bio_read(_PIECE))
            except SSL.WantReadError:
                return
