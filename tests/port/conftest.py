from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.support import generated_world
from tests.web_config.pki import PKI

from .exporter_process import Exporter, running
from .server import running as running_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .server import Running, Serving


@pytest.fixture(scope="session")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    """A small account; the tests that share it must leave it as it was."""
    world = generated_world(projects=2, holdings=3)
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
def serving(request: pytest.FixtureRequest, pki: PKI) -> Serving:
    """Starts a server with given limits, once in the clear and once over TLS."""
    return partial(running_server, pki if request.param == "tls" else None)


@pytest.fixture
def server(serving: Serving) -> Iterator[Running]:
    with serving() as running_:
        yield running_
