"""TLS handshakes of one server: each has a deadline, and one that fails has a reason in the log."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Final

from exporter.log import Log
from exporter.web.limits import Throttle

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.web.stream import Stream, TLSStream

log = Log(__name__)

HANDSHAKE_REFUSED: Final = "A TLS handshake was refused"
_USE_HTTPS: Final = "This port speaks TLS: use https:// instead of http://.\n"
_PLAIN_HTTP: Final = (
    "HTTP/1.1 400 Bad Request\r\n"
    "content-type: text/plain; charset=utf-8\r\n"
    f"content-length: {len(_USE_HTTPS)}\r\n"
    "connection: close\r\n"
    "\r\n"
    f"{_USE_HTTPS}"
).encode()


class Handshakes:
    """TLS handshakes under one context.

    ``is_admitted`` decides about a client after its handshake; ``count_refused`` is called for each
    client that is refused.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        *,
        is_admitted: Callable[[ssl.SSLObject], bool],
        count_refused: Callable[[], None],
        throttle: Throttle | None = None,
    ) -> None:
        self._context = context
        self._is_admitted = is_admitted
        self._count_refused = count_refused
        self._throttle = throttle or Throttle()

    async def shake_hands(self, plain: Stream, client: str, seconds: float) -> TLSStream | None:
        """Return the connection over TLS, or None where the handshake failed.

        ``client`` is an IP address for the log. A client that was refused has been told why.
        """
        received = b""
        try:
            async with asyncio.timeout(seconds):
                received = await plain.read()
                if not received:
                    return None  # a probe that only looks whether the port is open
                if received[:1].isalpha():  # no TLS record begins with a letter
                    self._refuse(client, "plain HTTP")
                    plain.write(_PLAIN_HTTP)
                    return None
                stream = plain.secure(self._context)
                await stream.shake_hands(received)
                return stream
        except TimeoutError:
            self._refuse(client, "too slow")
        except OSError as error:
            if received:
                self._refuse(client, _reason(error))
        return None

    def admits(self, stream: TLSStream, client: str) -> bool:
        """Return whether the client of a connection may ask for anything."""
        if self._is_admitted(stream.tls):
            return True
        self._refuse(client, "no name in the client's certificate is allowed")
        return False

    def _refuse(self, client: str, reason: str) -> None:
        """Log a refusal, as a warning once a minute for each reason, else at debug; count it."""
        write = log.warning if self._throttle.allows(reason) else log.debug
        write(HANDSHAKE_REFUSED, client=client, reason=reason)
        self._count_refused()


def _reason(error: OSError) -> str:
    """Return why a handshake failed, in the words of OpenSSL or the system."""
    # Not every SSLError has a reason, whatever its documentation says.
    reason = getattr(error, "reason", None) if isinstance(error, ssl.SSLError) else None
    words = str(reason or error.strerror or error).lower().replace("_", " ")
    if isinstance(error, ssl.SSLCertVerificationError):
        words += f": {error.verify_message}"
    return words
