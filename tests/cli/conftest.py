from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exporter.simulator import World
from tests.support import SimulatorServer

Configure = Callable[..., Path]


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """An empty directory, none of the environment's settings, and logging as it was."""
    for name in list(os.environ):
        if name.startswith("QUANTCONNECT_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    root, ours = logging.getLogger(), logging.getLogger("exporter")
    kept = (root.handlers[:], root.level, ours.level, logging.raiseExceptions)
    yield
    root.handlers[:], root.level, ours.level, logging.raiseExceptions = kept


def frozen_demo() -> World:
    """The demo's world with frozen time: nothing stops, nothing crashes."""
    world = World.demo(started=time.time())
    world.freeze()
    return world


@pytest.fixture(scope="module")
def world() -> World:
    """One for all, since its past takes long to work out; a test that changes it has its own."""
    return frozen_demo()


@pytest.fixture
def quantconnect(world: World) -> Iterator[SimulatorServer]:
    with SimulatorServer(world) as server:
        yield server


@pytest.fixture
def configure(quantconnect: SimulatorServer, tmp_path: Path) -> Configure:
    """Writes quantconnect.yaml for the simulator, with more keys for its account."""

    def write(account: str = "", *, token: str = "demo", top: str = "", rpm: int = 60_000) -> Path:
        file = tmp_path / "quantconnect.yaml"
        if "tickers:" not in top:
            top += "\ntickers: {FB: META, GOOCV: GOOG}"
        file.write_text(
            f"{top}\naccounts:\n  - user_id: 1\n    api_token: {token}\n"
            f"    base_url: {quantconnect.base_url}\n    requests_per_minute: {rpm}\n"
            f"    {account}\n"
        )
        return file

    return write
