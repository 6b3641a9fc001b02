"""One HTTP call that ends: within a total time, within a size, with one attempt.

requests bounds the silence between two bytes; a server that drips a byte a second would hold a
thread for ever. Here a timer shuts the call's socket down when the total time is over. Redirects
are not followed (the signature must not travel to another host), cookies are not kept and nothing
is retried: the poller alone decides when to ask again.
"""

from __future__ import annotations

import os
import socket
import ssl
import threading
from dataclasses import dataclass
from http.client import IncompleteRead
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from exporter.quantconnect.environment import authorities, proxy_authorization, proxy_for
from exporter.quantconnect.errors import ApiError, Reason, on_one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from requests.auth import AuthBase
    from requests.structures import CaseInsensitiveDict

_CHUNK = 65536
_LONGEST = 200  # characters of an error's words


@dataclass(frozen=True)
class Answer:
    """What came back: HTTP status, headers (case-insensitive) and the whole decoded body."""

    status: int
    headers: CaseInsensitiveDict[str]
    body: bytes


class Transport:
    """Calls to one base URL over kept connections; used by several threads at once.

    ``timeout`` is the total time of a call in seconds, from connecting to the last byte.
    ``max_body`` is the largest body that is read, in bytes after decompression.
    """

    def __init__(
        self, *, base_url: str, timeout: float, max_body: int, connections: int, user_agent: str
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self.timeout = timeout
        self._max_body = max_body
        self._calls: set[_Deadline] = set()
        self._closed = False
        self._session = _Session()
        self._session.headers.update(
            {"User-Agent": user_agent, "Accept": "application/json", "Accept-Encoding": "gzip"}
        )
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter = _Adapter(pool_connections=1, pool_maxsize=connections, max_retries=0)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    def post(self, path: str, payload: Mapping[str, object], auth: AuthBase) -> Answer:
        """Post JSON to a path below the base URL; raises ApiError where no answer could be had."""
        timeout = self.timeout
        deadline = _Deadline(timeout)
        self._calls.add(deadline)
        if self._closed:
            deadline.expire()
        try:
            with deadline:
                return self._post(f"{self._base_url}/{path}", payload, auth)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise _failure(error, deadline, timeout) from None
        finally:
            self._calls.discard(deadline)

    def _post(self, url: str, payload: Mapping[str, object], auth: AuthBase) -> Answer:
        with self._session.post(
            url,
            json=payload,
            auth=auth,
            timeout=self.timeout,
            allow_redirects=False,
            stream=True,
        ) as response:
            body = bytearray()
            for chunk in response.raw.stream(_CHUNK, decode_content=True):
                body += chunk
                if len(body) > self._max_body:
                    raise ApiError(
                        Reason.TOO_LARGE,
                        f"the answer is larger than {self._max_body} bytes, the most that is read",
                    )
            _current.deadline.check()
            return Answer(response.status_code, response.headers, bytes(body))

    def close(self) -> None:
        """End the calls under way, which fail at once, and drop the kept connections."""
        self._closed = True
        for deadline in list(self._calls):
            deadline.expire()
        self._session.close()


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002
        """None: even where it must not follow, requests reads the whole body of a redirect."""
        return None

    def merge_environment_settings(self, url: Any, *settings: Any, **named: Any) -> Any:
        """What requests takes from the environment, but for whom to trust: somebody, always."""
        merged = super().merge_environment_settings(url, *settings, **named)
        trusted = authorities(os.environ)
        merged["verify"] = trusted.path if trusted else True
        _current.proxy = proxy_for(url, merged["proxies"])
        return merged


class _Local(threading.local):
    deadline: _Deadline
    proxy: str | None = None


_current = _Local()
_owners = threading.Lock()


class _Deadline:
    """Shuts down the socket of the call of this thread when its time is over."""

    def __init__(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self.expire)
        self._timer.daemon = True
        self._connection: _Owned | None = None
        self._socket: socket.socket | None = None
        self.expired = False

    def __enter__(self) -> None:
        _current.deadline = self
        try:
            self._timer.start()
        except RuntimeError as error:
            raise OSError(f"no thread for the time limit of a call: {error}") from None

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with _owners:  # a timer that has just gone off comes too late for the kept connection
            self._connection = None

    def own(self, connection: _Owned) -> None:
        """This call uses the connection from here on; whoever had it before can't end it now."""
        with _owners:
            connection.deadline = self
            self._connection = connection

    def watch(self, sock: socket.socket) -> None:
        """The socket on which the answer will come; raises TimeoutError if time is over."""
        with _owners:
            self._socket = sock
        self.check()

    def check(self) -> None:
        """Raise TimeoutError if the time is over: what was read then may be cut short."""
        if self.expired:
            raise TimeoutError

    def expire(self) -> None:
        """The time is over."""
        with _owners:
            self.expired = True
            if self._socket is None or self._connection is None:
                return
            if self._connection.deadline is self:
                _shut_down(self._socket)


def _shut_down(sock: Any) -> None:
    """End what is read and written on a socket, whoever is at it.

    Not by SSLSocket's own shutdown, which takes the TLS state away under the reading thread, and
    below what urllib3 wraps around a socket for TLS within TLS.
    """
    sock = sock if isinstance(sock, socket.socket) else sock.socket
    try:
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
    except OSError:
        return  # it has been closed already


class _Owned:
    """A connection that tells the call that uses it which socket the answer comes on."""

    deadline: _Deadline | None = None

    def request(self, *args: Any, **kwargs: Any) -> None:
        _current.deadline.own(self)
        super().request(*args, **kwargs)  # type: ignore[misc]

    def _tunnel(self) -> None:
        # A tunnel is made before the request that goes through it.
        _current.deadline.own(self)
        _current.deadline.watch(self.sock)  # type: ignore[attr-defined]
        super()._tunnel()  # type: ignore[misc]

    def getresponse(self) -> Any:
        _current.deadline.watch(self.sock)  # type: ignore[attr-defined]
        return super().getresponse()  # type: ignore[misc]


class _HTTPConnection(_Owned, HTTPConnection):
    pass


class _HTTPSConnection(_Owned, HTTPSConnection):
    pass


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


_POOLS = {"http": _HTTPPool, "https": _HTTPSPool}


class _Adapter(HTTPAdapter):
    """requests' adapter, with connections whose calls can be ended, also through a proxy."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager

    def proxy_headers(self, proxy: str) -> dict[str, str]:
        return proxy_authorization(proxy)

    def cert_verify(self, *args: Any, **kwargs: Any) -> None:
        """Tell a path that names no certificates from a connection that failed."""
        try:
            super().cert_verify(*args, **kwargs)  # type: ignore[no-untyped-call]
        except OSError as error:
            raise requests.exceptions.SSLError(error) from None

    def close(self) -> None:
        """Close the kept connections now: urllib3 leaves that to the garbage collector."""
        for manager in (self.poolmanager, *self.proxy_manager.values()):
            for key in manager.pools.keys():  # noqa: SIM118 - it can't be iterated over
                manager.pools[key].close()
        super().close()


def _failure(error: Exception, deadline: _Deadline, timeout: float) -> ApiError:
    """The one reason for a call that brought no answer."""
    if deadline.expired or isinstance(error, _TIMEOUTS):
        seconds = f"{timeout:g} second{'' if timeout == 1 else 's'}"
        return ApiError(Reason.TIMEOUT, f"no complete answer within {seconds}")
    root = _root(error)
    cause = _in_words(root)
    through = isinstance(error, requests.exceptions.ProxyError)
    where = f" at the proxy {_current.proxy}" if through else ""
    if isinstance(error, _TLS) or isinstance(root, ssl.SSLError):
        trusted = authorities(os.environ)
        fault = trusted.fault() if trusted else None
        return ApiError(
            Reason.TLS, f"TLS failed{where}: {on_one_line(str(fault or cause), _LONGEST)}"
        )
    if isinstance(error, urllib3.exceptions.DecodeError):
        return ApiError(Reason.MALFORMED, f"the body could not be decompressed: {cause}")
    return ApiError(Reason.CONNECTION, f"the connection failed{where}: {cause}")


_TIMEOUTS = (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)
_TLS = (requests.exceptions.SSLError, urllib3.exceptions.SSLError)


def _root(error: BaseException) -> BaseException:
    """The innermost cause: requests and urllib3 wrap it several times."""
    while True:
        inner = getattr(error, "reason", None) or error.__cause__ or error.__context__
        wrapped = error.args[0] if error.args and isinstance(error.args[0], Exception) else None
        following = inner if isinstance(inner, BaseException) else wrapped
        if following is None or following is error:
            return error
        error = following


def _in_words(error: BaseException) -> str:
    if isinstance(error, IncompleteRead):
        return "the answer ended too soon"  # its own words count bytes: other ones each time
    words = getattr(error, "strerror", None) or str(error) or type(error).__name__
    # A server that speaks something else may be quoted in them.
    return on_one_line(str(words), _LONGEST)
