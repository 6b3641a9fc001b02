"""Several accounts in one poller, and several pollers that share an account."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from exporter.poller import Shard
from tests.support import SimulatorServer, given_world

from .given import answer_of, eventually
from .live import account, configured, eventually_complete, eventually_there, live, projects, quick

if TYPE_CHECKING:
    from pathlib import Path


def test_shards_do_not_overlap() -> None:
    shards = [Shard(index, 3) for index in range(3)]
    for project_id in range(1, 100):
        assert sum(shard.owns(project_id) for shard in shards) == 1
    assert Shard().owns(12345)


@pytest.mark.parametrize("rest", ["projects", "discover"])
def test_the_union_of_the_shards_is_everything_once(tmp_path: Path, rest: str) -> None:
    ids = tuple(range(101, 121))
    names = {number: f"P{number}" for number in ids}
    world = given_world(dict.fromkeys(ids, answer_of()), names=names)
    reads = projects(*ids) if rest == "projects" else "discover: {enabled: true}"
    with SimulatorServer(world) as server, ExitStack() as stack:
        # Intervals that leave a slow machine time for names, which come last.
        config = quick(
            configured(tmp_path, account(server, reads)),
            interval=1.0,
            statistics_interval=1.0,
            requests_per_minute=24_000.0,
        )
        shards = [
            stack.enter_context(live(config, shard=Shard(index, 4), user_agent=f"shard {index}"))
            for index in range(4)
        ]
        for shard in shards:
            eventually_there(shard, 5)
            eventually_complete(shard)
            assert shard.own('api_request_budget_per_second{account="main"}') == 100
        read = [report.project_id for shard in shards for report in shard.store.reports()]
        assert sorted(read) == list(ids)
        for request in server.requests.of("live/portfolio/read"):
            assert request.project_id is not None
            assert request.user_agent == f"shard {request.project_id % 4}"


def test_the_shards_together_keep_to_the_budget(tmp_path: Path) -> None:
    ids = tuple(range(101, 121))
    names = {number: f"P{number}" for number in ids}
    world = given_world(dict.fromkeys(ids, answer_of()), names=names)
    with SimulatorServer(world) as server, ExitStack() as stack:
        config = quick(
            configured(tmp_path, account(server, projects(*ids))),
            status_interval=1.0,
            requests_per_minute=6_000.0,
        )
        for index in range(4):
            stack.enter_context(live(config, shard=Shard(index, 4)))
        times = [request.monotonic for request in server.requests.wait_for(200)]
        # All four want more than they may: 100 calls a second, and one each to begin with.
        assert times[199] - times[0] >= (200 - 4) / 100 - 0.1


def test_one_account_s_trouble_is_not_the_other_s(tmp_path: Path, server: SimulatorServer) -> None:
    world = given_world({9: answer_of(quantity=9)})
    with SimulatorServer(world) as other:
        config = configured(
            tmp_path,
            account(server, projects(1)),
            account(other, projects(9), name="other", token="api_token: wrong"),
        )
        with live(quick(config)) as running:
            eventually_complete(running)
            server.requests.wait_for(10, "live/portfolio/read")
            assert running.success(1) == 1
            assert [request.endpoint for request in other.requests] == ["authenticate"]
            assert running.own('api_authenticated{account="main"}') == 1
            assert running.own('api_authenticated{account="other"}') == 0


def test_two_accounts_that_discover_the_same_projects_read_each_once(
    tmp_path: Path, server: SimulatorServer
) -> None:
    config = configured(
        tmp_path,
        account(server, "discover: {enabled: true}"),
        account(server, "discover: {enabled: true}", name="other"),
    )
    with live(quick(config)) as running:
        eventually(lambda: len(running.store.reports()) == 8)
        eventually_complete(running)
        for number in range(1, 9):
            assert running.value(f'project_info{{account="main",project="P{number}"') or (
                running.value(f'project_info{{account="other",project="P{number}"')
            )
            assert not server.requests.of("projects/read", number)  # one listing names all
