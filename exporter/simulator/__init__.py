"""A simulated QuantConnect: its wire format, accounts that live, and faults on demand.

    world = World.demo(started=time.time())
    with SimulatorServer(world) as server:
        requests.get(f"{server.base_url}/live/list", headers=…)

User id 1, token ``demo``. It shares no code with the rest of this project, which reads what is
written here: an error in either shows. Instruments to trade by hand are made by
``exporter.simulator.instruments``.
"""

from exporter.simulator import fault_answers, fault_transport
from exporter.simulator.api import Api
from exporter.simulator.exchange import Fault
from exporter.simulator.fault_answers import (
    Body,
    Status,
    Transformed,
    TruncatedGzip,
    patched,
)
from exporter.simulator.fault_transport import (
    Bytes,
    Chunked,
    ClockOffset,
    Cut,
    Delay,
    Drip,
    HangUp,
    Large,
    LongHead,
    Stall,
)
from exporter.simulator.faults import Faults
from exporter.simulator.project import Deployment, Statistics, Truth
from exporter.simulator.requestlog import Request, RequestLog
from exporter.simulator.server import SimulatorServer
from exporter.simulator.state import AccountState, Cash, Holding
from exporter.simulator.world import DEMO_TOKEN, World

__all__ = [
    "DEMO_TOKEN",
    "AccountState",
    "Api",
    "Body",
    "Bytes",
    "Cash",
    "Chunked",
    "ClockOffset",
    "Cut",
    "Delay",
    "Deployment",
    "Drip",
    "Fault",
    "Faults",
    "HangUp",
    "Holding",
    "Large",
    "LongHead",
    "Request",
    "RequestLog",
    "SimulatorServer",
    "Stall",
    "Statistics",
    "Status",
    "Transformed",
    "TruncatedGzip",
    "Truth",
    "World",
    "fault_answers",
    "fault_transport",
    "patched",
]
