"""What people are told of an account and of a project, for the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.metrics.reading import Source
from exporter.poller.project import PublishedProject
from exporter.simulator import Status
from exporter.simulator.fault_answers import too_many_requests
from exporter.store import Store

from .given import Time, config_of, deployment_of, eventually, portfolio_of, value
from .live import Live, account, configured, eventually_read, live, projects, quick

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.config import Config
    from exporter.simulator import SimulatorServer
    from exporter.store import AccountReport


def main(directory: Path, server: SimulatorServer, *, token: str = "") -> Config:
    return quick(configured(directory, account(server, projects(1), token=token)))


def only(running: Live) -> AccountReport:
    (report,) = running.poller.accounts()
    return report


def test_one_that_was_not_asked_yet_and_one_that_is_accepted(
    tmp_path: Path, server: SimulatorServer
) -> None:
    running = Live(main(tmp_path, server))
    assert only(running).name == "main"
    assert only(running).state == "not asked yet"
    running.poller.stop()
    with live(main(tmp_path, server)) as running:
        eventually_read(running, 1)
        report = only(running)
        assert (report.state, report.error, report.next_try) == ("accepted", "", None)


def test_a_rejected_one_until_a_reload_mends_it(tmp_path: Path, server: SimulatorServer) -> None:
    with live(main(tmp_path, server, token="api_token: wrong")) as running:
        eventually(lambda: only(running).state == "rejected")
        report = only(running)
        assert report.error.startswith("auth: ")
        assert report.next_try is not None
        assert 880 < report.next_try - running.clock.now() <= 901
        running.poller.reload(main(tmp_path, server))
        eventually(lambda: only(running).state == "accepted")
        assert only(running).error == ""


def test_one_that_cannot_be_authenticated_for_now_waits(
    tmp_path: Path, server: SimulatorServer
) -> None:
    server.faults.add(Status(503), endpoint="authenticate")
    with live(main(tmp_path, server)) as running:
        eventually(lambda: only(running).state == "waiting")
        assert only(running).error.startswith("http_5xx: ")
        server.faults.clear()
        eventually(lambda: only(running).state == "accepted")
        assert only(running).error == ""


@pytest.mark.parametrize("endpoint", ["live/list", "live/portfolio/read"])
def test_one_that_asks_too_often_waits(
    tmp_path: Path, server: SimulatorServer, endpoint: str
) -> None:
    server.faults.add(too_many_requests("40"), endpoint=endpoint)
    with live(main(tmp_path, server)) as running:
        eventually(lambda: only(running).state == "waiting")
        report = only(running)
        assert report.error.startswith("rate_limit: ")
        assert report.next_try is not None
        assert 20 < report.next_try - running.clock.now() <= 41


def test_an_accepted_one_of_which_a_listing_fails(tmp_path: Path, server: SimulatorServer) -> None:
    server.faults.add(Status(503), endpoint="live/list")
    with live(main(tmp_path, server)) as running:
        eventually(lambda: only(running).error.startswith("http_5xx: "))
        assert only(running).state == "accepted"
        server.faults.clear()
        eventually(lambda: not only(running).error)


def test_what_a_single_project_fails_by_is_not_the_accounts(
    tmp_path: Path, server: SimulatorServer
) -> None:
    server.faults.add(Status(503), endpoint="live/portfolio/read")
    with live(main(tmp_path, server)) as running:
        eventually(lambda: running.success(1) == 0)
        assert (only(running).state, only(running).error) == ("accepted", "")


def test_a_projects_report_ages_as_its_samples_do(tmp_path: Path) -> None:
    text = "accounts: [{user_id: 1, api_token: t, projects: [{id: 1}]}]\n"
    config = config_of(tmp_path, text)
    time = Time()
    store = Store(time.clock)
    project = PublishedProject(
        config.accounts[0].projects[0],
        name="One",
        account="main",
        config=config,
        intervals={Source.PORTFOLIO: 60.0, Source.STATUS: 600.0},
        store=store,
        clock=time.clock,
    )
    project.portfolio(portfolio_of(), duration=0.1, interval=60.0)
    crashed = deployment_of(status="RuntimeError", error="KeyError")
    project.status(crashed, duration=0.1, interval=600.0, age=0.0)

    def told() -> tuple[int | None, str, str]:
        report = store.report(1)
        assert report is not None
        return (report.positions, report.state, report.error)

    time.passes(899)
    assert told() == (1, "RuntimeError", "KeyError")
    assert value(store.snapshots(), "quantconnect_holdings{") == 1
    time.passes(1)  # stale_after
    assert told() == (None, "RuntimeError", "KeyError")
    assert value(store.snapshots(), "quantconnect_holdings{") is None
    time.passes(900)  # three intervals
    assert told() == (None, "not known (was RuntimeError)", "KeyError")
    assert value(store.snapshots(), "quantconnect_live_status{") is None
