"""The projects of an account: answers in any order, and what is published then."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

import pytest

from exporter.poller import Shard
from exporter.poller.discovery import Claims
from exporter.poller.project import NAME_PENDING, STARTED, STOPPED
from exporter.poller.projects import CALLED_BY_ID, CANNOT_MATCH, DISCOVERED, FORGOTTEN, NAMED
from exporter.poller.record import READ_FAILED, UNREAD
from exporter.quantconnect.errors import ApiError, Reason
from exporter.sources.portfolio import PORTFOLIO
from exporter.sources.projects import DESCRIPTION, Description, Page
from exporter.sources.statistics import STATISTICS
from exporter.sources.status import STATUS, Listing, Status
from exporter.store import Store

from .account import DOWN, Account
from .account import configured as config
from .given import Time, config_of, deployment_of, said

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.sources.source import Source

DAY = 86_400.0


def running(name: str, project_id: int, status: str = "Running") -> str:
    labels = f'account="main",project="{name}",project_id="{project_id}",status="{status}"'
    return f"live_status{{{labels}"


def names(account: Account) -> dict[int, str]:
    return {id_: report.name for id_, report in account.reports().items()}


def states(account: Account) -> dict[int, str]:
    return {id_: report.state for id_, report in account.reports().items()}


def due(account: Account, source: Source[Any], project_id: int = 1) -> float:
    """When a task comes; infinity if it does not."""
    return account.task(source, project_id).due


def nameless(account: Account, project_id: int = 1) -> None:
    """The name cannot be had, three times."""
    for _ in range(3):
        account.fails(DESCRIPTION, project_id=project_id)


# --- Names ----------------------------------------------------------------------------------------


def test_without_a_configured_name_nothing_is_published_before_it_is_known(tmp_path: Path) -> None:
    account = Account(config(tmp_path, "projects: [{id: 1}]"))
    account.lists(1)
    assert states(account) == {1: NAME_PENDING}
    assert not account.store.snapshots()
    assert due(account, PORTFOLIO) == inf
    account.time.passes(1.0)
    account.names(_1="Live/One", _2="Another")
    assert names(account) == {1: "Live/One"}
    assert account.value(running("Live/One", 1)) == 1  # the list that was read before
    assert due(account, PORTFOLIO) == 1.0
    account.names(_1="Renamed since")
    assert names(account) == {1: "Live/One"}


def test_only_a_project_that_is_not_listed_is_asked_for_its_name(tmp_path: Path) -> None:
    account = Account(config(tmp_path, "projects: [{id: 1}, {id: 2}]"))
    assert due(account, DESCRIPTION, 1) == due(account, DESCRIPTION, 2) == inf
    account.names(_1="One")
    assert due(account, DESCRIPTION, 1) == inf
    assert due(account, DESCRIPTION, 2) == 0.0
    account.named(2, "Two")
    assert names(account) == {1: "One", 2: "Two"}


def test_a_name_may_come_with_a_later_page(tmp_path: Path) -> None:
    account = Account(config(tmp_path, "projects: [{id: 9000}]"))
    listing = account.projects.account_tasks["names"]
    page = tuple(Description(number, f"P{number}", None) for number in range(1, 5001))
    account.tells(listing, Page(page, 5000, ()))
    assert due(account, DESCRIPTION, 9000) == inf
    account.tells(listing, Page((Description(9000, "The last", None),), 1, ()))
    assert names(account) == {9000: "The last"}


def test_names_that_cannot_be_listed_are_asked_for_one_by_one(tmp_path: Path) -> None:
    account = Account(config(tmp_path, "projects: [{id: 1}]"))
    listing = account.projects.account_tasks["names"]
    for _ in range(2):
        account.tells(listing, DOWN)
        assert due(account, DESCRIPTION) == inf
    account.tells(listing, DOWN)
    assert due(account, DESCRIPTION) == 0.0


def test_names_come_page_by_page_and_in_smaller_pages_where_one_is_too_large(
    tmp_path: Path,
) -> None:
    account = Account(config(tmp_path, "projects: [{id: 1}, {id: 9000}]"))
    listing = account.projects.account_tasks["names"]

    def asked() -> tuple[object, object]:
        parameters = account.projects.request(listing).parameters
        return parameters["start"], parameters["end"]

    assert asked() == (0, 5000)
    account.tells(listing, ApiError(Reason.TOO_LARGE, "more than 16 MB"))
    assert asked() == (0, 2500)
    for _ in range(9):
        account.tells(listing, ApiError(Reason.TIMEOUT, "no complete answer"))
    assert asked() == (0, 50)
    page = tuple(Description(number, f"P{number}", None) for number in range(1, 51))
    account.tells(listing, Page(page, 50, ()))
    assert asked() == (50, 100)
    assert listing.due == 0.0
    assert names(account)[1] == "P1"
    # A server that does not know windows sends the same again: no reason to ask for ever.
    account.tells(listing, Page(page, 50, ()))
    assert asked() == (0, 50)
    assert listing.due > 0
    assert due(account, DESCRIPTION, 9000) == 0.0


def test_a_name_that_cannot_be_had_is_the_id(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    account = Account(config(tmp_path, "projects: [{id: 1}]"))
    account.names()
    nameless(account)
    assert names(account) == {1: "1"}
    assert len(said(caplog, CALLED_BY_ID)) == 1
    account.named(1, "Too late")
    assert names(account) == {1: "1"}  # until a reload


def test_a_project_that_is_called_by_its_id_gets_its_name_after_a_reload(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "exporter")
    text = "projects: [{id: 1}]"
    account = Account(config(tmp_path, text))
    account.names()
    account.lists(1)
    nameless(account)
    account.reload(config(tmp_path, text))
    assert due(account, DESCRIPTION) < inf
    assert account.value(running("1", 1)) == 1  # it is read as before meanwhile
    nameless(account)
    assert names(account) == {1: "1"}
    account.named(1, "One")
    assert names(account) == {1: "One"}
    assert account.value(running("One", 1)) == 1
    assert account.value(running("1", 1)) is None
    assert len(said(caplog, NAMED)) == 1
    account.named(1, "Renamed since")
    assert names(account) == {1: "One"}


def test_a_name_that_is_configured_takes_the_place_of_an_id(tmp_path: Path) -> None:
    account = Account(config(tmp_path, "projects: [{id: 1}]"))
    account.names()
    nameless(account)
    account.reload(config(tmp_path, "projects: [{id: 1, name: Mine}]"))
    account.named(1, "Theirs")
    assert names(account) == {1: "Mine"}


def test_auto_restart_comes_with_the_names_and_ages_by_their_interval(tmp_path: Path) -> None:
    account = Account(config(tmp_path, "projects: [{id: 1, name: One}, {id: 2, name: Two}]"))
    listing = account.projects.account_tasks["names"]
    first = Description(1, "One", auto_restart=True)
    account.tells(listing, Page((first,), 1, ()))
    restart = 'project_auto_restart{account="main",project="One",project_id="1"'
    assert account.value(restart) == 1
    assert due(account, DESCRIPTION, 1) == inf
    assert due(account, DESCRIPTION, 2) == 0.0  # which no listing has
    account.time.passes(3 * 3600.0 - 1)
    assert account.value(restart) == 1
    account.time.passes(1)
    assert account.value(restart) is None
    assert not [line for line in account.lines(but="nothing") if 'source="project"' in line]


# --- Status ---------------------------------------------------------------------------------------


@pytest.fixture
def one(tmp_path: Path) -> Account:
    return Account(config(tmp_path, "projects: [{id: 1, name: One}]"))


def test_only_its_own_answer_says_what_became_of_a_project(one: Account) -> None:
    one.lists(1)
    one.time.passes(60.0)
    one.lists()
    assert one.value(running("One", 1)) == 1
    assert due(one, STATUS) == 60.0
    one.status(status="RuntimeError", error="boom")
    assert one.value(running("One", 1)) == 0
    assert one.value(running("One", 1, "RuntimeError")) == 1
    interval = 'read_interval_seconds{account="main",project="One",project_id="1",source='
    assert one.value(f'{interval}"portfolio"') == one.value(f'{interval}"status"') == 300
    assert one.value(f'{interval}"statistics"') == 1500


def test_a_project_that_stops_or_starts_is_read_at_once(one: Account) -> None:
    one.lists(1)
    one.reads()
    one.statistics()
    one.time.passes(20.0)
    one.status(status="Stopped")
    assert due(one, PORTFOLIO) == due(one, STATISTICS) == 20.0
    one.reads()
    one.statistics()
    assert due(one, PORTFOLIO) == 320.0
    one.time.passes(80.0)
    one.lists()
    assert due(one, STATUS) == 320.0  # it is known not to run: no hurry
    one.lists(1)
    assert due(one, STATUS) == inf
    assert due(one, PORTFOLIO) == 100.0


def test_a_status_that_fails_backs_off_whatever_the_list_says(one: Account) -> None:
    one.lists(1)
    one.lists()
    one.fails(STATUS)
    waits = due(one, STATUS)
    assert waits < inf
    one.lists()
    assert due(one, STATUS) == waits
    one.lists(1)
    assert due(one, STATUS) == inf
    assert one.task(STATUS).failures == 0


def test_a_project_that_stops_is_logged_once(
    one: Account, caplog: pytest.LogCaptureFixture
) -> None:
    one.lists(1)
    for _ in range(2):
        one.status(status="RuntimeError", error="boom")
    [entry] = said(caplog, STOPPED)
    assert (entry["status"], entry["error"]) == ("RuntimeError", "boom")


def test_an_answer_that_was_asked_for_earlier_is_not_news(one: Account) -> None:
    one.lists(1, asked=10.0)
    one.lists(deployment_of(deployId="L-2"), asked=20.0)  # which a slow answer doesn't know
    one.status(status="Stopped", asked=15.0)
    assert one.value(running("One", 1)) == 1
    one.status(status="Stopped", asked=30.0)
    one.lists(1, asked=25.0)
    assert one.value(running("One", 1)) == 0
    one.lists(1, asked=40.0)
    assert one.value(running("One", 1)) == 1


def test_never_deployed(one: Account) -> None:
    one.lists()
    one.tells(one.task(STATUS), Status(None))
    assert states(one) == {1: "never deployed"}
    success = 'read_success{account="main",project="One",project_id="1",source="status"'
    assert one.value(success) == 1
    assert one.value("live_info") is None


def test_a_failed_list_concerns_the_projects_that_are_thought_to_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    account = Account(config(tmp_path, "projects: [{id: 1, name: One}, {id: 2, name: Two}]"))
    account.lists(1)
    account.status(2, status="Stopped")
    account.tells(account.projects.account_tasks["running"], DOWN)
    success = 'read_success{{account="main",project="{}",project_id="{}",source="status"'
    assert account.value(success.format("One", 1)) == 0
    assert account.value(success.format("Two", 2)) == 1
    assert account.value(running("One", 1)) == 1
    assert not said(caplog, READ_FAILED)


def test_an_answer_about_a_project_that_is_gone_has_no_effect(
    one: Account, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    task = one.task(PORTFOLIO)
    one.reload(config(tmp_path, "projects: [{id: 2, name: Two}]"))
    for answer in (DOWN, Status(None)):
        one.tells(task, answer)
    assert names(one) == {2: "Two"}
    assert one.failures("http_5xx") == 1  # a call was made, and failed
    assert not said(caplog, READ_FAILED)


def test_complete_when_everything_was_tried(one: Account) -> None:
    assert not one.projects.is_ready()
    one.fails()
    assert one.projects.is_ready()
    assert not one.projects.is_complete()
    one.tells(one.projects.account_tasks["running"], DOWN)
    one.fails(STATISTICS)
    assert one.projects.is_complete()


# --- Discovery ------------------------------------------------------------------------------------

DISCOVER = "discover: {enabled: true, include: 'Live/.*', exclude: '.*test', forget_after: 7d}"


@pytest.fixture
def found(tmp_path: Path) -> Account:
    return Account(config(tmp_path, DISCOVER))


def test_a_live_project_is_read_if_its_name_matches(found: Account) -> None:
    assert not found.projects.is_ready()
    found.lists(1, 2, 3)
    assert names(found) == {}
    found.names(_1="Live/One", _2="Research/Two", _3="Live/a test")
    assert names(found) == {1: "Live/One"}
    assert found.value(running("Live/One", 1)) == 1
    found.lists(1, 2, 3)
    assert names(found) == {1: "Live/One"}
    assert found.poller.report().left_out == {2: "Research/Two", 3: "Live/a test"}


def test_a_project_whose_name_was_listed_before_is_read_at_once(found: Account) -> None:
    found.lists()
    found.names(_1="Live/One", _2="Research/Two")
    found.lists(1, 2, 3)
    assert names(found) == {1: "Live/One"}
    assert due(found, DESCRIPTION, 3) < inf
    assert found.projects.get(2) is None


def test_a_failed_list_keeps_the_last_set(found: Account) -> None:
    found.lists(1)
    found.names(_1="Live/One")
    for _ in range(20):
        found.time.passes(DAY)
        for name in ("running", "Stopped", "RuntimeError", "Liquidated"):
            found.tells(found.projects.account_tasks[name], DOWN)
    assert names(found) == {1: "Live/One"}


def test_a_failed_first_listing_is_a_try(found: Account) -> None:
    for name in ("running", "Stopped", "RuntimeError", "Liquidated"):
        assert not found.projects.is_complete()
        found.tells(found.projects.account_tasks[name], DOWN)
    assert found.projects.is_complete()


def test_a_stopped_project_is_forgotten_after_a_while(
    found: Account, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "exporter")
    found.lists(1)
    found.names(_1="Live/One")
    assert len(said(caplog, DISCOVERED)) == 1
    found.lists()
    found.status(status="Stopped", stopped="2026-11-18 11:06:40")
    found.time.passes(7 * DAY - 5)
    found.lists()
    assert states(found) == {1: "not known (was Stopped)"}
    found.time.passes(5)
    found.lists()
    assert names(found) == {}
    assert found.schedule.demand == pytest.approx(1 / 60)
    assert len(said(caplog, FORGOTTEN)) == 1
    found.lists(1)
    assert names(found) == {1: "Live/One"}


def test_a_project_that_was_deployed_once_is_never_one_that_was_not(
    found: Account, caplog: pytest.LogCaptureFixture
) -> None:
    """A list with a hole in it would silence every alert of the project."""
    caplog.set_level("INFO", "exporter")
    found.lists(1)
    found.names(_1="Live/One")
    found.lists()
    found.tells(found.task(STATUS), Status(None))
    [failed] = said(caplog, READ_FAILED)
    assert failed["reason"] == "malformed"
    assert "project 1, which had one before" in failed["error"]
    assert states(found) == {1: "Running"}
    found.status(status="Runtime Error", error="it broke")
    [warning] = said(caplog, STOPPED)
    assert (warning["project"], warning["error"]) == ("Live/One", "it broke")
    found.lists(1)
    found.lists(1)
    [info] = said(caplog, STARTED)
    assert info["project"] == "Live/One"


def test_a_project_that_stopped_lately_is_found_too(found: Account) -> None:
    stopped = {"status": "Stopped", "launched": "2026-10-01 10:00:00"}
    lately = deployment_of(1, **stopped, stopped="2026-11-12 10:00:00")
    long_ago = deployment_of(2, **stopped, stopped="2026-11-01 10:00:00")
    no_dates = deployment_of(3, status="Stopped", launched=None)
    found.lists()
    found.names(_1="Live/One", _2="Live/Two", _3="Live/Three")
    ended = found.projects.account_tasks["Stopped"]
    assert found.projects.request(ended).parameters == {"status": "Stopped"}
    found.tells(ended, Listing((lately, long_ago, no_dates), ()))
    assert names(found) == {1: "Live/One"}
    assert due(found, STATUS, 1) == 0.0


def test_without_discovery_other_deployments_are_of_no_interest(one: Account) -> None:
    one.lists(1, 7)
    assert names(one) == {1: "One"}
    assert one.projects.account_tasks["Stopped"].due == inf


def test_live_projects_that_are_not_read_are_named_once(
    one: Account, caplog: pytest.LogCaptureFixture
) -> None:
    one.lists(1, 7, 8)
    assert not said(caplog, UNREAD)  # their names come in a moment
    one.names(_1="One", _7="Seven")
    assert one.own("account_unread_live_projects", account="main") == 2
    [warning] = said(caplog, UNREAD)
    assert warning["projects"] == "7 (Seven), 8"
    one.lists(1, 7, 8)
    assert len(said(caplog, UNREAD)) == 1
    one.lists(1, *range(100, 130))
    assert said(caplog, UNREAD)[-1]["projects"].endswith("109 and 20 more")
    one.lists(1)
    assert one.own("account_unread_live_projects", account="main") == 0
    assert one.poller.report().unread == {}


def test_projects_that_patterns_leave_out_on_purpose_are_not_unread(found: Account) -> None:
    found.lists(1, 2)
    found.names(_1="Live/One", _2="Research/Two")
    assert found.own("account_unread_live_projects", account="main") == 0


def test_a_name_that_has_to_match_is_asked_for_until_it_is_had(
    found: Account, caplog: pytest.LogCaptureFixture
) -> None:
    found.lists(1)
    found.names()
    nameless(found)
    assert len(said(caplog, CANNOT_MATCH)) == 1
    assert due(found, DESCRIPTION) < inf
    assert names(found) == {}
    for name in ("Stopped", "RuntimeError", "Liquidated"):
        found.tells(found.projects.account_tasks[name], Listing((), ()))
    assert found.projects.is_complete()  # it was tried
    found.named(1, "Live/One")
    assert names(found) == {1: "Live/One"}


def test_where_any_name_will_do_so_will_the_id(tmp_path: Path) -> None:
    account = Account(config(tmp_path, "discover: {enabled: true}"))
    account.lists(1)
    account.names()
    nameless(account)
    assert names(account) == {1: "1"}


def test_configured_projects_are_there_whatever_runs_and_is_called(tmp_path: Path) -> None:
    account = Account(config(tmp_path, f"{DISCOVER}, projects: [{{id: 1}}]"))
    account.lists()
    account.names(_1="Research/One")
    account.lists()
    assert names(account) == {1: "Research/One"}


# --- Shards and several accounts ------------------------------------------------------------------


def test_a_shard_reads_its_share_of_what_is_configured_and_discovered(tmp_path: Path) -> None:
    text = "discover: {enabled: true}, projects: [{id: 10, name: A}, {id: 11, name: B}]"
    shards = [Account(config(tmp_path, text), owns=Shard(index, 3).owns) for index in range(3)]
    for shard in shards:
        shard.names(_12="12", _13="13")
        shard.lists(10, 11, 12, 13)
    assert [sorted(names(shard)) for shard in shards] == [[12], [10, 13], [11]]


def test_two_accounts_that_see_a_project_make_one_series(tmp_path: Path) -> None:
    claims, time = Claims(), Time()
    store = Store(time.clock)
    discovering = config(tmp_path, "discover: {enabled: true, forget_after: 0s}")
    other = config_of(
        tmp_path,
        "accounts: [{name: other, user_id: 2, api_token: t, discover: {enabled: true}}]",
    )
    first = Account(discovering, claims=claims, store=store, time=time)
    second = Account(other, claims=claims, store=store, time=time)
    for account in (first, second):
        account.names(_1="One")
        account.lists(1)
    assert [report.account for report in store.reports()] == ["main"]
    assert second.projects.get(1) is None
    first.lists()  # whatever the reason, the first account does not see it any more
    second.lists(1)
    assert [report.account for report in store.reports()] == ["other"]


def test_a_project_that_another_account_lists_is_not_discovered_here(tmp_path: Path) -> None:
    text = config(tmp_path, "discover: {enabled: true}")
    account = Account(text, elsewhere=frozenset({1}))
    account.names(_1="One", _2="Two")
    account.lists(1, 2)
    assert names(account) == {2: "Two"}
    account.reload(text, elsewhere=frozenset({2}))
    account.lists(1, 2)
    assert names(account) == {1: "One"}


# --- Another configuration ------------------------------------------------------------------------


def test_a_reload_keeps_what_it_leaves_as_it_was(tmp_path: Path) -> None:
    text = "projects: [{id: 1, name: One}, {id: 2}, {id: 3}]"
    account = Account(config(tmp_path, text))
    account.lists(1, 2)
    account.names(_2="Two")
    account.reads()
    before = account.lines(but="nothing")
    keys = [(source, id_) for id_ in (1, 2, 3) for source in (PORTFOLIO, STATUS)]
    dues = [due(account, *key) for key in keys]
    account.time.passes(5.0)
    account.reload(config(tmp_path, text))
    assert account.lines(but="nothing") == before
    assert [due(account, *key) for key in keys] == dues
    assert states(account)[3] == NAME_PENDING


def test_projects_come_and_go(tmp_path: Path) -> None:
    account = Account(config(tmp_path, "projects: [{id: 1, name: One}, {id: 2}]"))
    account.lists(1, 2, 3)
    account.reads()
    account.time.passes(10.0)
    account.reload(config(tmp_path, "projects: [{id: 3, name: Three}]"))
    assert names(account) == {3: "Three"}
    assert account.value("holdings") is None
    assert due(account, PORTFOLIO, 3) == 10.0
    assert account.projects.account_tasks["running"].due == 10.0  # which may have the new one
    account.reload(config(tmp_path, "projects: [{id: 1, name: One}]"))
    assert names(account) == {1: "One"}
    assert account.value("holdings") is None


def test_names_that_change_by_configuration(tmp_path: Path) -> None:
    text = "projects: [{id: 1, name: One}, {id: 2}, {id: 3}]"
    account = Account(config(tmp_path, text))
    account.names(_2="Two")
    account.reads()
    account.reads(project_id=2)
    text = "projects: [{id: 1}, {id: 2, name: Zwei}, {id: 3, name: Drei}]"
    account.reload(config(tmp_path, text))
    # The first has to be asked for its name again; the third need not be asked any more.
    assert names(account) == {1: "", 2: "Zwei", 3: "Drei"}
    assert due(account, DESCRIPTION, 1) == 0.0
    assert account.value('holdings{account="main",project="Zwei",project_id="2"') == 1
    account.named(1, "One")
    account.named(3, "Three")
    assert names(account) == {1: "One", 2: "Zwei", 3: "Drei"}


def test_intervals_and_sources_that_change_by_configuration(tmp_path: Path) -> None:
    text = "projects: [{id: 1, name: One}]"
    account = Account(config(tmp_path, text))
    account.lists(1)
    rest = "scrape_interval: 30s\nstatus_interval: 0s\nstatistics_interval: 0s"
    account.reload(config(tmp_path, text, rest))
    interval = 'read_interval_seconds{account="main",project="One",project_id="1",source='
    assert account.value(f'{interval}"portfolio"') == 30
    assert account.value(f'{interval}"status"') is account.value(f'{interval}"statistics"') is None
    assert states(account) == {1: "not known yet"}
    assert account.projects.account_tasks["running"].due == inf
    account.reload(config(tmp_path, text))
    assert account.value(f'{interval}"status"') == 60
    assert states(account) == {1: "not known yet"}  # the last list says nothing any more


def test_discovery_that_changes_by_configuration(tmp_path: Path) -> None:
    account = Account(config(tmp_path, f"{DISCOVER}, projects: [{{id: 9, name: Nine}}]"))
    account.names(_1="Live/One", _2="Live/Two", _3="Other")
    account.lists(1, 2, 3, 9)
    assert set(names(account)) == {1, 2, 9}
    other = "discover: {enabled: true, exclude: Live/Two}, projects: [{id: 9, name: Nine}]"
    account.reload(config(tmp_path, other))
    assert set(names(account)) == {1, 9}
    account.lists(1, 2, 3, 9)
    assert set(names(account)) == {1, 3, 9}  # names are matched again
    account.reload(config(tmp_path, "projects: [{id: 9, name: Nine}]"))
    assert set(names(account)) == {9}
    account.reload(config(tmp_path, DISCOVER))
    assert names(account) == {}  # it was there because it was configured
    account.lists(1)
    assert set(names(account)) == {1, 2}  # the second stopped just now


def test_a_discovered_project_that_gets_configured_keeps_its_series(tmp_path: Path) -> None:
    account = Account(config(tmp_path, DISCOVER))
    account.names(_1="Live/One")
    account.lists(1)
    account.reads()
    text = f"{DISCOVER}, projects: [{{id: 1, limits: {{max_drawdown: 0.2}}}}]"
    account.reload(config(tmp_path, text))
    assert account.value('holdings{account="main",project="Live/One"') == 1
    assert account.value("project_limit") == 0.2


def test_a_reload_does_not_disturb_a_project_that_waits_for_its_name(tmp_path: Path) -> None:
    account = Account(config(tmp_path, DISCOVER))
    account.lists(1)
    account.names()
    account.time.passes(1.0)
    account.reload(config(tmp_path, DISCOVER))
    assert names(account) == {}
    assert due(account, DESCRIPTION) == 0.0
    account.named(1, "Live/One")
    assert names(account) == {1: "Live/One"}


def test_an_account_that_leaves_lets_go_of_everything(tmp_path: Path) -> None:
    claims = Claims()
    account = Account(config(tmp_path, "projects: [{id: 1, name: A}, {id: 2}]"), claims=claims)
    account.poller.release(None, ())
    assert account.store.reports() == []
    assert claims.take(1, "another")
    assert not claims.take(1, "a third")


# --- What comes late, and what is switched off ----------------------------------------------------


def test_a_list_says_nothing_of_the_status_where_that_is_switched_off(tmp_path: Path) -> None:
    text = "projects: [{id: 1, name: One}]"
    account = Account(config(tmp_path, text))
    account.reload(config(tmp_path, text, "status_interval: 0s"))
    account.lists(1)  # asked for before
    assert account.families().isdisjoint({"live_status", "live_equity"})


def test_a_stop_is_news_where_no_statistics_are_read(tmp_path: Path) -> None:
    text = "projects: [{id: 1, name: One}]"
    account = Account(config(tmp_path, text, "statistics_interval: 0s"))
    account.lists(1)
    account.reads()
    account.time.passes(30)
    account.status(status="Stopped")
    assert due(account, PORTFOLIO) == account.time.monotonic


def test_an_answer_about_a_project_that_is_gone_publishes_nothing(tmp_path: Path) -> None:
    account = Account(config(tmp_path, "projects: [{id: 1, name: One}, {id: 2, name: Two}]"))
    late = account.task(PORTFOLIO, 2)
    account.reload(config(tmp_path, "projects: [{id: 1, name: One}]"))
    account.tells(late, DOWN)
    assert names(account) == {1: "One"}


def test_a_name_that_is_configured_stays_where_none_can_be_had(tmp_path: Path) -> None:
    account = Account(config(tmp_path, "projects: [{id: 1, name: One}]"))
    nameless(account)
    assert names(account) == {1: "One"}


def test_a_discovered_project_whose_name_leaves_it_out_is_gone_with_the_answer(
    tmp_path: Path,
) -> None:
    account = Account(config(tmp_path, DISCOVER))
    account.names()
    account.lists(1)
    account.named(1, "Other")
    assert names(account) == {}
