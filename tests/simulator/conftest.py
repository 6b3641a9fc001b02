from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.simulator import World
from tests.support import SimulatorServer

from .client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

STARTED = 1_795_000_000.0
"""2026-11-18 11:06:40 UTC, a Wednesday."""


class Clock:
    """A world's clock that a test turns by hand."""

    def __init__(self, time: float) -> None:
        self.time = time

    def __call__(self) -> float:
        return self.time


@pytest.fixture(autouse=True)
def _measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SimulatorServer, "is_measured", True)


@pytest.fixture
def clock() -> Clock:
    return Clock(STARTED + 60.0)


@pytest.fixture
def world(clock: Clock) -> World:
    return World.demo(started=STARTED, clock=clock)


@pytest.fixture
def server(world: World) -> Iterator[SimulatorServer]:
    with SimulatorServer(world) as server:
        yield server


@pytest.fixture
def client(server: SimulatorServer) -> Iterator[Client]:
    client = Client(server.port)
    yield client
    client.close()
