"""From an algorithm that stops to somebody who is told: everything real but QuantConnect.

Simulated QuantConnect, exporter, Prometheus with our rules, Alertmanager with our configuration,
and a receiver. The rules' and the configuration's waits are divided by QUICKEN, nothing else.
"""

from __future__ import annotations

import signal
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from prometheus.stack import Alertmanager, Prometheus, eventually, free_port
from tests.integration.exporter_process import ExporterProcess, configure
from tests.integration.receiver import Receiver, telling
from tests.support import SimulatorServer, generated_world

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from exporter.simulator import World

pytestmark = [pytest.mark.needs_prometheus, pytest.mark.needs_alertmanager]

QUICKEN = 60  # 5 minutes are 5 seconds
SECONDS = 90.0
STOPPED = "QuantConnectStoppedWithOpenPositions"
DOWN = "QuantConnectExporterDown"
PROJECTS = 8


@dataclass
class Watched:
    """An account that is watched; ``receiver`` is who is told."""

    world: World
    server: SimulatorServer
    exporter: ExporterProcess
    prometheus: Prometheus
    alertmanager: Alertmanager
    receiver: Receiver

    def firing(self, alert: str) -> list[dict[str, Any]]:
        """Alerts of that name that fire in Prometheus."""
        return [
            each
            for each in self.prometheus.alerts()
            if each["labels"]["alertname"] == alert and each["state"] == "firing"
        ]

    def silenced(self, alert: str, by: str) -> int:
        """How many alerts of that name Alertmanager keeps silent because of another."""
        known = self.alertmanager.get("/api/v2/alerts")
        names = {each["fingerprint"]: each["labels"]["alertname"] for each in known}
        return sum(
            each["labels"]["alertname"] == alert
            and any(names.get(cause) == by for cause in each["status"]["inhibitedBy"])
            for each in known
        )

    def pages(self) -> list[tuple[set[str], str]]:
        """What has woken somebody, in order: the alerts' names, and firing or resolved."""
        return [(each.names, each.status) for each in self.receiver.received(receiver="pager")]


@contextmanager
def watched(directory: Path, *, projects: int) -> Iterator[Watched]:
    world = generated_world(projects=projects, holdings=3)
    with ExitStack() as stack:
        server = stack.enter_context(SimulatorServer(world))
        receiver = stack.enter_context(Receiver())
        file = configure(directory, server.base_url, world.project_ids)
        # A port of its own: Prometheus must find it there again.
        exporter = stack.enter_context(
            ExporterProcess(directory, f"--config.file={file}", address=f"127.0.0.1:{free_port()}")
        )
        told = stack.enter_context(telling(receiver, directory, exporter.address, quicken=QUICKEN))
        prometheus = told.prometheus
        eventually(
            lambda: len(prometheus.query("project:quantconnect_holdings:max")) == projects,
            "the rules see every project",
            seconds=SECONDS,
        )
        yield Watched(world, server, exporter, prometheus, told.alertmanager, receiver)


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """An account that does well."""
    with watched(tmp_path_factory.mktemp("alerts"), projects=4) as account:
        yield account


def test_an_algorithm_that_stops_with_open_positions_is_one_page(account: Watched) -> None:
    project_id = account.world.project_ids[1]
    account.world.stop(project_id)
    eventually(lambda: bool(account.receiver.received(STOPPED)), "it is told", seconds=SECONDS)

    (page,) = account.receiver.received(STOPPED)
    assert page.receiver == "pager"
    assert page.status == "firing"
    (alert,) = page.alerts
    name = account.world.project(project_id).name
    assert alert["labels"] == {
        "alertname": STOPPED,
        "severity": "critical",
        "job": "quantconnect",
        "account": "default",
        "project_id": str(project_id),
        "project": name,
        "deploy_id": account.world.project(project_id).deployments[-1].deploy_id,
    }
    assert alert["annotations"]["summary"] == "An algorithm has stopped and left positions open."
    assert alert["annotations"]["description"] == (
        f"Project {name} ({project_id}) has not been running for 5 minutes: it is Stopped."
        " It has 3 open positions that nothing manages."
    )
    assert alert["annotations"]["runbook_url"].endswith(f"/docs/runbooks.md#{STOPPED.lower()}")


def test_it_is_told_once_and_resolved_when_the_algorithm_runs_again(account: Watched) -> None:
    first, second = account.world.project_ids[1:3]
    account.world.start(first)
    # Meanwhile another one stops: a message of its own.
    account.world.stop(second)
    eventually(
        lambda: bool(account.receiver.received(STOPPED, status="resolved")),
        "the first is resolved",
        seconds=SECONDS,
    )
    eventually(
        lambda: len(account.receiver.received(STOPPED, status="firing")) == 2,
        "the second is told",
        seconds=SECONDS,
    )
    (resolved,) = account.receiver.received(STOPPED, status="resolved")
    assert resolved.receiver == "pager"
    assert resolved.about("project_id") == [str(first)]
    told = [
        each.about("project_id") for each in account.receiver.received(STOPPED, status="firing")
    ]
    assert told == [[str(first)], [str(second)]]


def test_an_exporter_that_is_down_is_one_page_and_silences_the_rest(account: Watched) -> None:
    before = account.pages()
    assert account.firing(STOPPED)
    assert account.exporter.stop(signal.SIGKILL) == -signal.SIGKILL
    eventually(lambda: bool(account.receiver.received(DOWN)), "it is told", seconds=SECONDS)
    (page,) = account.receiver.received(DOWN)
    (alert,) = page.alerts
    assert (page.receiver, page.status) == ("pager", "firing")
    assert alert["labels"] == {
        "alertname": DOWN,
        "severity": "critical",
        "job": "quantconnect",
        "instance": account.exporter.address,
        "scope": "job",
    }
    assert "no other exporter of this job answers" in alert["annotations"]["description"]
    # What was firing before, and what follows from it, is there but tells nobody.
    eventually(
        lambda: account.silenced("QuantConnectExporterAbsent", by=DOWN) == 1,
        "that no exporter is there follows from it",
        seconds=SECONDS,
    )
    assert account.pages() == [*before, ({DOWN}, "firing")]


def test_an_exporter_that_is_back_resolves_it(account: Watched) -> None:
    account.exporter.start()
    eventually(
        lambda: bool(account.receiver.received(DOWN, status="resolved")),
        "it is resolved",
        seconds=SECONDS,
    )
    assert len(account.receiver.received(DOWN)) == 2
    assert not account.receiver.received("QuantConnectExporterAbsent")
