"""``make demo``: what it starts, its month of past, the seam to its present, and how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.parse
import urllib.request
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter.simulator import World
from prometheus.history import DAY, DAYS, HOUR
from prometheus.stack import ROOT, eventually, free_port
from tests.dashboards.queries import queries
from tests.rules.ruleset import RECORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

pytestmark = [pytest.mark.needs_prometheus, pytest.mark.needs_alertmanager]

SECONDS = 120.0
MARK = "QUANTCONNECT_TEST_DEMO"
# What the demo has none of: projects that were never deployed, or stopped without a position, and
# projects with drawdown_since.
NEVER = {
    "project:quantconnect_never_deployed:info",
    "project:quantconnect_portfolio_unneeded:info",
    "project:quantconnect_live_equity:peak_since",
}
# Families with the same values a moment later, and with similar ones.
SAME = {
    "quantconnect_project_info",
    "quantconnect_project_limit",
    "quantconnect_live_status",
    "quantconnect_live_launched_timestamp_seconds",
    "quantconnect_read_interval_seconds",
    "quantconnect_read_success",
    "quantconnect_api_authenticated",
    "quantconnect_exporter_build_info",
}
CLOSE = {
    "quantconnect_live_equity",
    "quantconnect_holding_market_price",
    "quantconnect_holding_average_price",
    "quantconnect_cash_conversion_rate",
    "quantconnect_live_memory_total_bytes",
}

Samples = dict[frozenset[tuple[str, str]], float]
"""Values by the labels of their series."""


@dataclass
class Demo:
    """A demo that was started; what it has started itself carries its mark."""

    process: subprocess.Popen[bytes]
    ports: dict[str, int]
    mark: str
    log: Path

    def says(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def commands(self) -> list[str]:
        return commands(self.mark)

    def get(self, program: str, path: str, **parameters: str) -> Any:
        if self.process.poll() is not None:
            raise RuntimeError(f"the demo ended:\n{self.says()}")
        query = urllib.parse.urlencode(parameters)
        url = f"http://127.0.0.1:{self.ports[program]}{path}?{query}"
        with urllib.request.urlopen(url, timeout=10) as response:
            return response.read()

    def answers(self, program: str, path: str) -> bool:
        try:
            return bool(self.get(program, path))
        except OSError:
            return False


def commands(mark: str) -> list[str]:
    """The command lines of all processes that there are with a mark in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_text().replace("\0", " ").strip())
        except OSError:  # it has just ended
            continue
    return [command for command in found if command]


@contextmanager
def demo(directory: Path, **taken: int) -> Iterator[Demo]:
    mark = uuid.uuid4().hex
    names = ("exporter", "simulator", "prometheus", "alertmanager")
    ports = {name: taken.get(name) or free_port() for name in names}
    log = directory / "demo.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "prometheus.demo",
                f"--exporter=127.0.0.1:{ports['exporter']}",
                f"--simulator=127.0.0.1:{ports['simulator']}",
                f"--prometheus={ports['prometheus']}",
                f"--alertmanager={ports['alertmanager']}",
                f"--directory={directory / 'data'}",
            ],
            cwd=ROOT,
            stdout=output,
            stderr=output,
            env={**os.environ, MARK: mark},
            start_new_session=True,
        )
    started = Demo(process, ports, mark, log)
    try:
        yield started
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(60)


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo whose exporter is ready, and which writes its past."""
    with demo(tmp_path_factory.mktemp("make-demo")) as ready:
        eventually(
            lambda: ready.answers("exporter", "/-/ready"), "the exporter is ready", seconds=SECONDS
        )
        yield ready


@pytest.fixture(scope="module")
def now(ready: Demo) -> Samples:
    """What the exporter publishes as the demo begins."""
    return {
        frozenset(
            (name, value)
            for name, value in {"__name__": sample.name, **sample.labels}.items()
            if value  # Prometheus drops the others
        ): sample.value
        for family in text_string_to_metric_families(ready.get("exporter", "/metrics").decode())
        for sample in family.samples
    }


@pytest.fixture(scope="module")
def running(ready: Demo, now: Samples) -> Demo:
    """The same with its past and its Prometheus; ``now`` was read before minutes passed."""
    eventually(
        lambda: (
            ready.answers("prometheus", "/-/ready")
            and len(vector(ready, "count_over_time(quantconnect_live_equity[30s])")) >= 7
        ),
        "Prometheus has seen it",
        seconds=SECONDS,
    )
    return ready


@pytest.fixture(scope="module")
def started(running: Demo) -> float:
    """The time at which the demo began, in unix seconds, as its exporter was told."""
    (command,) = (each for each in running.commands() if "--simulator.started=" in each)
    return float(command.partition("--simulator.started=")[2].split()[0])


def vector(running: Demo, expression: str, *, at: float | None = None) -> list[dict[str, Any]]:
    moment = {} if at is None else {"time": f"{at:.3f}"}
    answer = running.get("prometheus", "/api/v1/query", query=expression, **moment)
    return list(json.loads(answer)["data"]["result"])


def test_it_says_what_to_open(running: Demo) -> None:
    eventually(lambda: "Grafana of yours" in running.says(), "it has said all", seconds=SECONDS)
    pages = set(re.findall(r"^ +(http://\S+)", running.says(), flags=re.MULTILINE))
    assert len(pages) == 4  # the exporter and its metrics; equity and the alerts in Prometheus
    for page in pages:
        with urllib.request.urlopen(page, timeout=10) as response:
            assert response.status == 200
    (command,) = re.findall(r"^ +(amtool .+)$", running.says(), flags=re.MULTILINE)
    assert subprocess.run(command.split(), check=False, capture_output=True).returncode == 0


def test_the_past_goes_over_into_the_present(running: Demo, started: float) -> None:
    world = World.demo(started=started)
    about = json.loads(running.get("prometheus", "/api/v1/status/runtimeinfo"))["data"]
    scraped = datetime.fromisoformat(f"{about['startTime'][:19]}+00:00").timestamp()

    def all_present() -> bool:
        """The first scrape may come before those that are discovered are read."""
        known = vector(running, "quantconnect_live_equity[20m]")
        return all(float(series["values"][-1][0]) > scraped for series in known)

    eventually(all_present, "the present of every series", seconds=SECONDS)
    found = vector(running, "quantconnect_live_equity[20m]")
    assert len(found) == len(vector(running, "quantconnect_live_equity")) >= 7
    for series in found:
        samples = [(float(at), float(number)) for at, number in series["values"]]
        before = [sample for sample in samples if sample[0] <= scraped]
        after = [sample for sample in samples if sample[0] > scraped]
        # One series: its labels are the same on both sides.
        assert before, f"{series['metric']} has no past"
        assert after, f"{series['metric']} has no present"
        project_id = int(series["metric"]["project_id"])

        def equity(at: float, project_id: int = project_id) -> float:
            true = world.truth(project_id, at).equity
            assert true is not None
            return round(true, 2)

        last, first = before[-1], after[0]
        # What is scraped was read seconds ago, in the past a minute; the price has moved since.
        for (at, number), seconds in ((last, 70), (first, 30)):
            recent = [equity(at - 0.1 * tenths) for tenths in range(10 * seconds)]
            slack = 0.0001 * abs(number)
            assert min(recent) - slack <= number <= max(recent) + slack
        assert first[1] == pytest.approx(last[1], rel=0.01)
        # Nor is there a gap, only the time in which Prometheus started.
        assert first[0] - last[0] < 60


def test_trades_and_lines_of_the_log_are_marked(running: Demo, started: float) -> None:
    """Those of a month, on the graphs of Portfolio; no project has a new line each week."""
    found = set()
    for project in World.demo(started=started).project_ids:
        for query in queries({"project": str(project), "__interval": "30m"}):
            if query.kind == "annotation":
                answer = running.get(
                    "prometheus",
                    "/api/v1/query_range",
                    query=query.expr,
                    start=f"{started - (DAYS - 1) * DAY}",
                    end=f"{started}",
                    step="1800",
                )
                if json.loads(answer)["data"]["result"]:
                    found.add(query.place)
    assert found >= {"Deployments", "Trades", "Log matches"}


def names(series: Iterable[Iterable[tuple[str, str]]]) -> set[str]:
    return {dict(labels)["__name__"] for labels in series}


def without_target(metric: dict[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset(
        (name, value) for name, value in metric.items() if name not in ("job", "instance")
    )


def test_each_family_has_a_month_of_past(running: Demo, now: Samples, started: float) -> None:
    """The exporter's own metrics have one too, and so do those about the scrape."""
    first = started - (DAYS - 1) * DAY
    found = names(
        each["metric"].items() for each in vector(running, '{job="quantconnect"}', at=first)
    )
    assert names(now) | {"up", "scrape_samples_scraped", "scrape_duration_seconds"} <= found


@pytest.mark.parametrize(
    ("seconds", "step", "rate"),
    [(HOUR, 5, 20), (6 * HOUR, 15, 20), (DAY, 60, 65), (7 * DAY, 600, 605), (30 * DAY, 1800, 1805)],
)
def test_a_chart_of_a_rate_has_no_gap(
    seconds: int, step: int, rate: int, running: Demo, started: float
) -> None:
    """Grafana draws at most 1,600 points; each rate spans a point or four scrapes."""
    calls = 'quantconnect_api_requests_total{endpoint="live/portfolio/read"}'
    answer = running.get(
        "prometheus",
        "/api/v1/query_range",
        query=f"rate({calls}[{rate}s])",
        start=f"{started - seconds}",
        end=f"{started - step}",
        step=f"{step}",
    )
    (series,) = json.loads(answer)["data"]["result"]
    numbers = [float(number) for _, number in series["values"]]
    assert len(numbers) == seconds // step
    # Seven or eight projects, each read every five seconds. Where samples become twice as frequent,
    # one rate may be of 10 of its 20 seconds and half an interval more: 1.3 becomes 0.81.
    assert min(numbers) > 0.7
    assert sum(number < 1.0 for number in numbers) <= 1
    assert max(numbers) < 2.0


def test_the_past_ends_as_the_present_begins(running: Demo, now: Samples, started: float) -> None:
    """Both have the same series, except for trades in between, and similar values."""
    before = {
        without_target(each["metric"]): float(each["value"][1])
        for each in vector(running, '{job="quantconnect"}', at=started)
    }
    traded = {labels for labels in now if {"symbol_id", "currency"} & dict(labels).keys()}
    assert now.keys() - traded <= before.keys()
    both = now.keys() & before.keys()
    assert len(both) > 0.9 * len(now)
    assert not [labels for labels in before if "" in dict(labels).values()]
    for labels in both:
        name = dict(labels)["__name__"]
        if name in SAME:
            assert before[labels] == now[labels], labels
        if name in CLOSE and dict(labels).get("security_type", "Equity") == "Equity":
            assert before[labels] == pytest.approx(now[labels], rel=0.05), labels


def test_what_was_read_last_is_seconds_old_all_the_time(running: Demo, started: float) -> None:
    age = "time() - quantconnect_read_last_success_timestamp_seconds"
    for days in (0.01, 1, 7, 30):
        ages = [float(each["value"][1]) for each in vector(running, age, at=started - days * DAY)]
        assert len(ages) >= 3 * 5
        # They were read five seconds before at the most, and scraped five minutes ago.
        assert 0 <= min(ages) <= max(ages) <= 305


def test_each_record_has_a_past(running: Demo, started: float) -> None:
    recorded = {
        name
        for name in {rule.name for rule in RECORDS}
        if vector(running, f"last_over_time({name}[{DAYS}d])", at=started)
    }
    assert {rule.name for rule in RECORDS} - recorded == NEVER


def interrupt(running: Demo) -> None:
    """As a terminal does by Ctrl-C; and see that all of it ends."""
    os.killpg(running.process.pid, signal.SIGINT)
    assert running.process.wait(60) == 0
    assert "Ending the demo." in running.says()
    assert "Traceback" not in running.says()
    assert running.commands() == []
    for port in running.ports.values():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))


def test_ctrl_c_ends_all_of_it(running: Demo) -> None:
    interrupt(running)


def test_ctrl_c_ends_it_while_it_writes_the_past(tmp_path: Path) -> None:
    with demo(tmp_path) as starting:
        eventually(lambda: "Writing a past" in starting.says(), "it does", seconds=SECONDS)
        interrupt(starting)


def test_ctrl_c_ends_the_prometheus_that_evaluates_rules_over_the_past(tmp_path: Path) -> None:
    """That one ends with the demo too, though it is in a session of its own; over a past of a
    minute, since its month takes most of the demo's start."""
    code = f"""
import signal
from pathlib import Path
from prometheus.blocks import Block
from prometheus.records import Stretch, add_records
block = Block(range(0, 60_000, 5_000))
block.add((("__name__", "up"),), [(0, 1.0)])
# As the demo does: what is started in the background may be told to ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)
add_records([Stretch(block, [(0, 0), (6, 30)])], Path({str(tmp_path)!r}))
signal.pause()
"""
    mark = uuid.uuid4().hex
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        env={**os.environ, MARK: mark},
    ) as writing:
        try:
            eventually(
                lambda: any(
                    "Server is ready" in log.read_text() for log in tmp_path.glob("*/*.log")
                ),
                "it evaluates rules over the past",
                seconds=SECONDS,
            )
            writing.send_signal(signal.SIGINT)
            _, said = writing.communicate(timeout=120)
        finally:
            writing.kill()
    assert b"KeyboardInterrupt" in said
    assert commands(mark) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("program", ["exporter", "simulator"])
def test_a_port_that_is_taken_is_said_at_once(program: str, tmp_path: Path) -> None:
    """Also where another exporter answers on it, which must not be taken for the demo's own."""
    with (
        HTTPServer(("127.0.0.1", 0), Healthy) as other,
        demo(tmp_path, **{program: other.server_port}) as failing,
    ):
        thread = threading.Thread(target=other.serve_forever)
        thread.start()
        try:
            assert failing.process.wait(60) == 1
        finally:
            other.shutdown()
            thread.join()
    said = failing.says()
    assert said.startswith(f"127.0.0.1:{other.server_port}: in use by another program")
    assert "http://" not in said
    assert failing.commands() == []
    # The command that it names is taken as it stands.
    (command,) = re.findall(r"make demo DEMO='(.+)'", said)
    options = re.fullmatch(r"--exporter=127.0.0.1:(\d+) --simulator=127.0.0.1:(\d+)", command)
    assert options is not None
    done = subprocess.run(
        ["make", "--dry-run", "demo", f"DEMO={command}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"-m prometheus.demo {command}\n" in done.stdout


class Healthy(BaseHTTPRequestHandler):
    """An exporter that is well, whatever it is asked."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass
