"""Settings of a call that come from environment variables which other programs obey too.

These are the certificate authorities to trust and the proxy to use. No variable switches the
verification of certificates off, and no password of a proxy is printed.
"""

from __future__ import annotations

import os
import ssl
from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISDIR
from urllib.parse import unquote_to_bytes

import certifi
import requests
from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

from exporter.quantconnect.errors import ApiError, Reason
from exporter.quantconnect.sockets import TimedTLSSocket

# requests knows the first two, OpenSSL and Go the others. The first that is set counts.
_AUTHORITIES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
_PORTS = {"http": 80, "https": 443}
_ENVIRONMENT = requests.Session()


def tls_context() -> ssl.SSLContext:
    """Return a context that verifies certificates and host names, for sockets that know the time.

    The authorities are read again each time, so that renewed files count for new connections;
    without a variable they are certifi's. Raise ApiError (tls) if they cannot be read.
    """
    variable = next((name for name in _AUTHORITIES if os.environ.get(name)), None)
    path = os.environ[variable] if variable else certifi.where()
    try:
        is_folder = S_ISDIR(Path(path).stat().st_mode)
        context = ssl.create_default_context(
            cafile=None if is_folder else path, capath=path if is_folder else None
        )
    except OSError as error:
        problem = (
            "no certificate in PEM can be read from it"
            if isinstance(error, ssl.SSLError)
            else error.strerror
        )
        raise ApiError(Reason.TLS, f"TLS failed: {variable} names {path}: {problem}") from None
    context.sslsocket_class = TimedTLSSocket
    return context


@dataclass(frozen=True)
class Proxy:
    """An HTTP proxy. Its text is ``HOST:PORT``; ``is_tls`` is for one that is reached by TLS."""

    host: str
    port: int
    is_tls: bool
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    """``Proxy-Authorization`` where the variable has a user name, else nothing."""

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def proxy_for(url: str) -> Proxy | None:
    """Return the proxy for a URL, or None if calls to it go out directly.

    Raise ApiError (connection) for a variable that names no HTTP proxy; SOCKS is not supported.
    """
    settings = _ENVIRONMENT.merge_environment_settings(url, {}, None, None, None)
    scheme = url.partition(":")[0]
    written = settings["proxies"].get(scheme) or settings["proxies"].get("all")
    if not written:
        return None
    parsed = _parse(written if "://" in written else f"http://{written}")
    if parsed is None or not parsed.host:
        # The text is not quoted: it may hold a password.
        raise ApiError(
            Reason.CONNECTION,
            "the connection failed: "
            f"the proxy in {scheme.upper()}_PROXY or ALL_PROXY is not http://HOST:PORT",
        )
    return Proxy(
        host=parsed.host,
        port=parsed.port or _PORTS[str(parsed.scheme)],
        is_tls=parsed.scheme == "https",
        headers=_authorization(parsed.auth),
    )


def _parse(proxy: str) -> Url | None:
    """Return the parts of a proxy's URL, or None if it has others than host, port and user.

    Text after the port may be the rest of a password with a character that needs an escape.
    """
    try:
        parsed = parse_url(proxy)
    except LocationParseError:
        return None
    other = parsed.query is not None or parsed.fragment is not None
    if parsed.scheme not in _PORTS or (parsed.path or "/") != "/" or other:
        return None
    return parsed


def _authorization(auth: str | None) -> tuple[tuple[str, str], ...]:
    """Return the header with a user name and perhaps a password, as curl and Go send it.

    The bytes are those of the URL. requests would fail at characters that Latin-1 lacks, and
    quote them in its error.
    """
    if not auth:
        return ()
    credentials = unquote_to_bytes(auth if ":" in auth else f"{auth}:")
    return (("Proxy-Authorization", f"Basic {b64encode(credentials).decode()}"),)
