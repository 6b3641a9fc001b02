from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.simulator import World
from tests.web_config.pki import PKI

from . import server as servers
from .exporter_process import Exporter, running

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    """A small account; the tests that share it must leave it as it was."""
    world = World.generated(projects=2, holdings=3)
    with running(world, tmp_path_factory.mktemp("small")) as exporter:
        yield exporter
        assert exporter.ask("/-/healthy")[0] == 200
        # Whatever was asked, nothing of it was an error of ours.
        assert "Traceback" not in exporter.log
        assert "level=error" not in exporter.log


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> PKI:
    pki = PKI(tmp_path_factory.mktemp("pki"))
    pki.make()
    return pki


@pytest.fixture(params=["plain", "tls"])
def server(request: pytest.FixtureRequest, pki: PKI) -> Iterator[servers.Running]:
    with servers.running(pki if request.param == "tls" else None) as running_:
        yield running_
