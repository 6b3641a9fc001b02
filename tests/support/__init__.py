"""Tools of several tests: a simulated QuantConnect that fails on demand and notes its requests.

with SimulatorServer(world) as server:
    server.faults.add(Status(503), endpoint="live/list", times=3)
    server.requests.wait_for(3, "live/list")
"""

from tests.support import fault_answers, fault_transport
from tests.support.fault_answers import Body, Status, Transformed, TruncatedGzip, patched
from tests.support.fault_transport import (
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
from tests.support.faults import Faults
from tests.support.generated import generated_world
from tests.support.given import GivenAccount, given_world
from tests.support.requestlog import RequestLog
from tests.support.server import SimulatorServer

__all__ = [
    "Body",
    "Bytes",
    "Chunked",
    "ClockOffset",
    "Cut",
    "Delay",
    "Drip",
    "Faults",
    "GivenAccount",
    "HangUp",
    "Large",
    "LongHead",
    "RequestLog",
    "SimulatorServer",
    "Stall",
    "Status",
    "Transformed",
    "TruncatedGzip",
    "fault_answers",
    "fault_transport",
    "generated_world",
    "given_world",
    "patched",
]
