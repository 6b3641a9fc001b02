"""One account with all its threads, against the simulator over HTTP."""

from __future__ import annotations

import threading
import time
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from exporter.clock import Clock
from exporter.poller import Limits
from exporter.poller.account import TOKEN_CHANGED
from exporter.poller.credentials import UNREADABLE
from exporter.poller.record import (
    CALL_FAILED,
    CALL_SUCCEEDS,
    FAULT,
    NOT_STRETCHED,
    READ_FAILED,
    REJECTED,
    STRETCHED,
)
from exporter.telemetry import AccountTelemetry, Telemetry
from tests.support import (
    Body,
    Bytes,
    Cut,
    Drip,
    HangUp,
    Large,
    Stall,
    Status,
    TruncatedGzip,
    fault_answers,
    patched,
)

from .given import config_of, eventually, said
from .live import Live, account, configured, eventually_complete, live, projects, quick

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from exporter.config import Config
    from exporter.simulator import Fault
    from tests.support import SimulatorServer

PORTFOLIO = "live/portfolio/read"


def main(directory: Path, server: SimulatorServer, *ids: int, **keywords: Any) -> Config:
    return quick(configured(directory, account(server, projects(*ids))), **keywords)


# --- Reading --------------------------------------------------------------------------------------


def test_authenticate_is_first_and_then_everything_is_read(
    tmp_path: Path, server: SimulatorServer
) -> None:
    with live(main(tmp_path, server, 1, 2, 3)) as running:
        assert not running.poller.complete()
        eventually_complete(running)
        assert running.poller.ready()
        assert server.requests[0].endpoint == "authenticate"
        assert len(server.requests.of("authenticate")) == 1
        for number in (1, 2, 3):
            assert running.value(f'holding_quantity{{account="main",project="P{number}"') == number
            assert (
                running.value(
                    f'live_status{{account="main",project="P{number}",project_id="{number}",status="Running"'
                )
                == 1
            )
        assert running.own('api_authenticated{account="main"}') == 1
        assert running.own('api_request_budget_per_second{account="main"}') == 1000
        server.requests.wait_for(3, PORTFOLIO, 1)
    assert {request.endpoint for request in server.requests} == {
        *("authenticate", "live/list", "projects/read", "live/portfolio/read", "live/read")
    }


def test_calls_count_from_0_for_each_endpoint_that_is_asked(
    tmp_path: Path, server: SimulatorServer
) -> None:
    def counted(running: Live) -> set[str]:
        endpoints = ("live/list", "live/orders/read", "live/chart/read", "account/read")
        found = set()
        for endpoint in endpoints:
            labels = f'{{account="main",endpoint="{endpoint}",reason="timeout"}}'
            if running.own(f"api_request_failures_total{labels}") == 0:
                found.add(endpoint)
        return found

    def having(*sources: str) -> Config:
        text = "".join(f"{each}_interval: 1h\n" for each in sources)
        accounts = f"accounts: [{account(server, projects(1))}]"
        return quick(config_of(tmp_path, f"{text}{accounts}"))

    with live(having("orders")) as running:
        assert counted(running) == {"live/list", "live/orders/read"}
        running.poller.reload(having("benchmark", "account"))
        assert counted(running) >= {"live/list", "live/chart/read", "account/read"}


def test_names_are_asked_for_where_none_is_configured(
    tmp_path: Path, server: SimulatorServer
) -> None:
    text = account(server, "projects: [{id: 1}, {id: 99}]")
    with live(quick(configured(tmp_path, text))) as running:
        eventually_complete(running)
        names = {report.project_id: report.name for report in running.store.reports()}
        assert names == {1: "P1", 99: "99"}  # of the latter QuantConnect knows nothing
        assert len(server.requests.of("projects/read", 99)) >= 3  # it goes on, more rarely
        eventually(lambda: running.store.reports()[1].state == "never deployed")
        assert running.store.reports()[1].sources[0].error.startswith("api_error: ")


def test_discovery_finds_what_runs_and_keeps_it_when_it_stops(
    tmp_path: Path, server: SimulatorServer
) -> None:
    text = account(server, "discover: {enabled: true, exclude: P8}")
    with live(quick(configured(tmp_path, text))) as running:
        eventually(lambda: len(running.store.reports()) == 7)
        server.world.stop(3, "RuntimeError", "boom")
        status = 'live_status{account="main",project="P3",project_id="3",status="RuntimeError"'
        eventually(lambda: running.value(status) == 1)
        assert running.value('holding_quantity{account="main",project="P3"') == 3
        listed = server.requests.of("live/list")
        assert {request.project_id for request in listed if request.project_id} == {3}
        statuses = [request.status for request in listed if not request.project_id]
        assert None not in statuses  # every deployment there ever was may be too many
        assert [statuses.count(each) for each in ("Stopped", "RuntimeError", "Liquidated")] == [
            1
        ] * 3
        server.world.start(3)
        eventually(lambda: running.value(status) == 0)


def test_a_closed_position_is_gone_at_the_next_read(
    tmp_path: Path, server: SimulatorServer
) -> None:
    with live(main(tmp_path, server, 1)) as running:
        eventually(lambda: running.value('holding_quantity{account="main",project="P1"') == 1)
        server.world.project(
            1
        ).answer = b'{"portfolio":{"holdings":[],"cash":{"USD":{"amount":5}}},"success":true}'
        eventually(lambda: running.value("holdings{") == 0)
        assert running.value("holding_quantity{") is None


def test_what_needs_more_than_the_budget_is_said(
    tmp_path: Path, server: SimulatorServer, caplog: pytest.LogCaptureFixture
) -> None:
    config = main(tmp_path, server, 1, 2, requests_per_minute=2000.0)
    with live(config) as running:
        [warning] = eventually(lambda: said(caplog, STRETCHED))
        assert warning["stretched_by"] > 1
        assert warning["needed_per_minute"] == pytest.approx(1200 + 2400 + 600, rel=1e-4)
        eventually_complete(running)
        interval = running.value(
            'read_interval_seconds{account="main",project="P1",project_id="1",source="portf'
        )
        assert interval == pytest.approx(0.05 * warning["stretched_by"], rel=1e-3)
        assert running.own('api_request_demand_per_second{account="main"}') == 70
        assert running.own('api_request_budget_per_second{account="main"}') == pytest.approx(
            2000 / 60
        )


def test_projects_that_are_found_may_need_more_than_the_budget_too(
    tmp_path: Path, server: SimulatorServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "exporter")
    text = account(server, "discover: {enabled: true}")
    config = quick(configured(tmp_path, text), interval=1.0, requests_per_minute=2000.0)
    with live(config) as running:
        eventually(lambda: said(caplog, STRETCHED))
        running.poller.reload(quick(configured(tmp_path, text), interval=1.0))
        eventually(lambda: said(caplog, NOT_STRETCHED))
        demand = running.own('api_request_demand_per_second{account="main"}')
        budget = running.own('api_request_budget_per_second{account="main"}')
        assert demand is not None
        assert budget is not None
        assert 0 < demand < budget
    needed = [entry["stretched_by"] for entry in said(caplog, STRETCHED)]
    assert all(after >= 1.5 * before for before, after in pairwise(needed))


# --- Faults ---------------------------------------------------------------------------------------

FAULTS: dict[str, Fault] = {
    "503": Status(503),
    "404": Status(404),
    "redirect": fault_answers.redirect("http://127.0.0.1:1/"),
    "html": fault_answers.html(),
    "empty": fault_answers.empty(),
    "deep": fault_answers.deep_json(),
    "bomb": fault_answers.gzip_bomb(40_000_000),
    "large": Large(40_000_000),
    "no portfolio": fault_answers.no_portfolio(),
    "null portfolio": fault_answers.null_portfolio(),
    "not a list of holdings": Body(b'{"success":true,"portfolio":{"holdings":7,"cash":{}}}'),
    "no holdings": patched(lambda answer: {"success": True, "portfolio": {"cash": {}}}),
    "said no": fault_answers.failure("no"),
    "said no otherwise": fault_answers.failure(message="no", code=5),
    "cut": Cut(),
    "reset": Cut(reset=True),
    "hung up": HangUp(),
    "no HTTP": Bytes(b"SSH-2.0-OpenSSH\r\n"),
    "truncated gzip": TruncatedGzip(),
    "stalled": Stall(),
    "drip": Drip(20.0),
}


@pytest.mark.unmeasured
def test_every_fault_keeps_the_numbers_and_the_other_projects(
    tmp_path: Path, server: SimulatorServer
) -> None:
    config = main(tmp_path, server, 1, 2, request_timeout=2.0, statistics_interval=0.0)
    with live(config) as running:
        eventually_complete(running)
        eventually(lambda: "project_auto_restart{" in "".join(running.numbers(1)))
        numbers = running.numbers(1)
        for name, fault in FAULTS.items():
            handle = server.faults.add(fault, endpoint=PORTFOLIO, project_id=1)
            eventually(lambda: running.success(1) == 0)
            read = len(server.requests.of(PORTFOLIO, 2))
            server.requests.wait_for(read + 2, PORTFOLIO, 2)
            assert running.numbers(1) == numbers, name
            assert (running.success(2), running.success(1, "status")) == (1, 1), name
            server.faults.remove(handle)
            eventually(lambda: running.success(1) == 1)
        assert running.numbers(1) == numbers


def test_a_list_that_fails_is_no_crash(
    tmp_path: Path, server: SimulatorServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "exporter")
    with live(main(tmp_path, server, 1, 2)) as running:
        eventually_complete(running)
        handle = server.faults.add(Status(502), endpoint="live/list")
        eventually(lambda: running.success(1, "status") == 0)
        assert (
            'live_status{account="main",project="P1",project_id="1",status="Running"} 1.0'
            in "".join(running.numbers(1))
        )
        assert (running.success(1), running.success(2)) == (1, 1)
        server.faults.remove(handle)
        eventually(lambda: running.success(1, "status") == 1)
        eventually(lambda: said(caplog, CALL_SUCCEEDS))
    failed = said(caplog, CALL_FAILED)
    assert [entry["call"] for entry in failed] == ["running"]
    assert not said(caplog, "Reading")


def test_stalled_calls_hold_no_other_project_up(tmp_path: Path, server: SimulatorServer) -> None:
    for project_id in (1, 2, 3, 4, 5):
        server.faults.add(Stall(None), project_id=project_id)
    with live(main(tmp_path, server, *range(1, 9), request_timeout=30.0)) as running:
        for project_id in (6, 7, 8):
            server.requests.wait_for(5, PORTFOLIO, project_id)
        assert running.stops() < 1.0


def test_a_rate_limit_is_kept_to(tmp_path: Path, server: SimulatorServer) -> None:
    server.faults.add(fault_answers.too_many_requests("1"), endpoint="live/list", times=1)
    with live(main(tmp_path, server, 1)) as running:
        eventually(running.poller.ready)  # it waits, and that is all there is to wait for
        eventually(lambda: running.success(1, "status") == 1)
        times = [request.monotonic for request in server.requests]
        assert max(later - at for at, later in pairwise(times)) >= 0.95


# --- The token ------------------------------------------------------------------------------------


def wait_for_turns(running: Live) -> None:
    """Until the account's loop, which shows nothing of it, has gone round for a while."""
    (loop,) = running.poller._accounts.values()  # noqa: SLF001
    turned = loop.last_turn
    eventually(lambda: loop.last_turn > turned + 0.1)


def test_a_bad_token_is_one_call_and_one_line(
    tmp_path: Path, server: SimulatorServer, caplog: pytest.LogCaptureFixture
) -> None:
    text = account(server, projects(1), token="api_token: wrong-one")
    with live(quick(configured(tmp_path, text))) as running:
        eventually(running.poller.ready)
        assert running.poller.complete()
        assert running.poller.healthy()
        [entry] = said(caplog, REJECTED)
        assert entry["wait_seconds"] == 900
        assert "wrong-one" not in caplog.text
        wait_for_turns(running)
        assert [request.endpoint for request in server.requests] == ["authenticate"]
        assert running.own('api_authenticated{account="main"}') == 0


def test_a_token_that_is_rotated_is_taken_up(
    tmp_path: Path, server: SimulatorServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "exporter")
    file = tmp_path / "token"
    file.write_text("demo\n")
    text = account(server, projects(1), token=f"api_token_file: {file}")
    with live(quick(configured(tmp_path, text))) as running:
        eventually_complete(running)
        server.world.token = "another"
        eventually(lambda: said(caplog, REJECTED))
        asked = len(server.requests)
        file.unlink()
        wait_for_turns(running)
        assert len(server.requests) == asked
        file.write_text("another\n")
        eventually(lambda: said(caplog, TOKEN_CHANGED))
        server.requests.wait_for(asked + 5)
        eventually(lambda: running.success(1) == 1)
        eventually(lambda: said(caplog, CALL_SUCCEEDS))


def test_a_token_file_that_cannot_be_read_leaves_the_last_token_in_use(
    tmp_path: Path, server: SimulatorServer, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "token"
    file.write_text("demo")
    text = account(server, projects(1), token=f"api_token_file: {file}")
    running = Live(quick(configured(tmp_path, text)))
    file.unlink()
    running.poller.start()
    eventually_complete(running)
    running.poller.stop()
    assert running.success(1) == 1
    [warning] = said(caplog, UNREADABLE)
    assert "No such file" in warning["error"]


# --- Threads --------------------------------------------------------------------------------------


def test_stopping_ends_a_call_that_hangs(
    tmp_path: Path, server: SimulatorServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.faults.add(Stall(), endpoint=PORTFOLIO)
    with live(main(tmp_path, server, 1, 2, request_timeout=60.0)) as running:
        server.requests.wait_for(2, PORTFOLIO)
        assert running.stops() < 1.0
        assert not said(caplog, READ_FAILED)
        assert running.stops() < 0.1


class Slow(AccountTelemetry):
    """Takes long over an answer that has come in whole, and can't be interrupted."""

    reached = threading.Event()
    goes_on = threading.Event()

    def answered(self, endpoint: str, seconds: float) -> None:
        super().answered(endpoint, seconds)
        if endpoint == "live/list":
            Slow.reached.set()
            Slow.goes_on.wait()


class SlowTelemetry(Telemetry):
    def account(self, name: str, **keywords: Any) -> AccountTelemetry:
        super().account(name, **keywords)
        return Slow(self, name)


def test_what_comes_in_after_stopping_is_not_published(
    tmp_path: Path, server: SimulatorServer
) -> None:
    config, limits = main(tmp_path, server, 1), Limits(stop=0.05)
    telemetry = SlowTelemetry(version="1", revision="abc")
    with live(config, telemetry=telemetry, limits=limits) as running:
        assert Slow.reached.wait(120)
        assert running.stops() < 1.0
        Slow.goes_on.set()
        eventually(
            lambda: not [each for each in threading.enumerate() if "quantconnect-" in each.name]
        )
        assert running.success(1, "status") is None
        assert running.store.reports()[0].state == "not known yet"


def test_a_poller_that_was_never_started_can_be_stopped(
    tmp_path: Path, server: SimulatorServer
) -> None:
    assert Live(main(tmp_path, server, 1)).stops() < 0.1


class Gate:
    """A clock that can hold the loops up, or fail them, and that can be put forward."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()
        self.fault: Callable[[], None] = lambda: None
        self.ahead = 0.0
        self.clock = Clock(monotonic=self._monotonic)

    def _monotonic(self) -> float:
        if threading.current_thread().name.startswith("poller-"):
            self.open.wait()
            self.fault()
        return time.monotonic() + self.ahead


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open.set()


def test_a_loop_that_is_stuck_shows(tmp_path: Path, server: SimulatorServer, gate: Gate) -> None:
    with live(main(tmp_path, server, 1), clock=gate.clock) as running:
        eventually_complete(running)
        gate.open.clear()
        assert running.poller.healthy()
        gate.ahead = 121.0
        eventually(lambda: not running.poller.healthy())
        gate.open.set()
        eventually(running.poller.healthy)


def test_a_loop_that_fails_goes_on_when_it_can_and_shows_when_it_cannot(
    tmp_path: Path,
    server: SimulatorServer,
    gate: Gate,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail() -> None:
        raise ValueError("no time")

    with live(main(tmp_path, server, 1), clock=gate.clock) as running:
        eventually_complete(running)
        gate.fault = fail
        eventually(lambda: said(caplog, FAULT))
        gate.ahead = 121.0
        eventually(lambda: not running.poller.healthy())
        gate.fault = lambda: None
        eventually(running.poller.healthy)
        read = len(server.requests.of(PORTFOLIO))
        server.requests.wait_for(read + 2, PORTFOLIO)


class Faulty(AccountTelemetry):
    """Fails in the middle of a call, or when one has ended."""

    calls = True
    answers = True

    def call(self, endpoint: str) -> None:
        if endpoint == PORTFOLIO and Faulty.calls:
            raise ValueError("can't count")
        super().call(endpoint)

    def authenticated(self, *, accepted: bool) -> None:
        if Faulty.answers:
            raise ValueError("can't tell")
        super().authenticated(accepted=accepted)


class FaultyTelemetry(Telemetry):
    def account(self, name: str, **keywords: Any) -> AccountTelemetry:
        super().account(name, **keywords)
        return Faulty(self, name)


def test_faults_of_our_own_cost_a_call_and_no_thread(
    tmp_path: Path, server: SimulatorServer, caplog: pytest.LogCaptureFixture
) -> None:
    telemetry = FaultyTelemetry(version="1", revision="abc")
    with live(main(tmp_path, server, 1), telemetry=telemetry) as running:
        faults = "quantconnect_exporter_faults_total"
        eventually(lambda: (telemetry.registry.get_sample_value(faults) or 0) > 20)
        assert len(said(caplog, FAULT)) == 2  # each once a minute
        server.requests.wait_for(10, "live/list")
        Faulty.answers = False
        eventually(lambda: running.success(1) == 0)
        report = running.store.report(1)
        assert report is not None
        assert report.sources[0].error == "a fault of this exporter, see its log"
        Faulty.calls = False
        eventually(lambda: running.success(1) == 1)


class NoThread(threading.Thread):
    """Cannot be started, where it is for a call, until there is room again."""

    room = False

    def start(self) -> None:
        if self.name.startswith("quantconnect-") and not NoThread.room:
            raise RuntimeError("can't start new thread")
        super().start()


def test_threads_that_cannot_be_had(
    tmp_path: Path, server: SimulatorServer, caplog: pytest.LogCaptureFixture
) -> None:
    with live(main(tmp_path, server, 1, 2), thread=NoThread) as running:
        faults = "quantconnect_exporter_faults_total"
        eventually(lambda: (running.telemetry.registry.get_sample_value(faults) or 0) > 2)
        assert len(said(caplog, FAULT)) == 1
        assert not len(server.requests)
        NoThread.room = True
        eventually(lambda: (running.success(1), running.success(2)) == (1, 1))


def test_no_more_calls_at_once_than_there_are_threads_for(
    tmp_path: Path, server: SimulatorServer
) -> None:
    server.faults.add(Stall(None), endpoint=PORTFOLIO)
    config = main(tmp_path, server, *range(1, 9), request_timeout=0.5, requests_per_minute=480.0)
    with live(config) as running:  # 8 calls a second, of half a second: the least there are, 4
        server.requests.wait_for(4, PORTFOLIO)
        eventually(lambda: running.success(1) == 0)
        assert len(server.requests.of(PORTFOLIO)) <= 9
