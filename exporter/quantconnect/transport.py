"""One HTTP call that ends: within a total time, within a size, with one attempt.

requests and urllib3 speak HTTP and keep connections open; the sockets that they use are opened
here and know the time that is left of the call. Redirects are not followed (the signature must
not reach another host), cookies are not kept and nothing is retried: only the poller decides
when to call again.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from http.client import IncompleteRead
from typing import TYPE_CHECKING, Any

import h11
import requests
import urllib3
from msgspec import Struct
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.util import parse_url, ssl_wrap_socket

from exporter.quantconnect.environment import Proxy, proxy_for, tls_context
from exporter.quantconnect.errors import ApiError, Reason, on_one_line
from exporter.quantconnect.sockets import begin_call, connect, current_call

if TYPE_CHECKING:
    import socket

    from requests.auth import AuthBase

    from exporter.quantconnect.sockets import Call

_CHUNK = 65536
_LONGEST = 200  # characters of an error's text


class Answer(Struct, frozen=True):
    """An answer: HTTP status, headers (case-insensitive) and the whole decoded body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """Calls to one base URL over kept connections; used by several threads at once.

    ``timeout`` is the total time of a call in seconds, from the name look-up to the last byte.
    ``max_body`` is the largest body that is read, in bytes after decompression. ``connections``
    is how many are kept open.
    """

    def __init__(
        self, *, base_url: str, timeout: float, max_body: int, connections: int, user_agent: str
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self.timeout = timeout
        self._max_body = max_body
        self._connections = connections
        self._headers = {
            "Host": str(parse_url(self._base_url).netloc),
            "User-Agent": user_agent,
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "Connection": "keep-alive",
        }
        self._adapters: dict[Proxy | None, _Adapter] = {}
        self._calls: set[Call] = set()
        self._is_closed = False

    def post(self, path: str, payload: Mapping[str, object], auth: AuthBase) -> Answer:
        """Post JSON to a path below the base URL. Raise ApiError if there is no whole answer."""
        with begin_call(self.timeout) as call:
            self._calls.add(call)
            if self._is_closed:
                call.end()
            try:
                return self._post(f"{self._base_url}/{path}", payload, auth, call)
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
                raise _failure(error) from None
            finally:
                self._calls.discard(call)

    def _post(self, url: str, payload: Mapping[str, object], auth: AuthBase, call: Call) -> Answer:
        call.time_left()
        adapter = self._adapter(proxy_for(url))
        request = requests.Request(
            "POST", url, headers={**self._headers, **adapter.headers}, json=payload, auth=auth
        )
        with adapter.send(request.prepare(), stream=True) as response:
            body = bytearray()
            for chunk in response.raw.stream(_CHUNK, decode_content=True):
                body += chunk
                if len(body) > self._max_body:
                    raise ApiError(
                        Reason.TOO_LARGE,
                        f"the answer is larger than {self._max_body} bytes, the most that is read",
                    )
            call.time_left()  # close() may have cut off the end of the body
            return Answer(response.status_code, response.headers, bytes(body))

    def _adapter(self, proxy: Proxy | None) -> _Adapter:
        if adapter := self._adapters.get(proxy):
            return adapter
        url = parse_url(self._base_url)
        is_tls = url.scheme == "https"
        route = Route(str(url.host), url.port or (443 if is_tls else 80), is_tls, proxy)
        return self._adapters.setdefault(proxy, _Adapter(route, self._connections))

    def close(self) -> None:
        """End the calls under way, which fail at once, and close the kept connections."""
        self._is_closed = True
        for call in list(self._calls):
            call.end()
        for adapter in list(self._adapters.values()):
            adapter.close()


class Route(Struct, frozen=True):
    """The way to a server: its host and port, by TLS or not, and the proxy in between."""

    host: str
    port: int
    is_tls: bool
    proxy: Proxy | None

    def open(self) -> socket.socket:
        """Return a socket on which the server, or a proxy for plain HTTP, expects requests.

        Raise ApiError (tls, connection or timeout).
        """
        proxy = self.proxy
        # The files are read before connecting: if they are bad, that is the error to report.
        context = tls_context() if self.is_tls or (proxy and proxy.is_tls) else None
        at_proxy = f" at the proxy {proxy}" if proxy else ""
        first = proxy or self
        opened: socket.socket | None = None
        try:
            opened = connect(_without_brackets(first.host), first.port)
            if proxy and proxy.is_tls:
                opened = _add_tls(opened, context, proxy.host)
            if proxy and self.is_tls:
                _open_tunnel(opened, f"{self.host}:{self.port}", proxy)
            at_proxy = ""
            return _add_tls(opened, context, self.host) if self.is_tls else opened
        except OSError as error:
            if opened is not None:
                opened.close()
            raise _failure(error, at_proxy) from None


def _without_brackets(host: str) -> str:
    """Return the host of a URL as sockets take it: IPv6 addresses have brackets there."""
    return host.strip("[]")


def _add_tls(opened: socket.socket, context: ssl.SSLContext | None, host: str) -> socket.socket:
    """Return a socket that speaks TLS over another one, which may speak TLS already."""
    return ssl_wrap_socket(  # type: ignore[return-value]
        opened,
        ssl_context=context,
        server_hostname=_without_brackets(host).rstrip("."),
        tls_in_tls=isinstance(opened, ssl.SSLSocket),
    )


def _open_tunnel(opened: socket.socket, target: str, proxy: Proxy) -> None:
    """Ask a proxy to CONNECT the socket to ``HOST:PORT``. Raise OSError if it does not."""
    proxied = h11.Connection(our_role=h11.CLIENT)
    request = h11.Request(
        method="CONNECT", target=target, headers=[("Host", target), *proxy.headers]
    )
    opened.sendall(proxied.send(request) or b"")
    proxied.send(h11.EndOfMessage())
    try:
        while not isinstance(event := proxied.next_event(), h11.Response):
            if event is h11.NEED_DATA:
                proxied.receive_data(opened.recv(_CHUNK))
    except h11.RemoteProtocolError as error:
        raise OSError(f"Tunnel connection failed: {error}") from None
    if not 200 <= event.status_code < 300:
        reason = event.reason.decode("latin-1")
        raise OSError(f"Tunnel connection failed: {event.status_code} {reason}")


class _Adapter(HTTPAdapter):
    """requests' adapter for one route, with connections that the route opens.

    ``headers`` are those for a proxy that forwards plain HTTP.
    """

    def __init__(self, route: Route, connections: int) -> None:
        super().__init__()
        self._forwards = route.proxy is not None and not route.is_tls
        self.headers = dict(route.proxy.headers) if route.proxy and self._forwards else {}
        self._pool = HTTPConnectionPool(route.host, route.port, maxsize=connections, route=route)
        self._pool.ConnectionCls = _Connection

    def get_connection_with_tls_context(self, *_: Any, **__: Any) -> HTTPConnectionPool:
        """Return the pool of the route: TLS and proxies are the route's business."""
        return self._pool

    def request_url(self, request: requests.PreparedRequest, _: Any) -> str:
        """Return the whole URL for a proxy that forwards, else its path."""
        return str(request.url if self._forwards else request.path_url)

    def close(self) -> None:
        """Close the kept connections."""
        self._pool.close()
        super().close()


class _Connection(HTTPConnection):
    """urllib3's connection, over a socket that a route opens."""

    def __init__(self, *args: Any, route: Route, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._opened_by = route

    def connect(self) -> None:
        """Open the socket."""
        self.sock = self._opened_by.open()


def _failure(error: Exception, at_proxy: str = "") -> ApiError:
    """Return the error, with its reason, of a call that brought no answer."""
    call = current_call()
    root = _root(error)
    if call.is_over or isinstance(root, TimeoutError):
        seconds = f"{call.seconds:g} second{'' if call.seconds == 1 else 's'}"
        return ApiError(Reason.TIMEOUT, f"no complete answer within {seconds}")
    text = _text(root)
    if isinstance(root, ssl.SSLError):
        return ApiError(Reason.TLS, f"TLS failed{at_proxy}: {text}")
    if isinstance(error, urllib3.exceptions.DecodeError):
        return ApiError(Reason.MALFORMED, f"the body could not be decompressed: {text}")
    return ApiError(Reason.CONNECTION, f"the connection failed{at_proxy}: {text}")


def _root(error: BaseException) -> BaseException:
    """Return the innermost cause: requests and urllib3 wrap it several times."""
    while True:
        inner = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if inner is None:
            return error
        error = inner


def _text(error: BaseException) -> str:
    if isinstance(error, IncompleteRead):
        return "the answer ended too soon"  # its own text counts bytes, so differs each time
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    # A server that speaks something else may be quoted in it.
    return on_one_line(str(text), _LONGEST)
