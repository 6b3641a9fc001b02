"""A simulated QuantConnect: its wire format, and accounts that trade.

    world = World.demo(started=time.time())
    with SimulatorServer(world) as server:
        requests.get(f"{server.base_url}/live/list", headers=…)

User id 1, token ``demo``. It shares no code with the rest of this project, which reads its answers,
so an error in either shows. Make instruments to trade by hand with
``exporter.simulator.instruments``. Faults, generated and given accounts and a log of
requests are in ``tests/support``.
"""

from exporter.simulator.api import Api
from exporter.simulator.exchange import Exchange, Fault, Interference, Request
from exporter.simulator.project import Deployment, Statistics, Truth
from exporter.simulator.server import SimulatorServer
from exporter.simulator.state import AccountState, Cash, Holding
from exporter.simulator.world import DEMO_TOKEN, World

__all__ = [
    "DEMO_TOKEN",
    "AccountState",
    "Api",
    "Cash",
    "Deployment",
    "Exchange",
    "Fault",
    "Holding",
    "Interference",
    "Request",
    "SimulatorServer",
    "Statistics",
    "Truth",
    "World",
]
