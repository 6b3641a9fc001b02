"""What the environment asks of every call, in the variables that other programs obey too.

Which certificate authorities are trusted, and which proxy is in between. No variable switches the
verification of certificates off, and no password of a proxy leaves this module.
"""

from __future__ import annotations

import base64
import ssl
from pathlib import Path
from stat import S_ISDIR
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote_to_bytes

from requests.exceptions import InvalidProxyURL
from requests.utils import prepend_scheme_if_needed, select_proxy
from urllib3.util import parse_url

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

# requests knows the first two, OpenSSL and Go the others.
_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
_PORTS = {"http": 80, "https": 443}


class Authorities(NamedTuple):
    """The certificate authorities to trust: a file or a folder, and the variable that names it."""

    variable: str
    path: str

    def fault(self) -> str | None:
        """Why nothing can be verified with them, or None."""
        try:
            if S_ISDIR(Path(self.path).stat().st_mode):
                return None  # OpenSSL looks into it as certificates come
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(self.path)
        except ssl.SSLError:
            return f"{self.variable} names {self.path}: no certificate in PEM can be read from it"
        except OSError as error:
            return f"{self.variable} names {self.path}: {error.strerror}"
        return None


def authorities(environ: Mapping[str, str]) -> Authorities | None:
    """Those of the first variable that is set; None is for the ones that certifi brings along."""
    for variable in _VARIABLES:
        if path := environ.get(variable):
            return Authorities(variable, path)
    return None


def proxy_for(url: str, proxies: MutableMapping[str, str]) -> str | None:
    """``HOST:PORT`` of the proxy for a URL, of those by scheme, or None where none is meant.

    Raises InvalidProxyURL for what is no HTTP proxy. requests itself would quote its password, or
    go astray: urllib3's connections to a SOCKS proxy are not those that can be ended in time.
    """
    proxy = select_proxy(url, proxies)
    if not proxy:
        return None
    try:
        parsed = parse_url(prepend_scheme_if_needed(proxy, "http"))  # type: ignore[no-untyped-call]
    except (ValueError, TypeError):
        parsed = None
    # What comes after the port may be the rest of a password with a sign that it may not have.
    if (
        parsed is None
        or not parsed.host
        or parsed.scheme not in _PORTS
        or (parsed.path or "/") != "/"
        or parsed.query is not None
        or parsed.fragment is not None
    ):
        variable = url.partition(":")[0].upper() + "_PROXY"
        raise InvalidProxyURL(f"the proxy in {variable} or ALL_PROXY is not http://HOST:PORT")
    return f"{parsed.host}:{parsed.port or _PORTS[parsed.scheme]}"


def proxy_authorization(proxy: str) -> dict[str, str]:
    """The header for a proxy that wants a name and perhaps a password, as curl and Go send it.

    They are sent as the bytes that the URL has for them; requests itself would fail at what
    Latin-1 does not have, and name the sign in its error.
    """
    auth = parse_url(proxy).auth
    if not auth:
        return {}
    credentials = unquote_to_bytes(auth if ":" in auth else f"{auth}:")
    return {"Proxy-Authorization": f"Basic {base64.b64encode(credentials).decode()}"}
