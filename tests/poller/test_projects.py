"""The projects of an account: what is told in which order, and what is published then."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from exporter.metrics.reading import Source
from exporter.poller import Shard
from exporter.poller.claims import Claims
from exporter.poller.pace import Pace
from exporter.poller.plan import Plan
from exporter.poller.projects import AccountProjects
from exporter.poller.queue import Kind, Task
from exporter.quantconnect.errors import ApiError, Reason
from exporter.store import Store

from .given import Time, config_of, deployment_of, portfolio_of, said, statistics_of, value

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from exporter.config import Config
    from exporter.quantconnect.model import Deployment

DOWN = ApiError(Reason.HTTP_5XX, "HTTP 503")
DAY = 86_400.0


def config(directory: Path, account: str, *, rest: str = "") -> Config:
    return config_of(
        directory, f"{rest}\naccounts: [{{name: main, user_id: 1, api_token: t, {account}}}]\n"
    )


class Account:
    """The projects of one account with their plan and store, without anything that runs."""

    def __init__(
        self,
        config: Config,
        *,
        claims: Claims | None = None,
        store: Store | None = None,
        time: Time | None = None,
        owns: Callable[[int], bool] = lambda _: True,
        elsewhere: frozenset[int] = frozenset(),
    ) -> None:
        self.time = time or Time()
        self.store = store or Store(self.time.clock)
        account = config.accounts[0]
        self.plan = Plan(self._pace(config), random=Random(1), now=0.0)
        self.projects = AccountProjects(
            account,
            config,
            plan=self.plan,
            claims=claims or Claims(),
            owns=owns,
            elsewhere=elsewhere,
            store=self.store,
            clock=self.time.clock,
        )

    @staticmethod
    def _pace(config: Config) -> Pace:
        discovers = config.accounts[0].discover is not None
        return Pace(1.0, config.status_interval, config.statistics_interval, discovers)

    def reload(self, config: Config, elsewhere: frozenset[int] = frozenset()) -> None:
        account = config.accounts[0]
        self.projects.release(account, elsewhere)
        self.plan.keep_pace(self._pace(config), self.time.monotonic)
        self.projects.configure(account, config)

    def lists(self, *running: Deployment | int) -> None:
        """live/list of what runs, asked a second ago."""
        found = [deployment_of(of) if isinstance(of, int) else of for of in running]
        asked = self.time.monotonic
        self.time.passes(1.0)
        self.projects.listed({each.project_id: each for each in found}, asked=asked)

    def reads(self, project_id: int, **keywords: Any) -> None:
        project = self.projects.published(project_id)
        assert project is not None
        project.portfolio(portfolio_of(**keywords), duration=0.1, interval=60.0)

    def status(self, project_id: int, **fields: Any) -> None:
        deployment = deployment_of(project_id, **fields)
        self.projects.status(project_id, deployment, asked=self.time.monotonic)

    def value(self, start: str) -> float | None:
        return value(self.store.snapshots(), f"quantconnect_{start}")

    def names(self) -> dict[int, str]:
        return {report.project_id: report.name for report in self.store.reports()}

    def states(self) -> dict[int, str]:
        return {report.project_id: report.state for report in self.store.reports()}

    def due(self, kind: Kind, project_id: int) -> float | None:
        return self.plan._queue.due(Task(kind, project_id))


def running(name: str, project_id: int, status: str = "Running") -> str:
    return f'live_status{{project="{name}",project_id="{project_id}",status="{status}"'


# --- Names ----------------------------------------------------------------------------------------


def test_without_a_configured_name_nothing_is_published_before_it_is_known(tmp_path: Path) -> None:
    account = Account(config(tmp_path, "projects: [{id: 1}]"))
    account.lists(1)
    assert account.states() == {1: "its name is being asked for"}
    assert not account.store.snapshots()
    assert account.due(Kind.PORTFOLIO, 1) is None
    account.projects.named(1, "Live/One")
    assert account.names() == {1: "Live/One"}
    assert account.value(running("Live/One", 1)) == 1
    assert account.due(Kind.PORTFOLIO, 1) == 1.0
    account.projects.named(1, "Renamed since")
    assert account.names() == {1: "Live/One"}


def test_a_list_that_was_read_before_the_name_is_as_old_as_it_is(tmp_path: Path) -> None:
    account = Account(config(tmp_path, "projects: [{id: 1}]"))
    account.lists(1)
    last = account.time.clock.now()
    account.time.passes(40.0)
    account.projects.named(1, "One")
    labels = '{project="One",project_id="1",source="status"'
    assert account.value(f"read_last_success_timestamp_seconds{labels}") == last
    assert account.value(f"read_duration_seconds{labels}") == 1.0


def test_a_name_that_cannot_be_had_is_the_id(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    account = Account(config(tmp_path, "projects: [{id: 1}]"))
    account.projects.nameless(1, DOWN)
    account.projects.nameless(1, DOWN)
    assert account.names() == {1: "1"}
    assert account.due(Kind.NAME, 1) is None
    assert len(said(caplog, "The project's name cannot be had")) == 1
    account.projects.nameless(2, DOWN)
    account.projects.named(2, "of no project")
    assert account.names() == {1: "1"}


def test_what_is_called_by_its_id_is_asked_for_its_name_at_a_reload(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "exporter")
    text = "projects: [{id: 1}]"
    account = Account(config(tmp_path, text))
    account.lists(1)
    account.projects.nameless(1, DOWN)
    account.reload(config(tmp_path, text))
    assert account.due(Kind.NAME, 1) is not None
    assert account.value(running("1", 1)) == 1  # it is read as before meanwhile
    account.projects.nameless(1, DOWN)
    assert account.due(Kind.NAME, 1) is None
    assert account.names() == {1: "1"}
    account.reload(config(tmp_path, text))
    account.projects.named(1, "One")
    assert account.names() == {1: "One"}
    assert account.value(running("One", 1)) == 1
    assert account.value(running("1", 1)) is None
    assert account.due(Kind.NAME, 1) is None
    assert len(said(caplog, "A project has its name")) == 1
    account.reload(config(tmp_path, text))
    account.projects.named(1, "Renamed since")
    assert account.due(Kind.NAME, 1) is None
    assert account.names() == {1: "One"}


def test_a_name_that_is_configured_takes_the_place_of_an_id(tmp_path: Path) -> None:
    account = Account(config(tmp_path, "projects: [{id: 1}]"))
    account.projects.nameless(1, DOWN)
    account.reload(config(tmp_path, "projects: [{id: 1, name: Mine}]"))
    assert account.names() == {1: "Mine"}
    assert account.due(Kind.NAME, 1) is None


def test_a_configured_name_is_not_asked_for(tmp_path: Path) -> None:
    account = Account(config(tmp_path, "projects: [{id: 1, name: Mine}]"))
    assert account.names() == {1: "Mine"}
    assert account.due(Kind.NAME, 1) is None


# --- Status ---------------------------------------------------------------------------------------


@pytest.fixture
def one(tmp_path: Path) -> Account:
    return Account(config(tmp_path, "projects: [{id: 1, name: One}]"))


def test_only_its_own_answer_says_what_became_of_a_project(one: Account) -> None:
    one.lists(1)
    one.time.passes(60.0)
    one.lists()
    assert one.value(running("One", 1)) == 1
    assert one.due(Kind.STATUS, 1) == 62.0
    one.status(1, status="RuntimeError", error="boom")
    assert one.value(running("One", 1)) == 0
    assert one.value(running("One", 1, "RuntimeError")) == 1
    assert one.value('read_interval_seconds{project="One",project_id="1",source="portfolio"') == 300


def test_what_stops_is_logged_once(one: Account, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "exporter")
    one.lists(1)
    for _ in range(2):
        one.status(1, status="RuntimeError", error="boom")
    [entry] = said(caplog, "A project does not run")
    assert (entry["status"], entry["error"]) == ("RuntimeError", "boom")


def test_an_answer_that_was_asked_for_earlier_is_not_news(one: Account) -> None:
    one.lists(1)
    one.time.passes(10.0)
    one.lists(deployment_of(deployId="L-2"))  # redeployed, which a slow answer doesn't know
    one.projects.status(1, deployment_of(status="Stopped"), asked=5.0)
    assert one.value(running("One", 1)) == 1
    one.projects.status(1, deployment_of(status="Stopped"), asked=30.0)
    one.projects.listed({1: deployment_of()}, asked=20.0)
    assert one.value(running("One", 1)) == 0
    one.projects.listed({1: deployment_of()}, asked=40.0)
    assert one.value(running("One", 1)) == 1


def test_never_deployed(one: Account) -> None:
    one.lists()
    one.projects.status(1, None, asked=2.0)
    assert one.states() == {1: "never deployed"}
    assert one.value('read_success{project="One",project_id="1",source="status"') == 1
    assert one.value("live_info") is None


def test_a_failed_list_concerns_what_is_thought_to_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    account = Account(config(tmp_path, "projects: [{id: 1, name: One}, {id: 2, name: Two}]"))
    account.lists(1)
    account.status(2, status="Stopped")
    account.projects.listing_failed(DOWN, duration=30.0)
    success = 'read_success{{project="{}",project_id="{}",source="status"'
    assert account.value(success.format("One", 1)) == 0
    assert account.value(success.format("Two", 2)) == 1
    assert account.value(running("One", 1)) == 1
    assert not said(caplog, "Reading failed")


def test_what_fails_is_told_to_its_project_if_there_is_one(one: Account) -> None:
    one.projects.failed(1, Source.PORTFOLIO, DOWN, duration=0.1)
    one.projects.failed(2, Source.PORTFOLIO, DOWN, duration=0.1)
    one.projects.status(2, deployment_of(2), asked=1.0)
    assert one.value('read_success{project="One",project_id="1",source="portfolio"') == 0


def test_complete_when_everything_was_tried(one: Account) -> None:
    assert not one.projects.complete(sources=False)
    one.projects.failed(1, Source.PORTFOLIO, DOWN, duration=0.1)
    assert one.projects.complete(sources=False)
    assert not one.projects.complete(sources=True)
    one.projects.listing_failed(DOWN, duration=0.1)
    one.projects.failed(1, Source.STATISTICS, DOWN, duration=0.1)
    assert one.projects.complete(sources=True)


# --- Discovery ------------------------------------------------------------------------------------

DISCOVER = "discover: {enabled: true, include: 'Live/.*', exclude: '.*test', forget_after: 7d}"


@pytest.fixture
def found(tmp_path: Path) -> Account:
    return Account(config(tmp_path, DISCOVER))


def test_what_runs_is_asked_for_its_name_and_read_if_that_matches(found: Account) -> None:
    assert not found.projects.complete(sources=False)
    found.lists(1, 2, 3)
    assert [found.due(Kind.NAME, project_id) for project_id in (1, 2, 3)] == [1.0] * 3
    assert found.names() == {}
    found.projects.named(1, "Live/One")
    found.projects.named(2, "Research/Two")
    found.projects.named(3, "Live/a test")
    assert found.names() == {1: "Live/One"}
    assert found.value(running("Live/One", 1)) == 1
    found.lists(1, 2, 3)
    assert [found.due(Kind.NAME, project_id) for project_id in (1, 2, 3)] == [None] * 3


def test_a_failed_list_keeps_the_last_set(found: Account) -> None:
    found.lists(1)
    found.projects.named(1, "Live/One")
    for _ in range(20):
        found.time.passes(DAY)
        found.projects.listing_failed(DOWN, duration=1.0)
    assert found.names() == {1: "Live/One"}


def test_a_failed_first_list_is_a_try(found: Account) -> None:
    found.projects.listing_failed(DOWN, duration=1.0)
    assert found.projects.complete(sources=True)


def test_what_stopped_is_forgotten_after_a_while(
    found: Account, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "exporter")
    found.lists(1)
    found.projects.named(1, "Live/One")
    assert len(said(caplog, "Discovered a live project")) == 1
    found.lists()
    found.status(1, status="Stopped", stopped="2026-11-18 11:06:40")
    found.time.passes(7 * DAY - 5)
    found.lists()
    assert found.states() == {1: "not known (was Stopped)"}
    found.time.passes(5)
    found.lists()
    assert found.names() == {}
    assert found.plan.needed == pytest.approx(1 / 60)
    assert len(said(caplog, "Forgot a project")) == 1
    found.lists(1)
    assert found.due(Kind.NAME, 1) is not None


def test_what_was_deployed_once_is_never_one_that_was_not(
    found: Account, caplog: pytest.LogCaptureFixture
) -> None:
    """A list with a hole in it would silence every alert of the project."""
    caplog.set_level("INFO", "exporter")
    found.lists(1)
    found.projects.named(1, "Live/One")
    found.lists()
    with pytest.raises(ApiError, match="project 1 is listed, which had one before") as told:
        found.projects.status(1, None, asked=1.0)
    assert told.value.reason is Reason.MALFORMED
    assert found.states() == {1: "Running"}
    found.status(1, status="Runtime Error", error="it broke")
    [warning] = said(caplog, "A project does not run")
    assert (warning["project"], warning["error"]) == ("Live/One", "it broke")
    found.lists(1)
    found.lists(1)
    [info] = said(caplog, "A project runs again")
    assert info["project"] == "Live/One"


def test_what_stopped_lately_is_found_too(found: Account) -> None:
    stopped = {"status": "Stopped", "launched": "2026-10-01 10:00:00"}
    lately = deployment_of(1, **stopped, stopped="2026-11-12 10:00:00")
    long_ago = deployment_of(2, **stopped, stopped="2026-11-01 10:00:00")
    no_dates = deployment_of(3, status="InQueue", launched=None)
    found.projects.deployments({1: lately, 2: long_ago, 3: no_dates})
    assert found.due(Kind.NAME, 1) == 0.0
    assert found.due(Kind.NAME, 2) is found.due(Kind.NAME, 3) is None


def test_without_discovery_other_deployments_are_of_no_interest(one: Account) -> None:
    one.projects.deployments({7: deployment_of(7)})
    one.lists(1, 7)
    assert one.names() == {1: "One"}


def test_a_name_that_has_to_match_is_asked_for_until_it_is_had(
    found: Account, caplog: pytest.LogCaptureFixture
) -> None:
    found.lists(1)
    found.projects.nameless(1, DOWN)
    assert len(said(caplog, "A live project's name cannot be had")) == 1
    assert found.due(Kind.NAME, 1) is not None
    assert found.names() == {}
    assert found.projects.complete(sources=True)  # it was tried
    found.projects.named(1, "Live/One")
    assert found.names() == {1: "Live/One"}


def test_where_any_name_will_do_so_will_the_id(tmp_path: Path) -> None:
    account = Account(config(tmp_path, "discover: {enabled: true}"))
    account.lists(1)
    account.projects.nameless(1, DOWN)
    assert account.names() == {1: "1"}


def test_configured_projects_are_there_whatever_runs_and_is_called(tmp_path: Path) -> None:
    account = Account(config(tmp_path, f"{DISCOVER}, projects: [{{id: 1}}]"))
    account.lists()
    account.projects.named(1, "Research/One")
    account.lists()
    assert account.names() == {1: "Research/One"}


# --- Shards and several accounts ------------------------------------------------------------------


def test_a_shard_reads_its_share_of_what_is_configured_and_discovered(tmp_path: Path) -> None:
    text = "discover: {enabled: true}, projects: [{id: 10, name: A}, {id: 11, name: B}]"
    shards = [Account(config(tmp_path, text), owns=Shard(index, 3).owns) for index in range(3)]
    for shard in shards:
        shard.lists(10, 11, 12, 13)
        for project_id in (12, 13):
            shard.projects.named(project_id, str(project_id))
    assert [list(shard.names()) for shard in shards] == [[12], [10, 13], [11]]


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
    first.lists(1)
    second.lists(1)
    first.projects.named(1, "One")
    second.projects.named(1, "One")
    assert [report.account for report in store.reports()] == ["main"]
    assert second.due(Kind.NAME, 1) is None
    first.lists()  # whatever the reason, the first account does not see it any more
    second.lists(1)
    second.projects.named(1, "One")
    assert [report.account for report in store.reports()] == ["other"]


def test_what_another_account_lists_is_not_discovered_here(tmp_path: Path) -> None:
    text = config(tmp_path, "discover: {enabled: true}")
    account = Account(text, elsewhere=frozenset({1}))
    account.lists(1, 2)
    assert account.due(Kind.NAME, 1) is None
    account.projects.named(2, "Two")
    account.reload(text, elsewhere=frozenset({2}))
    account.lists(1, 2)
    assert account.names() == {}
    assert account.due(Kind.NAME, 1) is not None


# --- Another configuration ------------------------------------------------------------------------


def test_a_reload_keeps_what_it_leaves_as_it_was(tmp_path: Path) -> None:
    text = "projects: [{id: 1, name: One}, {id: 2}, {id: 3}]"
    account = Account(config(tmp_path, text))
    account.lists(1, 2)
    account.projects.named(2, "Two")
    account.reads(1)
    before = account.store.snapshots()
    dues = dict(account.plan._queue._due)
    account.time.passes(5.0)
    account.reload(config(tmp_path, text))
    assert account.store.snapshots() == before
    assert account.plan._queue._due == dues
    assert account.states()[3] == "its name is being asked for"


def test_projects_come_and_go(tmp_path: Path) -> None:
    account = Account(config(tmp_path, "projects: [{id: 1, name: One}, {id: 2}]"))
    account.lists(1, 2, 3)
    account.reads(1)
    account.time.passes(10.0)
    account.reload(config(tmp_path, "projects: [{id: 3, name: Three}]"))
    assert account.names() == {3: "Three"}
    assert account.value(running("Three", 3)) == 1  # the last list has it
    assert account.value("holdings") is None
    assert account.due(Kind.PORTFOLIO, 3) == 11.0
    account.reload(config(tmp_path, "projects: [{id: 1, name: One}]"))
    assert account.names() == {1: "One"}
    assert account.value("holdings") is None


def test_names_that_change_by_configuration(tmp_path: Path) -> None:
    text = "projects: [{id: 1, name: One}, {id: 2}, {id: 3}]"
    account = Account(config(tmp_path, text))
    account.projects.named(2, "Two")
    account.reads(1)
    account.reads(2)
    text = "projects: [{id: 1}, {id: 2, name: Zwei}, {id: 3, name: Drei}]"
    account.reload(config(tmp_path, text))
    # The first has to be asked for its name again; the third need not be asked any more.
    assert account.names() == {1: "", 2: "Zwei", 3: "Drei"}
    assert account.due(Kind.NAME, 1) == 0.0
    assert account.due(Kind.NAME, 3) is None
    assert account.value('holdings{project="Zwei",project_id="2"') == 1
    account.projects.named(1, "One")
    account.projects.named(3, "Three")
    assert account.names() == {1: "One", 2: "Zwei", 3: "Drei"}


def test_intervals_and_sources_that_change_by_configuration(tmp_path: Path) -> None:
    text = "projects: [{id: 1, name: One}]"
    account = Account(config(tmp_path, text))
    account.lists(1)
    account.projects.status(1, deployment_of(1), asked=2.0)
    rest = "scrape_interval: 30s\nstatus_interval: 0s\nstatistics_interval: 0s"
    account.reload(config(tmp_path, text, rest=rest))
    interval = 'read_interval_seconds{project="One",project_id="1",source='
    assert account.value(f'{interval}"portfolio"') == 30
    assert account.value(f'{interval}"status"') is account.value(f'{interval}"statistics"') is None
    assert account.states() == {1: "not known yet"}
    account.reload(config(tmp_path, text))
    assert account.value(f'{interval}"status"') == 60
    assert account.states() == {1: "not known yet"}  # the list of before says nothing any more


def test_discovery_that_changes_by_configuration(tmp_path: Path) -> None:
    account = Account(config(tmp_path, f"{DISCOVER}, projects: [{{id: 9, name: Nine}}]"))
    account.lists(1, 2, 3, 9)
    for project_id, name in ((1, "Live/One"), (2, "Live/Two"), (3, "Other")):
        account.projects.named(project_id, name)
    assert set(account.names()) == {1, 2, 9}
    other = "discover: {enabled: true, exclude: Live/Two}, projects: [{id: 9, name: Nine}]"
    account.reload(config(tmp_path, other))
    assert set(account.names()) == {1, 9}
    account.lists(1, 2, 3, 9)
    assert account.due(Kind.NAME, 3) is not None  # names are matched anew
    account.reload(config(tmp_path, "projects: [{id: 9, name: Nine}]"))
    assert set(account.names()) == {9}
    assert account.projects.published(9) is not None
    account.reload(config(tmp_path, DISCOVER))
    assert account.names() == {}  # it was there because it was listed
    assert not account.projects.complete(sources=False)
    account.lists(1)
    account.projects.named(1, "Live/One")
    assert set(account.names()) == {1}


def test_a_discovered_project_that_gets_configured_keeps_its_series(tmp_path: Path) -> None:
    account = Account(config(tmp_path, DISCOVER))
    account.lists(1)
    account.projects.named(1, "Live/One")
    account.reads(1)
    text = f"{DISCOVER}, projects: [{{id: 1, limits: {{max_drawdown: 0.2}}}}]"
    account.reload(config(tmp_path, text))
    assert account.value('holdings{project="Live/One"') == 1
    assert account.value("project_limit") == 0.2


def test_a_reload_does_not_disturb_who_waits_for_a_name(tmp_path: Path) -> None:
    account = Account(config(tmp_path, DISCOVER))
    account.lists(1)
    account.reload(config(tmp_path, DISCOVER))
    assert account.names() == {}
    assert account.due(Kind.NAME, 1) == 1.0
    account.projects.named(1, "Live/One")
    assert account.names() == {1: "Live/One"}


def test_letting_go_of_everything(tmp_path: Path) -> None:
    claims = Claims()
    account = Account(config(tmp_path, "projects: [{id: 1, name: A}, {id: 2}]"), claims=claims)
    account.projects.release_all()
    assert account.store.reports() == []
    assert claims.take(1, "another")
    assert not claims.take(1, "a third")


def test_statistics_are_read_with_what_is_allowed(tmp_path: Path) -> None:
    account = Account(config(tmp_path, "projects: [{id: 1, name: One, statistics: [Mood]}]"))
    project = account.projects.published(1)
    assert project is not None
    statistics = statistics_of(project.settings.statistics, Mood="3", Hidden="4")
    project.statistics(statistics, duration=0.1, interval=300.0)
    assert account.value("live_custom_statistic") == 3
