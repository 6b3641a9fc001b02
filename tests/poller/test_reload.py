"""Another configuration for a poller that runs."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from exporter.config import ConfigError
from exporter.poller.account import STILL_WAITING
from exporter.poller.record import REJECTED
from tests.support import Delay, SimulatorServer, Stall, given_world

from .given import answer_of, eventually, said
from .live import account, configured, eventually_complete, eventually_read, live, projects, quick

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PORTFOLIO = "live/portfolio/read"


@pytest.fixture
def another() -> Iterator[SimulatorServer]:
    """Another account's QuantConnect, which sees projects 1 and 2 as well."""
    answers = {number: answer_of(quantity=10 * number) for number in (1, 2)}
    with SimulatorServer(given_world(answers, names={1: "P1", 2: "P2"})) as server:
        yield server


def test_projects_come_and_go_and_the_others_do_not_notice(
    tmp_path: Path, server: SimulatorServer
) -> None:
    # At the slow pace of a real configuration: a project that begins anew would be asked again.
    slow = {"interval": 60.0, "status_interval": 60.0, "statistics_interval": 0.0}
    first = quick(configured(tmp_path, account(server, projects(1, 2))), **slow)
    second = quick(configured(tmp_path, account(server, projects(2, 3))), **slow)
    with live(first) as running:
        eventually_complete(running)
        # The names come last: complete is what needs none.
        eventually(lambda: "project_auto_restart{" in "".join(running.numbers(2)))
        before = running.numbers(2)
        running.poller.reload(second)
        assert [report.project_id for report in running.store.reports()] == [2, 3]
        assert running.numbers(2) == before
        eventually_complete(running)
        running.poller.reload(first)
        eventually_complete(running)
        assert len(server.requests.of(PORTFOLIO, 2)) == 1
        assert len(server.requests.of(PORTFOLIO, 1)) == 2
        assert len(server.requests.of("authenticate")) == 1


def test_another_pace_counts_from_now(tmp_path: Path, server: SimulatorServer) -> None:
    text = account(server, projects(1))
    with live(quick(configured(tmp_path, text), interval=3600.0)) as running:
        eventually_complete(running)
        faster = quick(configured(tmp_path, text), interval=0.05, requests_per_minute=30_000.0)
        running.poller.reload(faster)
        server.requests.wait_for(3, PORTFOLIO, 1)
        assert running.own('api_request_budget_per_second{account="main"}') == 500
        assert (
            running.value(
                'read_interval_seconds{account="main",project="P1",project_id="1",source="p'
            )
            == 0.05
        )


def test_a_project_moves_to_another_account(
    tmp_path: Path, server: SimulatorServer, another: SimulatorServer
) -> None:
    before = quick(
        configured(
            tmp_path,
            account(server, projects(1, 3)),
            account(another, projects(2), name="other"),
        )
    )
    after = quick(
        configured(
            tmp_path,
            account(server, projects(3)),
            account(another, projects(1, 2), name="other"),
        )
    )
    with live(before) as running:
        eventually_complete(running)
        assert running.value('holding_quantity{account="main",project="P1"') == 1
        running.poller.reload(after)
        eventually(lambda: running.value('holding_quantity{account="other",project="P1"') == 10)
        report = running.store.report(1)
        assert report is not None
        assert report.account == "other"
        running.poller.reload(before)
        eventually(lambda: running.value('holding_quantity{account="main",project="P1"') == 1)


def test_listing_a_project_in_one_account_ends_its_discovery_in_another(
    tmp_path: Path, server: SimulatorServer, another: SimulatorServer
) -> None:
    discovering = account(another, "discover: {enabled: true}", name="other")
    alone = quick(configured(tmp_path, discovering))
    both = quick(configured(tmp_path, account(server, projects(1)), discovering))
    with live(alone) as running:
        eventually(lambda: running.value('holding_quantity{account="other",project="P1"') == 10)
        running.poller.reload(both)
        eventually(lambda: running.value('holding_quantity{account="main",project="P1"') == 1)
        accounts = [report.account for report in running.store.reports()]
        assert accounts == ["main", "other"]


def test_an_account_leaves_and_comes_back(
    tmp_path: Path, server: SimulatorServer, another: SimulatorServer
) -> None:
    one = account(server, projects(3))
    both = quick(configured(tmp_path, one, account(another, projects(1), name="other")))
    alone = quick(configured(tmp_path, one))
    with live(both) as running:
        eventually_complete(running)
        before = threading.active_count()
        running.poller.reload(alone)
        assert [report.project_id for report in running.store.reports()] == [3]
        assert running.own('api_authenticated{account="other"}') is None
        assert threading.active_count() < before
        server.requests.wait_for(len(server.requests) + 10)  # what was sent before has arrived
        asked = len(another.requests)
        server.requests.wait_for(len(server.requests) + 10)
        assert len(another.requests) == asked
        running.poller.reload(both)
        eventually(lambda: running.success(1) == 1)
        assert running.own('api_authenticated{account="other"}') == 1


def test_a_project_that_leaves_while_it_is_read_is_not_published(
    tmp_path: Path, server: SimulatorServer
) -> None:
    server.faults.add(Delay(0.2), endpoint=PORTFOLIO, project_id=1)
    with live(quick(configured(tmp_path, account(server, projects(1, 2))))) as running:
        server.requests.wait_for(1, PORTFOLIO, 1)
        running.poller.reload(quick(configured(tmp_path, account(server, projects(2)))))
        eventually_complete(running)
        read = len(server.requests.of(PORTFOLIO, 2))
        server.requests.wait_for(read + 10, PORTFOLIO, 2)
        assert [report.project_id for report in running.store.reports()] == [2]
        assert len(server.requests.of(PORTFOLIO, 1)) == 1


def test_a_reload_ends_the_wait_after_a_rejection(
    tmp_path: Path, server: SimulatorServer, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = quick(configured(tmp_path, account(server, projects(1), token="api_token: wrong")))
    right = quick(configured(tmp_path, account(server, projects(1))))
    with live(wrong) as running:
        eventually(lambda: said(caplog, REJECTED))
        running.poller.reload(right)
        eventually(lambda: running.success(1) == 1)
        assert len(server.requests.of("authenticate")) == 2


def test_reloads_with_the_same_token_do_not_end_the_wait_each_time(
    tmp_path: Path, server: SimulatorServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Or whoever can ask for reloads could have the account locked out."""
    caplog.set_level("INFO", "exporter")
    wrong = quick(configured(tmp_path, account(server, projects(1), token="api_token: wrong")))
    right = quick(configured(tmp_path, account(server, projects(1))))
    with live(wrong) as running:
        eventually(lambda: said(caplog, REJECTED))
        running.poller.reload(wrong)
        eventually(lambda: len(said(caplog, REJECTED)) == 2)
        for _ in range(20):
            running.poller.reload(wrong)
        assert len(said(caplog, STILL_WAITING)) == 20
        assert len(server.requests.of("authenticate")) == 2
        running.poller.reload(right)
        eventually(lambda: running.success(1) == 1)
        assert len(server.requests.of("authenticate")) == 3


def test_a_reload_while_the_account_is_being_tried_says_nothing_of_a_wait(
    tmp_path: Path, server: SimulatorServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "exporter")
    wrong = quick(configured(tmp_path, account(server, projects(1), token="api_token: wrong")))
    with live(wrong) as running:
        eventually(lambda: said(caplog, REJECTED))
        server.faults.add(Stall(None), endpoint="authenticate")
        running.poller.reload(wrong)
        server.requests.wait_for(2, "authenticate")
        running.poller.reload(wrong)
        assert not said(caplog, STILL_WAITING)


def test_an_account_with_another_name_goes_on(
    tmp_path: Path, server: SimulatorServer, another: SimulatorServer
) -> None:
    """As the only one has to when a second one comes."""
    text = projects(3)
    unnamed = quick(configured(tmp_path, account(server, text, name="only")))
    both = (account(server, text, name="one"), account(another, projects(1), name="two"))
    named = quick(configured(tmp_path, *both))
    with live(unnamed) as running:
        eventually_complete(running)
        running.poller.reload(named)
        assert running.value('holding_quantity{account="one",project="P3"') == 3
        assert running.value('project_info{account="one",project="P3"') == 1
        assert running.own('api_authenticated{account="only"}') is None
        eventually(lambda: running.own('api_authenticated{account="one"}') == 1)
        eventually(lambda: running.success(1) == 1)
        assert len(server.requests.of("authenticate")) == 1
        swapped = (account(server, text, name="two"), account(another, projects(1), name="one"))
        running.poller.reload(quick(configured(tmp_path, *swapped)))
        assert running.value('project_info{account="two",project="P3"') == 1
        assert running.value('project_info{account="one",project="P1"') == 1
        eventually(lambda: running.own('api_authenticated{account="one"}') == 1)
        eventually(lambda: running.own('api_authenticated{account="two"}') == 1)


def test_without_a_thread_for_a_new_account_nothing_changes(
    tmp_path: Path,
    server: SimulatorServer,
    another: SimulatorServer,
) -> None:
    class NoThread(threading.Thread):
        room = True

        def start(self) -> None:
            if self.name.startswith("poller-") and not NoThread.room:
                raise RuntimeError("can't start new thread")
            super().start()

    alone = quick(configured(tmp_path, account(server, projects(3))))
    with live(alone, thread=NoThread) as running:
        eventually_complete(running)
        NoThread.room = False
        new = account(another, projects(1), name="other")
        after = quick(configured(tmp_path, account(server, projects(4)), new))
        with pytest.raises(RuntimeError, match="can't start new thread"):
            running.poller.reload(after)
        assert [report.project_id for report in running.store.reports()] == [3]
        assert running.own('api_authenticated{account="main"}') == 1
        assert running.own('api_authenticated{account="other"}') is None
        read = len(server.requests.of(PORTFOLIO, 3))
        server.requests.wait_for(read + 3, PORTFOLIO, 3)
        NoThread.room = True
        running.poller.reload(after)
        eventually(lambda: running.success(1) == 1)
        assert [report.project_id for report in running.store.reports()] == [1, 4]


def test_a_new_token_is_used_from_the_next_call_on(tmp_path: Path, server: SimulatorServer) -> None:
    with live(quick(configured(tmp_path, account(server, projects(1))))) as running:
        eventually_complete(running)
        server.world.token = "new"
        running.poller.reload(quick(configured(tmp_path, account(server, projects(1)))))
        asked = len(server.requests)
        server.requests.wait_for(asked + 20)
        good = [request for request in list(server.requests)[asked:] if request.authorised]
        assert len(good) > 10
        assert running.success(1) == 1


def test_a_new_token_that_is_wrong_shows_at_once(
    tmp_path: Path, server: SimulatorServer, caplog: pytest.LogCaptureFixture
) -> None:
    with live(quick(configured(tmp_path, account(server, projects(1))))) as running:
        eventually_complete(running)
        wrong = account(server, projects(1), token="api_token: wrong")
        running.poller.reload(quick(configured(tmp_path, wrong)))
        eventually(lambda: said(caplog, REJECTED))
        assert len(server.requests.of("authenticate")) == 2


def test_a_new_account_without_a_token_changes_nothing(
    tmp_path: Path, server: SimulatorServer, another: SimulatorServer
) -> None:
    file = tmp_path / "token"
    file.write_text("demo")
    new = account(another, projects(1), name="other", token=f"api_token_file: {file}")
    before = quick(configured(tmp_path, account(server, projects(3))))
    after = quick(configured(tmp_path, account(server, projects(4)), new))
    file.unlink()
    with live(before) as running:
        eventually_complete(running)
        with pytest.raises(ConfigError, match="holds the API token"):
            running.poller.reload(after)
        assert [report.project_id for report in running.store.reports()] == [3]
        read = len(server.requests.of(PORTFOLIO, 3))
        server.requests.wait_for(read + 3, PORTFOLIO, 3)
        assert not len(another.requests)


def test_an_account_that_leaves_while_its_calls_hang_does_not_hold_the_reload_up(
    tmp_path: Path, server: SimulatorServer, another: SimulatorServer
) -> None:
    another.faults.add(Stall(None), endpoint=PORTFOLIO)
    one = account(server, projects(3))
    both = configured(tmp_path, one, account(another, projects(1, 2), name="other"))
    with live(quick(both, request_timeout=60.0)) as running:
        another.requests.wait_for(2, PORTFOLIO)
        done = threading.Event()
        alone = quick(configured(tmp_path, one))

        def reload() -> None:
            running.poller.reload(alone)
            done.set()

        threading.Thread(target=reload).start()
        assert done.wait(30)  # half of what a call may last
        assert [report.project_id for report in running.store.reports()] == [3]


def test_once_ready_always_ready(tmp_path: Path, server: SimulatorServer) -> None:
    server.faults.add(Stall(None), project_id=2)
    with live(quick(configured(tmp_path, account(server, projects(1))))) as running:
        assert not running.poller.ready()
        eventually(running.poller.ready)
        running.poller.reload(quick(configured(tmp_path, account(server, projects(1, 2)))))
        assert not running.poller.complete()
        assert running.poller.ready()


@pytest.mark.unmeasured
def test_many_reloads_leave_nothing_behind(tmp_path: Path, server: SimulatorServer) -> None:
    configs = [
        quick(configured(tmp_path, account(server, projects(*ids))))
        for ids in ((1, 2, 3), (2, 3, 4), (3,), (1, 2, 3))
    ]
    with live(configs[-1]) as running:
        eventually_complete(running)
        for _ in range(50):
            for config in configs:
                running.poller.reload(config)
                assert running.value('holding_quantity{account="main",project="P3"') == 3
        eventually_read(running, 1, 2, 3)
        [report] = running.poller.accounts()
        assert report.needed_per_minute / 60 == pytest.approx(3 / 0.05 + 3 / 0.2 + 1 / 0.05)
