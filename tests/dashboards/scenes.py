"""Scenes that a dashboard must tell truly, in a Prometheus whose past is written, not waited for.

The simulator and the exporter's `dump` give what is published at a few moments. It is written
around these moments, as a Prometheus would have scraped it, the recording rules are evaluated over
it, and one Prometheus answers for all scenes: a scene is a time.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exporter.simulator import Deployment, World
from exporter.simulator.api import Api
from exporter.simulator.project import Project, Truth
from prometheus.records import levels
from prometheus.stack import Prometheus
from tests.support import GivenAccount, SimulatorServer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

HOUR, DAY = 3600.0, 86_400.0
# A Wednesday, 08:00 UTC: all scenes but the last are of this day.
STARTED = 1_795_593_600.0
STOPS = STARTED + 4 * HOUR
CRASHES = STARTED + 8 * HOUR
OUTAGE = STARTED + 11 * HOUR
DEATH = STARTED + 14 * HOUR

WELL = STARTED + HOUR
STOPPED = STOPS + HOUR
CRASHED = CRASHES + HOUR
QUANTCONNECT_DOWN = OUTAGE + HOUR
ALIVE = DEATH - 60
DEAD_8_MINUTES = DEATH + 480
DEAD_3_DAYS = DEATH + 3 * DAY
SCENES: Mapping[str, float] = {
    "all well": WELL,
    "stopped with positions": STOPPED,
    "crashed": CRASHED,
    "QuantConnect down for an hour": QUANTCONNECT_DOWN,
    "exporter dead for 8 minutes": DEAD_8_MINUTES,
    "exporter dead for 3 days": DEAD_3_DAYS,
}

SHARES, DERIVATIVES, EURO = "21048731", "21363904", "22418690"
FLAT, STOPPING, CRASHING, NEVER = "22735112", "23019847", "23344561", "23580029"
YOUNG = "24000001"
ALL_PROJECTS: Mapping[str, str] = {
    SHARES: "US equities long-short",
    DERIVATIVES: "Options and futures",
    EURO: "Euro core",
    FLAT: "Reserve in cash",
    STOPPING: "Research/Pairs mean reversion",
    CRASHING: "Volatility breakout",
    NEVER: "Not yet deployed",
    YOUNG: "One day old",
}
YOUNG_GAIN = 1000.0  # what the youngest has earned since yesterday
# What the configuration says of single projects.
_OWN = {
    SHARES: (
        "limits: {max_drawdown: 0.15, max_gross_leverage: 2}",
        "statistics: [Open Risk, Signal]",
    ),
    DERIVATIVES: (
        "limits: {max_position_weight: 1, min_cash_ratio: 0.01, max_days_without_fill: 5}",
        "log_queries: {warnings: warning}",
    ),
}
TARGET = 'job="quantconnect",instance="127.0.0.1:10270"'
_READ = "quantconnect_read_last_success_timestamp_seconds"
_KNOWN = "project:quantconnect_read_last_success_timestamp_seconds:known"
_LAST = "project:quantconnect_read_last_success_timestamp_seconds:last"
# Published while the exporter runs, whatever QuantConnect does.
_LASTING = re.compile(r"quantconnect_(project_|read_|api_|exporter_)|process_")
_AGE = 4.0  # seconds since a portfolio was read, while reads succeed
# Seconds before a scene from which on its samples are written, and between them. Where the exporter
# is dead they begin more than the five minutes after its last sample for which Prometheus would
# still find that: a real one marks every series of a target that does not answer as ended, and such
# marks cannot be written.
_BEFORE, _EVERY = 120.0, 60.0


@dataclass(frozen=True)
class Sample:
    """A series, its value and its time in unix seconds."""

    series: str
    value: str
    at: float

    def __str__(self) -> str:
        return f"{self.series} {self.value} {self.at:.3f}\n"


@contextmanager
def prometheus(directory: Path) -> Iterator[Prometheus]:
    """A Prometheus with the past of every scene in `directory`, which must be empty."""
    data = directory / "data"
    data.mkdir()
    _blocks(directory, data, past(directory))
    for level in levels():
        evaluator = Prometheus(directory, targets=[], rules=False)
        evaluator.start()
        try:
            recorded = sorted(_recorded(evaluator, level), key=lambda sample: sample.at)
        finally:
            evaluator.stop()
        _blocks(directory, data, recorded)
    server = Prometheus(directory, targets=[], rules=False)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _blocks(directory: Path, data: Path, samples: Iterable[Sample]) -> None:
    file = directory / "past.om"
    with file.open("w", encoding="utf-8") as out:
        out.writelines(str(sample) for sample in samples)
        out.write("# EOF\n")
    command = ["promtool", "tsdb", "create-blocks-from", "--max-block-duration=1296h"]
    subprocess.run([*command, "openmetrics", file, data], check=True, stdout=subprocess.DEVNULL)


# --- The past ---------------------------------------------------------------------------------


def past(directory: Path) -> list[Sample]:
    """Every sample that was scraped, and the alerts that fired, in the order of time."""
    world = _world()
    times = [STARTED - 7 * DAY, STARTED - DAY / 2, WELL, STOPPED, CRASHED]
    with ThreadPoolExecutor(2) as pool:
        dumps = dict(zip(times, pool.map(lambda at: dump(directory, at), times), strict=True))
    samples = [*_equities(world, dumps[WELL]), *_alerts()]
    samples += _kept(_KNOWN, dumps[CRASHED], OUTAGE, QUANTCONNECT_DOWN - 2 * _BEFORE)
    for scene in (*SCENES.values(), ALIVE):
        # The same positions a day and a week before each: what was opened and closed since.
        for back, seen in ((7 * DAY, times[0]), (DAY, times[1])):
            samples += _scraped(dumps[seen], scene - back)
        for at in _stamps(scene):
            if at > DEATH:
                samples += _silent(dumps[CRASHED], at)
            elif OUTAGE < at <= QUANTCONNECT_DOWN:
                samples += _refused(dumps[CRASHED], at)
            else:
                newest = max(seen for seen in times if seen <= at + _BEFORE)
                samples += _scraped(dumps[newest], at)
    unique = {(sample.series, sample.at): sample for sample in samples}
    return sorted(unique.values(), key=lambda sample: sample.at)


def _stamps(scene: float) -> list[float]:
    return [scene - _BEFORE + _EVERY * number for number in range(round(_BEFORE / _EVERY) + 1)]


def _world() -> World:
    demo = World.demo(started=STARTED, stops_after=STOPS - STARTED, crashes_after=CRASHES - STARTED)
    young = Project(
        int(YOUNG),
        ALL_PROJECTS[YOUNG],
        STARTED - 2 * DAY,
        GivenAccount(50_000.0),
        # One position, at a loss that is written as 0.
        answer=b'{"portfolio": {"holdings": {"AAPL R735QTJ8XC9X": {"a": 229.53, "q": 10,'
        b' "p": 229.49, "v": 2294.9, "u": -0.4, "up": -0.0174}}, "cash": {"USD": {"amount":'
        b' 47705.1, "conversionRate": 1, "valueInAccountCurrency": 47705.1}}}, "success": true}',
        deployments=[Deployment("L-young", WELL - DAY)],
    )
    return World([*demo.projects, young])


def equities(at: float) -> dict[str, float]:
    """The equity of each project that was ever deployed, by its id, in its account's currency."""
    found = {each: truth(each, at).equity for each in ALL_PROJECTS}
    return {each: equity for each, equity in found.items() if equity is not None}


@dataclass(frozen=True)
class Held:
    """A position as QuantConnect sends it; `value` and `pnl` in the account's currency."""

    symbol_id: str
    type: str
    quantity: float
    price: float
    value: float
    pnl: float
    ratio: float


@cache
def _asked() -> World:
    """The one that is asked what is true: a world remembers what it has worked out."""
    return _world()


@cache
def truth(project: str, at: float) -> Truth:
    """What is true of a project."""
    return _asked().truth(int(project), at)


@cache
def holdings(project: str, at: float) -> list[Held]:
    """The open positions of a project."""
    if project == YOUNG:
        return [Held("AAPL R735QTJ8XC9X", "Equity", 10, 229.49, 2294.9, -0.4, -0.000174)]
    account = truth(project, at).account
    return [
        Held(
            symbol_id,
            held.instrument.security_type.name.title().replace("_", ""),
            held.quantity,
            sent.market_price,
            sent.market_value,
            sent.unrealized_pnl,
            sent.unrealized_pnl_percent / 100,
        )
        for symbol_id, held in (account.holdings if account else {}).items()
        for sent in (held.on_wire(),)
    ]


def cash_book(project: str, at: float) -> dict[str, float]:
    """The value of each currency in the account's."""
    if project == YOUNG:
        return {"USD": 47705.1}
    account = truth(project, at).account
    return {name: each.value for name, each in account.cash.items()} if account else {}


def cash(project: str, at: float) -> float:
    return sum(cash_book(project, at).values())


def equity(project: str, at: float) -> float:
    """The equity that was published then; 0 before the project's first deployment."""
    found = truth(project, at).equity or 0.0
    return found - YOUNG_GAIN if project == YOUNG and found and at < STARTED else found


def known_equities(project: str, start: float, end: float) -> list[float]:
    """Those of its equities that were scraped within a time."""
    seen = (*SCENES.values(), ALIVE)
    truly = {at: at for at in _past_stamps()} | {at: at for each in seen for at in _stamps(each)}
    # A day and a week before each scene, `past` writes one earlier moment.
    truly |= {each - DAY: STARTED - DAY / 2 for each in seen}
    truly |= {each - 7 * DAY: STARTED - 7 * DAY for each in seen}
    within = [at for stamp, at in truly.items() if start <= stamp <= end and stamp < DEATH]
    return [found for at in within if (found := equity(project, at))]


def statistic(project: str, at: float, name: str) -> float:
    """One of what QuantConnect says of the deployment that runs."""
    found: float = getattr(truth(project, at).statistics, name)
    return found


@cache
def listed(kind: str, project: str, at: float) -> list[dict[str, Any]]:
    """The whole answer of live/orders/read or live/trades/read."""
    world = _world()
    world.freeze(at)
    asked: dict[str, object] = {"projectId": int(project), "start": 0, "end": 1000}
    answer = json.loads(Api(world).answer(f"live/{kind}/read", asked))
    found: list[dict[str, Any]] = answer.get(kind, [])
    return found


def orders(project: str, at: float) -> Counter[int]:
    """The orders of a project's newest deployment by the number of their status in LEAN."""
    deployment = truth(project, at).deployment
    assert deployment is not None
    found: Counter[int] = Counter()
    for order in listed("orders", project, at):
        if order["events"][0]["algorithmId"] == deployment.deploy_id:
            found[order["status"]] += 1
    return found


def positions(at: float) -> dict[str, int]:
    """The number of open positions of each of them."""
    found = {each: truth(each, at).account for each in ALL_PROJECTS}
    return {each: len(account.holdings) for each, account in found.items() if account is not None}


def dump(directory: Path, at: float) -> list[tuple[str, str]]:
    """The series and values that the exporter publishes of the world at `at`."""
    world = _world()
    world.freeze(at)
    entries = [", ".join((f"{{id: {each}", *_OWN.get(each, ()))) + "}" for each in ALL_PROJECTS]
    with SimulatorServer(world, "127.0.0.1", 0) as server:
        configuration = directory / f"{at:.0f}.yaml"
        configuration.write_text(
            "tickers: {FB: META, GOOCV: GOOG}\nbenchmark_interval: 1h\n"
            "accounts:\n"
            "  - {name: demo, user_id: 1, api_token: demo, requests_per_minute: 6000,"
            f" base_url: '{server.base_url}', projects: [{', '.join(entries)}]}}\n"
        )
        command = Path(sys.executable).parent / "quantconnect-exporter"
        done = subprocess.run(
            [command, "dump", f"--config.file={configuration}"],
            capture_output=True,
            text=True,
            check=False,
        )
    lines = [line for line in done.stdout.splitlines() if not line.startswith("#")]
    if not lines:
        raise RuntimeError(done.stderr)
    return [(series, value) for series, _, value in (line.rpartition(" ") for line in lines)]


def _targeted(series: str) -> str:
    """The series with the labels that Prometheus gives the target's samples."""
    name, _, labels = series.partition("{")
    return f"{name}{{{TARGET}{',' + labels if labels else '}'}"


def _scraped(
    published: list[tuple[str, str]], at: float, *, read_at: float | None = None
) -> list[Sample]:
    """A scrape at `at` of what was read shortly before, or at `read_at`."""
    read = at - _AGE if read_at is None else read_at
    samples = [Sample(f"up{{{TARGET}}}", "1", at)]
    for name, value in (("duration_seconds", "0.01"), ("samples_scraped", f"{len(published)}")):
        samples.append(Sample(f"scrape_{name}{{{TARGET}}}", value, at))
    answers = f'quantconnect_exporter_http_requests_total{{{TARGET},code="200",handler="/metrics"}}'
    samples.append(Sample(answers, f"{at // _EVERY:.0f}", at))
    for series, value in published:
        number = f"{read}" if series.startswith(_READ) else value
        samples.append(Sample(_targeted(series), number, at))
    return samples


def _refused(published: list[tuple[str, str]], at: float) -> list[Sample]:
    """A scrape while QuantConnect has not answered for so long that what was read is withdrawn."""
    calls = (at - OUTAGE) // _EVERY
    lasting = []
    for series, value in published:
        if series.startswith("quantconnect_read_success"):
            lasting.append((series, "0"))
        elif series.startswith("quantconnect_api_requests_total") or "http_5xx" in series:
            lasting.append((series, f"{float(value) + calls:.0f}"))
        elif _LASTING.match(series):
            lasting.append((series, value))
    return _scraped(lasting, at, read_at=OUTAGE)


def _silent(published: list[tuple[str, str]], at: float) -> list[Sample]:
    """A failed scrape, and the time of the last reads as the rules keep it."""
    return [
        Sample(f"up{{{TARGET}}}", "0", at),
        *_kept(_LAST, published, DEATH - _AGE, at, names=True),
    ]


def _kept(
    record: str, published: list[tuple[str, str]], value: float, at: float, *, names: bool = False
) -> Iterator[Sample]:
    """What a rule kept of its own past: it is evaluated here at a few moments only."""
    for series, _ in published:
        if not series.startswith("quantconnect_read_interval_seconds"):
            continue
        labels = dict(re.findall(r'(\w+)="([^"]*)"', series))
        if not labels["project_id"]:  # a read of an account: the records are of projects
            continue
        wanted = ("project_id", "source", *(("project",) if names else ()))
        inner = ",".join(f'{name}="{labels[name]}"' for name in sorted(wanted))
        yield Sample(f'{record}{{job="quantconnect",{inner}}}', f"{value}", at)


def _equities(world: World, published: list[tuple[str, str]]) -> Iterator[Sample]:
    """A month of equity, every six hours and at what the rules look back to from each scene."""
    for series, _ in published:
        if not series.startswith("quantconnect_live_equity"):
            continue
        (project_id,) = re.findall(r'project_id="(\d+)"', series)
        project = world.project(int(project_id))
        for at in _past_stamps():
            deployment = project.deployment(at)
            if at < DEATH and deployment is not None:
                equity = project.equity(deployment, at)
                if project_id == YOUNG:  # whose account is given, and never moves
                    equity -= YOUNG_GAIN
                yield Sample(_targeted(series), f"{equity:.2f}", at)


def _past_stamps() -> list[float]:
    stamps = {STARTED - 31 * DAY + number * 6 * HOUR - 2 * HOUR for number in range(125)}
    return sorted(stamps | {scene - days * DAY for scene in SCENES.values() for days in (1, 7, 30)})


def firing(scene: float) -> list[tuple[str, str, str]]:
    """Name, severity and labels of the alerts in a scene; the rules have tests of their own."""
    stopped = f'project_id="{STOPPING}",project="{ALL_PROJECTS[STOPPING]}"'
    crashed = f'project_id="{CRASHING}",project="{ALL_PROJECTS[CRASHING]}"'
    closed = f'{stopped},symbol="KO"'
    down = ("QuantConnectExporterDown", "critical", 'instance="127.0.0.1:10270"')
    return {
        STOPPED: [
            ("QuantConnectPositionClosed", "info", closed),
            ("QuantConnectAlgorithmNotRunning", "warning", stopped),
            ("QuantConnectStoppedWithOpenPositions", "critical", stopped),
        ],
        CRASHED: [
            ("QuantConnectAlgorithmRuntimeError", "critical", crashed),
            ("QuantConnectStoppedWithOpenPositions", "critical", stopped),
        ],
        QUANTCONNECT_DOWN: [("QuantConnectAPIErrorsHigh", "critical", 'account="demo"')],
        DEAD_8_MINUTES: [down],
        DEAD_3_DAYS: [down],
    }.get(scene, [])


def _alerts() -> Iterator[Sample]:
    """Alerts as they fire in each scene."""
    for scene in (WELL, STOPPED, CRASHED, QUANTCONNECT_DOWN, ALIVE, DEAD_8_MINUTES, DEAD_3_DAYS):
        watchdog = ("QuantConnectWatchdog", "none", 'rules="evaluated"')
        for name, severity, labels in (watchdog, *firing(scene)):
            series = (
                f'ALERTS{{alertname="{name}",alertstate="firing",job="quantconnect",'
                f'severity="{severity}",{labels}}}'
            )
            for at in _stamps(scene):
                yield Sample(series, "1", at)


# --- What the rules record --------------------------------------------------------------------


def _recorded(evaluator: Prometheus, level: list[dict[str, Any]]) -> Iterator[Sample]:
    for rule in level:
        for scene in SCENES.values():
            answer = evaluator.get(
                "/api/v1/query_range",
                query=rule["expr"],
                start=f"{scene - _BEFORE}",
                end=f"{scene}",
                step=f"{_EVERY}",
            )
            for result in answer["data"]["result"]:
                labels = {**result["metric"], **rule.get("labels", {})}
                labels.pop("__name__", None)
                inner = ",".join(f'{name}="{value}"' for name, value in sorted(labels.items()))
                for at, value in result["values"]:
                    yield Sample(f"{rule['record']}{{{inner}}}", value, at)
