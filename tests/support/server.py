"""The simulator's server in the hands of a test."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import exporter.simulator
from tests.support.faults import Faults
from tests.support.requestlog import RequestLog

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

    from exporter.simulator import Fault, Request, World


class SimulatorServer(exporter.simulator.SimulatorServer):
    """A server that notes its ``requests`` and lets ``faults`` befall them.

    ``date_offset`` puts its clock wrong by that many seconds, for the Date header and the
    signatures' window alike. Its threads are left out of the coverage, which would make it twice as
    slow, except in the simulator's own tests: there it ``is_measured``.
    """

    is_measured = False

    def __init__(
        self,
        world: World,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        ssl_context: ssl.SSLContext | None = None,
        lockout_after: int = 10,
        lockout_seconds: float = 900.0,
    ) -> None:
        super().__init__(
            world,
            host,
            port,
            ssl_context=ssl_context,
            lockout_after=lockout_after,
            lockout_seconds=lockout_seconds,
            interference=self,
        )
        self.faults = Faults()
        self.requests = RequestLog()
        self.date_offset = 0.0

    def now(self) -> float:
        """The server's clock, unix seconds."""
        return super().now() + self.date_offset

    def faults_for(self, request: Request) -> Iterator[Fault]:
        """Note ``request``, and give the faults that fit it."""
        if not self.is_measured:
            sys.settrace(None)
        self.requests.add(request)
        return self.faults.on(request)
