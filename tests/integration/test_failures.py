"""Single failures, each of an account of its own, and who is woken: exactly once, by one message.

Everything is real but QuantConnect: one exporter reads six accounts, each of its own simulator.
Prometheus has our rules and Alertmanager our configuration, their waits divided by QUICKEN.
"""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import yaml

from prometheus.stack import Prometheus, eventually, free_port
from tests.integration.exporter_process import ExporterProcess
from tests.integration.receiver import Receiver, telling
from tests.support import SimulatorServer, Status, generated_world
from tests.support.fault_answers import unauthorized

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.integration.receiver import Notification

pytestmark = [pytest.mark.needs_prometheus, pytest.mark.needs_alertmanager]

QUICKEN = 60  # 30 minutes are 30 seconds
SECONDS = 180.0
PROJECTS = 2
DOWN = "QuantConnectExporterDown"

PAGES = {
    "outage": {"QuantConnectAPIErrorsHigh"},
    "portfolios": {"QuantConnectAccountUnread"},
    "list": {"QuantConnectAccountUnread"},
    "project": {"QuantConnectPortfolioStale"},
    "token": {"QuantConnectAPIAuthenticationFailing"},
    "well": set[str](),
}
"""What wakes somebody, by the account to which it happens."""


@dataclass
class Fleet:
    """Six accounts, of which five have failed since a moment ago."""

    servers: dict[str, SimulatorServer]
    exporter: ExporterProcess
    prometheus: Prometheus
    receiver: Receiver

    def pages(self) -> list[Notification]:
        return self.receiver.received(receiver="pager")

    def woken(self) -> dict[str, list[set[str]]]:
        """The names of the alerts of each page, by the account that it is about.

        Without the repetition of a page after an hour, here a minute.
        """
        told = {
            tuple(sorted((each["fingerprint"], each["startsAt"]) for each in page.alerts)): page
            for page in self.pages()
        }
        woken: dict[str, list[set[str]]] = {}
        for page in told.values():
            (account,) = set(page.about("account"))
            woken.setdefault(account, []).append(page.names)
        return woken


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    directory = tmp_path_factory.mktemp("failures")
    with ExitStack() as stack:
        servers = {
            name: stack.enter_context(
                SimulatorServer(
                    generated_world(
                        projects=PROJECTS, holdings=2, first_id=30_000_001 + 1000 * number
                    )
                )
            )
            for number, name in enumerate(PAGES)
        }
        exporter = stack.enter_context(
            ExporterProcess(
                directory,
                f"--config.file={_configuration(directory, servers)}",
                address=f"127.0.0.1:{free_port()}",
            )
        )
        receiver = stack.enter_context(Receiver())
        told = stack.enter_context(telling(receiver, directory, exporter.address, quicken=QUICKEN))
        prometheus = told.prometheus
        eventually(
            lambda: (
                len(prometheus.query("project:quantconnect_holdings:known"))
                == PROJECTS * len(servers)
            ),
            "the rules see every project",
            seconds=SECONDS,
        )
        servers["outage"].faults.add(Status(503))
        servers["portfolios"].faults.add(Status(500), endpoint="live/portfolio/read")
        servers["list"].faults.add(Status(500), endpoint="live/list")
        servers["project"].faults.add(
            Status(500),
            endpoint="live/portfolio/read",
            project_id=servers["project"].world.project_ids[0],
        )
        servers["token"].faults.add(unauthorized())
        yield Fleet(servers, exporter, prometheus, receiver)


def _configuration(directory: Path, servers: dict[str, SimulatorServer]) -> Path:
    document = {
        "scrape_interval": "1s",
        "status_interval": "1s",
        "statistics_interval": "5s",
        "accounts": [
            {
                "name": name,
                "user_id": 1,
                "api_token": "demo",
                "base_url": server.base_url,
                "requests_per_minute": 60_000,
                "projects": [{"id": project_id} for project_id in server.world.project_ids],
            }
            for name, server in servers.items()
        ],
    }
    file = directory / "quantconnect.yaml"
    file.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return file


def test_each_failure_wakes_somebody_exactly_once(fleet: Fleet) -> None:
    expected = {account: [names] for account, names in PAGES.items() if names}
    eventually(lambda: fleet.woken().keys() >= expected.keys(), "each is told", seconds=SECONDS)
    assert fleet.woken() == expected


def test_the_page_says_what_is_not_read(fleet: Fleet) -> None:
    source = {
        page.alerts[0]["labels"]["account"]: page.about("source")
        for page in fleet.pages()
        if page.names == {"QuantConnectAccountUnread"}
    }
    assert source == {"portfolios": ["portfolio"], "list": ["status"]}


def test_a_scrape_that_fails_wakes_somebody_once_and_silences_the_rest(fleet: Fleet) -> None:
    """The exporter hangs: Prometheus's connections are accepted and never answered."""
    process_id = fleet.exporter.process_id
    os.kill(process_id, signal.SIGSTOP)
    try:
        eventually(lambda: bool(fleet.receiver.received(DOWN)), "it is told", seconds=SECONDS)
        assert [page.receiver for page in fleet.receiver.received(DOWN)] == ["pager"]
    finally:
        os.kill(process_id, signal.SIGCONT)


def test_the_watchdog_beats_all_along(fleet: Fleet) -> None:
    """Prometheus sends it again after a minute, if Alertmanager was not there the first time."""
    eventually(
        lambda: len(fleet.receiver.received(receiver="heartbeat")) > 2, "it beats", seconds=SECONDS
    )
    beats = fleet.receiver.received(receiver="heartbeat")
    assert all(beat.names == {"QuantConnectWatchdog"} for beat in beats)
