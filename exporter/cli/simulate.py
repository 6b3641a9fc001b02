"""``quantconnect-exporter simulate``: a simulated QuantConnect for other clients."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from exporter.cli.signals import stop_awaited
from exporter.log import Log
from exporter.simulator import DEMO_TOKEN, SimulatorServer, World

if TYPE_CHECKING:
    import argparse

log = Log(__name__)


def simulate(options: argparse.Namespace) -> int:
    """Serve the simulated QuantConnect until SIGTERM or SIGINT. Return 1 if it cannot listen."""
    address = options.simulator_listen_address
    world = World.demo(started=options.simulator_started or time.time())
    try:
        server = SimulatorServer(world, address.host, address.port)
    except OSError as error:
        log.error("The simulator cannot listen", address=str(address), error=error.strerror)
        return 1
    with stop_awaited() as wait, server:
        log.info("Simulating QuantConnect", base_url=server.base_url, user_id=1, token=DEMO_TOKEN)
        wait()
    log.info("Stopped")
    return 0
