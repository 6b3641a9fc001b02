"""A simulated QuantConnect: its wire format, accounts that live, and faults on demand.

    world = World.demo(started=time.time())
    with SimulatorServer(world) as server:
        requests.get(f"{server.base_url}/live/list", headers=…)

User id 1, token ``demo``. It shares no code with the rest of this project, which reads what is
written here: an error in either shows.
"""

from exporter.simulator.server import SimulatorServer
from exporter.simulator.world import World

__all__ = ["SimulatorServer", "World"]
