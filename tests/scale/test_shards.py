"""Four shards, one account, one Prometheus: every project once, and no more calls than allowed."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from bisect import bisect_left
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import pytest
import requests

from exporter.simulator import DEMO_TOKEN, Request
from prometheus.stack import Prometheus, eventually, free_port
from tests.support import SimulatorServer, given_world

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

pytestmark = pytest.mark.needs_prometheus

SHARDS = 4
PROJECTS = 400
LISTED = 320
"""So many are in the configuration; the others are discovered, and asked for their names."""
BUDGET = 80.0
"""Calls a second for the account, all shards together."""
SCRAPE_INTERVAL = 2.0
"""Two and a half times as often as the budget allows, so that it is always used up."""
LATE = 1.0
"""How long a call may be on its way, in seconds: from being due to being noted by the simulator."""

CONFIGURATION = f"""\
scrape_interval: {SCRAPE_INTERVAL:g}s
status_interval: 2s
statistics_interval: 0s
accounts:
  - user_id: 1
    api_token: {DEMO_TOKEN}
    base_url: {{base_url}}
    requests_per_minute: {BUDGET * 60:g}
    discover: {{{{enabled: true}}}}
    projects:
"""


class Outcome(NamedTuple):
    """What Prometheus held and what the simulator had been asked when every project was read."""

    targets: list[str]
    holdings: dict[int, list[tuple[str, float]]]
    equity: dict[int, list[float]]
    budget: float
    up: int
    requests: list[Request]


def project_ids() -> list[int]:
    """Ids that leave every remainder, though not one after the other."""
    return [20_000_003 + 37 * number for number in range(PROJECTS)]


def portfolio(number: int) -> dict[str, object]:
    """An answer with one to five positions."""
    keys = ("SPY R735QTJ8XC9X", "AAPL R735QTJ8XC9X", "IBM R735QTJ8XC9X", "AIG R735QTJ8XC9X")
    holdings = {key: {"a": 10.5, "q": 1 + number, "p": 11, "v": 11} for key in keys[: number % 5]}
    cash = {"USD": {"symbol": "USD", "amount": 5, "conversionRate": 1, "currencySymbol": "$"}}
    return {"portfolio": {"holdings": holdings, "cash": cash}, "success": True}


@contextlib.contextmanager
def shards(directory: Path, base_url: str) -> Iterator[list[str]]:
    """The addresses of four exporters with one configuration, once they answer."""
    listed = "".join(
        f"      - {{id: {number}, name: Listed {number}}}\n" for number in project_ids()[:LISTED]
    )
    file = directory / "quantconnect.yaml"
    file.write_text(CONFIGURATION.format(base_url=base_url) + listed)
    addresses = [f"127.0.0.1:{free_port()}" for _ in range(SHARDS)]
    command = [sys.executable, "-m", "exporter", f"--config.file={file}", "--log.level=warn"]
    started = []
    with contextlib.ExitStack() as running:
        for shard, address in enumerate(addresses):
            log = running.enter_context((directory / f"shard-{shard}.log").open("wb"))
            flags = [f"--web.listen-address={address}", f"--shard={shard}"]
            process = subprocess.Popen([*command, *flags, f"--total-shards={SHARDS}"], stderr=log)
            running.callback(process.wait)
            running.callback(process.terminate)
            started.append(partial(answers, process, address))
        for ready in started:
            eventually(ready, "the exporter answers", seconds=120)
        yield addresses


def answers(process: subprocess.Popen[bytes], address: str) -> bool:
    """Whether an exporter can be asked; it must not have ended."""
    assert process.poll() is None, "the exporter ended, see its log"
    try:
        return requests.get(f"http://{address}/-/healthy", timeout=60).ok
    except requests.ConnectionError:
        return False


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    directory = tmp_path_factory.mktemp("scale")
    ids = project_ids()
    world = given_world(
        {project_id: portfolio(number) for number, project_id in enumerate(ids)},
        equities={project_id: float(project_id) for project_id in ids},
    )
    with SimulatorServer(world) as simulator, shards(directory, simulator.base_url) as targets:
        prometheus = Prometheus(directory, targets=targets, rules=False)
        try:
            prometheus.start()
            eventually(
                lambda: (
                    len(prometheus.query("quantconnect_live_equity")) >= PROJECTS
                    and len(prometheus.query("quantconnect_holdings")) >= PROJECTS
                ),
                f"Prometheus has {PROJECTS} projects",
                seconds=90,
            )
            # Long enough for a shard to read what is not its own.
            count = len(simulator.requests)
            simulator.requests.wait_for(count + 3 * int(BUDGET), timeout=60)
            holdings: dict[int, list[tuple[str, float]]] = {}
            for sample in prometheus.query("quantconnect_holdings"):
                at = (sample["metric"]["instance"], float(sample["value"][1]))
                holdings.setdefault(int(sample["metric"]["project_id"]), []).append(at)
            equity: dict[int, list[float]] = {}
            for sample in prometheus.query("quantconnect_live_equity"):
                value = float(sample["value"][1])
                equity.setdefault(int(sample["metric"]["project_id"]), []).append(value)
            (budget,) = prometheus.query("sum(quantconnect_api_request_budget_per_second)")
            yield Outcome(
                targets=targets,
                holdings=holdings,
                equity=equity,
                budget=float(budget["value"][1]),
                up=len(prometheus.query("up == 1")),
                requests=list(simulator.requests),
            )
        finally:
            prometheus.stop()


def test_every_shard_is_up(outcome: Outcome) -> None:
    assert outcome.up == SHARDS


def test_every_project_is_there_exactly_once_and_in_its_own_shard(outcome: Outcome) -> None:
    assert outcome.holdings == {
        project_id: [(outcome.targets[project_id % SHARDS], float(number % 5))]
        for number, project_id in enumerate(project_ids())
    }


def test_the_status_of_every_project_is_there_exactly_once(outcome: Outcome) -> None:
    assert outcome.equity == {project_id: [float(project_id)] for project_id in project_ids()}


def test_the_shards_divide_the_budget(outcome: Outcome) -> None:
    assert outcome.budget == pytest.approx(BUDGET)


def most_within(times: Sequence[float], window: float) -> int:
    """The most calls that came within ``window`` seconds."""
    return max(bisect_left(times, start + window) - index for index, start in enumerate(times))


@pytest.mark.parametrize("window", [0.5, 1.0, 3.0])
def test_the_account_is_never_asked_more_than_its_budget_allows(
    outcome: Outcome, window: float
) -> None:
    """Each shard spaces its calls evenly, knowing nothing of the others: at the worst all call at
    once. So in a window of w seconds there are at most w times the budget, and one call a shard;
    and as a call that is late falls into a later window, w is longer by the lateness."""
    times = [request.monotonic for request in outcome.requests]
    assert times[-1] - times[0] > window
    assert most_within(times, window) <= BUDGET * (window + LATE) + SHARDS


def test_no_project_is_read_more_often_than_configured(outcome: Outcome) -> None:
    by_project: dict[int, list[float]] = {project_id: [] for project_id in project_ids()}
    for request in outcome.requests:
        if request.endpoint == "live/portfolio/read" and request.project_id is not None:
            by_project[request.project_id].append(request.monotonic)
    gaps = [later - earlier for times in by_project.values() for earlier, later in pairwise(times)]
    assert all(by_project.values())
    assert gaps
    assert min(gaps) > SCRAPE_INTERVAL - LATE


def test_each_shard_lists_what_runs_for_itself(outcome: Outcome) -> None:
    listings = [request for request in outcome.requests if request.status == "Running"]
    assert len(listings) >= 2 * SHARDS
    logins = [request for request in outcome.requests if request.endpoint == "authenticate"]
    assert len(logins) == SHARDS
    assert all(request.authorised for request in outcome.requests)
