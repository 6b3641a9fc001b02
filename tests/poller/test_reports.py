"""What people are told of an account and of a project, for the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import Status
from tests.support.fault_answers import too_many_requests

from .account import Account
from .account import configured as account_configured
from .given import eventually
from .live import Live, account, configured, eventually_read, live, projects, quick

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.config import Config
    from exporter.store import AccountReport
    from tests.support import SimulatorServer


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
    text = "projects: [{id: 1, name: One}]"
    one = Account(account_configured(tmp_path, text, "status_interval: 2m"))
    one.reads()
    one.status(status="RuntimeError", error="KeyError")

    def told() -> tuple[int | None, str, str]:
        report = one.reports()[1]
        return (report.positions, report.state, report.error)

    one.time.passes(899)
    assert told() == (1, "RuntimeError", "KeyError")
    assert one.value("holdings{") == 1
    one.time.passes(1)  # stale_after
    assert told() == (None, "RuntimeError", "KeyError")
    assert one.value("holdings{") is None
    one.time.passes(900)  # three of the intervals of a project that does not run
    assert told() == (None, "not known (was RuntimeError)", "KeyError")
    assert one.value("live_status{") is None
