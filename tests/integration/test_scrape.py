"""QuantConnect's answers, the exporter as a user runs it, and a real Prometheus asked for numbers.

One exporter reads a simulated account of demo projects, whose time stands still, and of projects
that answer with given bytes. Where a test needs the account another way, it brings it back.
"""

from __future__ import annotations

import http.server
import json
import re
import subprocess
import threading
import time
import urllib.request
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from exporter.simulator import World
from exporter.simulator.project import Format
from prometheus.stack import Prometheus, eventually
from tests.integration.exporter_process import COMMAND, ExporterProcess, configure
from tests.integration.numbers import CASH_FIELDS, HOLDING_FIELDS, Numbers, held, sent, true
from tests.support import SimulatorServer, Status, given_world

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.needs_prometheus

DATA = Path(__file__).parents[1] / "sources" / "data"
SHORT = json.loads((DATA / "portfolio_short.json").read_bytes())
LONG = json.loads((DATA / "portfolio_long.json").read_bytes())
EMPTY = {"portfolio": {"holdings": [], "cash": None}, "success": True}
EQUITIES, DERIVATIVES, CURRENCIES, EURO = 21048731, 21363904, 21790216, 22418690
GIVEN: dict[int, dict[str, Any]] = {1001: SHORT, 1002: LONG, 1004: EMPTY}
STALE_AFTER = 8
SECONDS = 40.0


def capitals(node: Any, *, keys: bool = True) -> Any:
    """The same in the encoding before 2024; the keys of holdings and cash are no field names."""
    if isinstance(node, dict):
        return {
            (name[0].upper() + name[1:] if keys else name): capitals(
                child, keys=name not in ("holdings", "cash")
            )
            for name, child in node.items()
        }
    return node


GIVEN[1003] = {"portfolio": capitals(LONG["portfolio"]), "success": True}


@dataclass
class Stand:
    """What the tests of this file share."""

    world: World
    server: SimulatorServer
    exporter: ExporterProcess
    prometheus: Prometheus

    def value(self, expression: str) -> float | None:
        """The one number that an expression gives, None for none."""
        found = self.prometheus.query(expression)
        assert len(found) <= 1, f"{expression} gives {len(found)} series"
        return float(found[0]["value"][1]) if found else None

    def holds(self, project_id: int, expected: Numbers) -> None:
        """Prometheus has exactly these numbers of a project, at the latest after a scrape or two:
        one that failed on a busy machine leaves a gap."""
        with suppress(TimeoutError):
            eventually(
                lambda: held(self.prometheus, project_id) == expected, "they agree", seconds=5.0
            )
        assert held(self.prometheus, project_id) == expected


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    directory = tmp_path_factory.mktemp("scrape")
    demo = World.demo(started=time.time())
    given = given_world(GIVEN, names={1001: "Short", 1002: "Long", 1003: "Pascal"})
    world = World([*demo.projects, *given.projects])
    world.freeze()
    world.project(EQUITIES).format = Format(encoding="short")
    world.project(DERIVATIVES).format = Format(encoding="long")
    world.project(CURRENCIES).format = Format(encoding="pascal")
    world.project(EURO).format = Format(encoding="short", empty_as_list=True, iso_dates=True)
    projects = [EQUITIES, DERIVATIVES, CURRENCIES, EURO, *GIVEN]
    with SimulatorServer(world) as server:
        file = configure(directory, server.base_url, projects, stale_after=f"{STALE_AFTER}s")
        with ExporterProcess(directory, f"--config.file={file}") as exporter:
            prometheus = Prometheus(directory, targets=[exporter.address], rules=False)
            try:
                prometheus.start()
                stand = Stand(world, server, exporter, prometheus)
                eventually(
                    lambda: stand.value("count(quantconnect_holdings)") == len(projects),
                    "every project is in Prometheus",
                    seconds=SECONDS,
                )
                yield stand
            finally:
                prometheus.stop()


@pytest.mark.parametrize("project_id", [1001, 1002, 1003])
def test_every_number_of_an_answer_is_in_prometheus(stand: Stand, project_id: int) -> None:
    expected = sent(GIVEN[project_id])
    assert expected
    stand.holds(project_id, expected)


@pytest.mark.parametrize("project_id", [EQUITIES, DERIVATIVES, EURO])
def test_prometheus_holds_what_is_true(stand: Stand, project_id: int) -> None:
    expected = true(stand.world.truth(project_id))
    assert len(expected) > len(HOLDING_FIELDS)
    stand.holds(project_id, expected)


def test_what_was_not_sent_yet_before_2024_is_0(stand: Stand) -> None:
    """The oldest encoding has no percentage."""
    expected = true(stand.world.truth(CURRENCIES), with_ratio=False)
    ratios = {
        ("quantconnect_holding_unrealized_pnl_ratio", key): 0.0
        for metric, key in expected
        if metric == "quantconnect_holding_quantity"
    }
    assert ratios
    stand.holds(CURRENCIES, {**expected, **ratios})


def test_an_empty_portfolio_is_a_number_of_0(stand: Stand) -> None:
    assert stand.value('quantconnect_holdings{project_id="1004"}') == 0
    assert held(stand.prometheus, 1004) == {}


def test_status_and_equity(stand: Stand) -> None:
    for project_id in (EQUITIES, EURO):
        truth = stand.world.truth(project_id)
        assert truth.equity is not None
        assert truth.account is not None
        own = f'project_id="{project_id}"'
        assert stand.value(f"quantconnect_live_equity{{{own}}}") == round(truth.equity, 2)
        currency = f'account_currency="{truth.account.currency}"'
        assert stand.value(f"quantconnect_live_equity{{{own}, {currency}}}") is not None
        running = stand.prometheus.query(f"quantconnect_live_status{{{own}}} == 1")
        assert [series["metric"]["status"] for series in running] == [truth.status]


def test_a_closed_position_is_gone_at_the_next_read(stand: Stand) -> None:
    before = held(stand.prometheus, EQUITIES)
    symbol_id = min(key for metric, key in before if metric == "quantconnect_holding_quantity")
    stand.world.close(EQUITIES, symbol_id)
    eventually(
        lambda: all(key != symbol_id for _, key in held(stand.prometheus, EQUITIES)),
        f"{symbol_id} is gone",
        seconds=SECONDS,
    )
    stand.holds(EQUITIES, true(stand.world.truth(EQUITIES)))
    # All of a read or nothing of it: at no scrape did the number of positions say otherwise.
    disagreement = (
        "quantconnect_holdings != on (project_id) "
        "count by (project_id) (quantconnect_holding_quantity)"
    )
    now = time.time()
    answer = stand.prometheus.get(
        "/api/v1/query_range",
        query=disagreement,
        start=f"{now - 60}",
        end=f"{now}",
        step="0.5",
    )
    assert answer["data"]["result"] == []


def test_a_failing_project_keeps_its_numbers_then_loses_them_alone(stand: Stand) -> None:
    own = f'project_id="{DERIVATIVES}", source="portfolio"'
    numbers = true(stand.world.truth(DERIVATIVES))
    others = {1001: sent(GIVEN[1001]), EURO: true(stand.world.truth(EURO))}
    stand.holds(DERIVATIVES, numbers)
    fault = stand.server.faults.add(
        Status(503), endpoint="live/portfolio/read", project_id=DERIVATIVES
    )
    try:
        eventually(
            lambda: stand.value(f"quantconnect_read_success{{{own}}}") == 0,
            "the failure shows",
            seconds=SECONDS,
        )
        last = stand.value(f"quantconnect_read_last_success_timestamp_seconds{{{own}}}")
        assert last is not None
        if time.time() < last + STALE_AFTER - 2:  # else this machine is too slow to see it
            stand.holds(DERIVATIVES, numbers)
        withdrawn = f'quantconnect_holdings{{project_id="{DERIVATIVES}"}}'
        eventually(
            lambda: (
                stand.value("count(quantconnect_holdings)") is not None
                and stand.value(withdrawn) is None
            ),
            "what is too old is withdrawn",
            seconds=SECONDS,
        )
        gone = time.time()
        assert gone - last >= STALE_AFTER
        # Never before: at every scrape until then the numbers were those of the last good read.
        quantity = f'quantconnect_holding_quantity{{project_id="{DERIVATIVES}"}}'
        assert not stand.prometheus.query(
            f"changes({quantity}[{STALE_AFTER}s]) > 0", at=last + STALE_AFTER - 1
        )
        assert stand.prometheus.query(f"last_over_time({quantity}[3s])", at=last + STALE_AFTER - 1)
        # What describes the reading, and what is read by itself, stays.
        assert stand.value(f"quantconnect_read_success{{{own}}}") == 0
        stamp = f"quantconnect_read_last_success_timestamp_seconds{{{own}}}"
        assert stand.value(stamp) == last
        assert stand.value(f'quantconnect_live_equity{{project_id="{DERIVATIVES}"}}') is not None
        for project_id, expected in others.items():
            stand.holds(project_id, expected)
        stand.holds(DERIVATIVES, {})
    finally:
        stand.server.faults.remove(fault)
    eventually(
        lambda: held(stand.prometheus, DERIVATIVES) == numbers,
        "its numbers are back",
        seconds=SECONDS,
    )


def test_a_real_prometheus_negotiates_openmetrics_and_an_older_one_text(
    stand: Stand, tmp_path: Path
) -> None:
    """The names in Prometheus's metadata tell the formats apart: only in OpenMetrics is a counter
    described without ``_total``."""
    with plain_text(stand.exporter.address) as older:
        prometheus = Prometheus(tmp_path, targets=[stand.exporter.address, older], rules=False)
        try:
            prometheus.start()

            def described(metric: str) -> set[str]:
                found = prometheus.get("/api/v1/targets/metadata", metric=metric)["data"]
                return {entry["target"]["instance"] for entry in found}

            # Metadata is there before the samples of the same scrape are.
            eventually(
                lambda: bool(prometheus.query("count(scrape_samples_scraped > 0) == 2")),
                "both are scraped",
                seconds=SECONDS,
            )
            assert described("quantconnect_holdings") == {stand.exporter.address, older}
            assert described("quantconnect_api_requests") == {stand.exporter.address}
            assert described("quantconnect_api_requests_total") == {older}
            for name in (*HOLDING_FIELDS, *CASH_FIELDS, "quantconnect_live_equity"):
                counts = prometheus.query(f"count without (instance) ({name})")
                assert counts
                assert {series["value"][1] for series in counts} == {"2"}
                apart = f"max without (instance) ({name}) != min without (instance) ({name})"
                assert prometheus.query(apart) == []
        finally:
            prometheus.stop()


def test_promtool_finds_nothing_to_say(stand: Stand) -> None:
    kind, text = stand.exporter.get("/metrics")
    assert kind.startswith("text/plain")
    checked = subprocess.run(
        ["promtool", "check", "metrics"],
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_a_wrong_token_is_one_call_and_then_silence(stand: Stand, tmp_path: Path) -> None:
    with SimulatorServer(stand.world) as server:
        file = configure(tmp_path, server.base_url, [EQUITIES, EURO], token="not-the-token")
        with ExporterProcess(tmp_path, f"--config.file={file}") as exporter:
            prometheus = Prometheus(tmp_path, targets=[exporter.address], rules=False)
            try:
                prometheus.start()
                # Ready, and for longer than it would take to read everything several times.
                eventually(
                    lambda: bool(
                        prometheus.query("count_over_time(quantconnect_api_authenticated[1m]) > 3")
                    ),
                    "several scrapes",
                    seconds=SECONDS,
                )
                assert [request.endpoint for request in server.requests] == ["authenticate"]
                assert prometheus.query("quantconnect_api_authenticated == 0")
                assert prometheus.query("quantconnect_holding_quantity") == []
            finally:
                prometheus.stop()
            (line,) = (line for line in exporter.log.splitlines() if "rejects" in line)
            assert "level=error" in line
            assert "check both and this machine's clock" in line
            assert "wait_seconds=900" in line
            assert "not-the-token" not in exporter.log
            assert exporter.stop() == 0

        server.requests.clear()
        doctor = run("doctor", f"--config.file={file}")
        assert doctor.returncode == 1
        assert "FAILED" in doctor.stdout
        assert "check the token: it must be the one on the account page of user" in doctor.stdout
        assert "1 problem to fix.\n" in doctor.stdout
        assert "not-the-token" not in doctor.stdout + doctor.stderr
        assert [request.endpoint for request in server.requests] == ["authenticate"]


def test_doctor_says_that_all_is_well(stand: Stand, tmp_path: Path) -> None:
    read = [EQUITIES, 1001]
    # Live projects that nobody reads are worth a note.
    with SimulatorServer(World(map(stand.world.project, read))) as server:
        tickers = {"FB": "META", "GOOCV": "GOOG"}
        file = configure(tmp_path, server.base_url, read, tickers=tickers)
        doctor = run("doctor", f"--config.file={file}")
    assert doctor.returncode == 0, doctor.stdout
    assert 'project 1001                        ok      "Short"' in doctor.stdout
    assert doctor.stdout.endswith("\nAll is well.\n")


def test_sigterm_ends_it_well(stand: Stand, tmp_path: Path) -> None:
    file = configure(tmp_path, stand.server.base_url, [1001])
    with ExporterProcess(tmp_path, f"--config.file={file}") as exporter:
        assert exporter.stop() == 0
        assert re.search(r"msg=Stopped$", exporter.log.rstrip())
        assert "Traceback" not in exporter.log


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=60
    )


@contextmanager
def plain_text(address: str) -> Iterator[str]:
    """The exporter's metrics for those who only know the text format: an older Prometheus's
    Accept header takes the place of whoever asks. Gives the address to scrape."""

    class Forward(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            request = urllib.request.Request(
                f"http://{address}{self.path}", headers={"Accept": "text/plain;version=0.0.4"}
            )
            with urllib.request.urlopen(request, timeout=10) as response:
                body = response.read()
                self.send_response(response.status)
                self.send_header("Content-Type", response.headers["Content-Type"])
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Forward) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
