"""Limits on what clients may cost: seconds, connections, bytes and log lines."""

from __future__ import annotations

import resource
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable

_IDLE_CONNECTIONS: Final = 4096
_IDLE_CONNECTIONS_OVER_TLS: Final = 512
_MINUTE: Final = 60.0


class Limits(Struct, frozen=True):
    """Limits of one server."""

    handshake_seconds: float = 10.0
    """From the connection to the end of the TLS handshake."""
    head_seconds: float = 30.0
    """From the connection, the handshake or the first byte after a response to the end of a
    request's head."""
    idle_seconds: float = 75.0
    """From a response to the first byte of the next request: longer than the longest usual scrape
    interval, one minute."""
    send_seconds: float = 60.0
    """For a client to read a response; Prometheus gives up long before."""
    goodbye_seconds: float = 1.0
    """For a client to close its side of a connection that the server has closed."""
    drain_seconds: float = 10.0
    """From the stop to the end of the last response: Prometheus's default scrape timeout."""
    pause_seconds: float = 1.0
    """After a connection could not be accepted because the process is out of files or memory."""
    idle_connections: int = _IDLE_CONNECTIONS
    """Connections without a complete request; beyond it the one that is idle longest is closed."""
    unsent_bytes: int = 64 * 1024 * 1024
    """Responses that clients have not read, in all; beyond it the oldest is given up."""

    @classmethod
    def of_this_process(cls, *, tls: bool) -> Limits:
        """Return the limits that fit the files this process may open.

        Raises the process's soft limit of open files to its hard limit first, as Go's programs do:
        the soft limit that a shell sets is for programs that use select().
        """
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        connections = _IDLE_CONNECTIONS_OVER_TLS if tls else _IDLE_CONNECTIONS
        if files != resource.RLIM_INFINITY:
            connections = min(connections, files // 2)
        return cls(idle_connections=connections)


class Throttle:
    """Allows each cause once a minute; ``clock`` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._quiet_until: dict[str, float] = {}

    def allows(self, cause: str) -> bool:
        """Return whether ``cause`` was not allowed within the last minute."""
        now = self._clock()
        if now < self._quiet_until.get(cause, now):
            return False
        self._quiet_until[cause] = now + _MINUTE
        return True
