"""A scrape as Prometheus makes it: HTTP/1.1, kept alive, gzip, the answer read to its end."""

from __future__ import annotations

import gzip
import http.client
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from benchmarks.process import Process

# Of Prometheus 2.42; each server answers what it prefers among these.
_HEADERS = {
    "Accept": "application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
    "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    "Accept-Encoding": "gzip",
    "User-Agent": "Prometheus/2.42.0",
}
_TIMEOUT = 120.0


class Scrape(NamedTuple):
    """One answer: wall seconds from the request to the last byte, and the body as sent."""

    seconds: float
    body: bytes

    def text(self) -> bytes:
        """The exposition."""
        return gzip.decompress(self.body)


class Client:
    """Scrapes one server over one connection, opened anew where the server closes it."""

    def __init__(self, server: Process, path: str = "/metrics") -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=_TIMEOUT)
        self._path = path

    def scrape(self) -> Scrape:
        """One scrape; raises RuntimeError unless it is answered 200 and in gzip."""
        started = time.perf_counter()
        self._connection.request("GET", self._path, headers=_HEADERS)
        response = self._connection.getresponse()
        body = response.read()
        seconds = time.perf_counter() - started
        if response.status != 200 or response.getheader("Content-Encoding") != "gzip":
            raise RuntimeError(f"port {self._connection.port} answered {response.status}")
        return Scrape(seconds, body)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
