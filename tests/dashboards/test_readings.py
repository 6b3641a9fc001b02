"""The dashboards say what is true in every scene, as Grafana's own code writes it.

Each scene is a time in one Prometheus; `reading.read` gives the texts. What must be true comes from
the simulator and from what the scene is, never from an earlier reading.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

import pytest

from grafana.builder import palette

from . import scenes
from .expected import SPEAKING, disagreements
from .expected.scene import (
    AGES,
    EXPORTER,
    FLEET,
    NOT_HELD,
    NOT_READ,
    PORTFOLIO,
    SCENES,
    SYMBOL,
    a_number,
)
from .queries import dashboards, queries
from .reading import NO_DATA, RELEASES, Panel, Reading, Request, Text, read
from .scenes import (
    ALL_PROJECTS,
    CRASHED,
    CRASHING,
    DAY,
    DEAD_3_DAYS,
    DEAD_8_MINUTES,
    DERIVATIVES,
    EURO,
    FLAT,
    NEVER,
    QUANTCONNECT_DOWN,
    SHARES,
    STOPPED,
    STOPPING,
    WELL,
    YOUNG,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus.stack import Prometheus

    from .expected.scene import Scene

pytestmark = [pytest.mark.needs_prometheus, pytest.mark.needs_grafana]

BOARDS = dashboards()
RANGES = {"15 minutes": 900.0, "7 days": 7 * DAY, "30 days": 30 * DAY, "a year": 365 * DAY}
SILENT = {
    "8 minutes": (DEAD_8_MINUTES, "8 min"),
    "3 days": (DEAD_3_DAYS, "3 day"),
    "QuantConnect": (QUANTCONNECT_DOWN, "1 hour"),
}
# What reads as news, or as good news, and so never follows from missing data.
GOOD_NEWS = re.compile(r"(?i)running|no open|no position|no alert|none firing|\bOK\b|holds this")
MINUS_ZERO = re.compile(r"-0([.,]0*)?(?![\d.,])")
# Panels without data although all is well, and why.
EMPTY = {
    (PORTFOLIO, "Custom statistics"): "the project of derivatives has none configured",
    (EXPORTER, "Failed calls by reason"): "no call was made within the last minutes",
    (EXPORTER, "Values left out of answers"): "the simulator sends nothing to leave out",
}
# Queries without an answer in every view, and why.
UNANSWERED = {
    (EXPORTER, "Accounts", "nothing"): "it is for an exporter without an account",
    (EXPORTER, "Values left out of answers", "A"): "the simulator sends nothing to leave out",
}
# What is marked on the graphs of Portfolio where the scenes have it; a trade and a new line in the
# log are marked between two samples, as in tests/integration/test_demo.py.
MARKED = {"Deployments", "Alerts"}


@dataclass(frozen=True, kw_only=True)
class View:
    """A dashboard opened in a scene: its time, and what is chosen in it."""

    uid: str
    at: float
    project: str = ""
    symbol: str = ""
    seconds: float = DAY

    @cached_property
    def variables(self) -> dict[str, str]:
        given = {"project": self.project, "symbol": self.symbol}
        return {name: value for name, value in given.items() if value}

    def request(self, server: Prometheus) -> Request:
        return Request(
            board=BOARDS[self.uid],
            prometheus=server.url,
            now=self.at,
            variables=self.variables,
            seconds=self.seconds,
        )


@dataclass
class Reader:
    """Reads views with one release; those that are known beforehand have been read."""

    release: str
    server: Prometheus
    known: dict[View, Reading]

    def __call__(self, uid: str, at: float, project: str = "", *, seconds: float = DAY) -> Reading:
        return self.view(View(uid=uid, at=at, project=project, seconds=seconds))

    def view(self, view: View) -> Reading:
        if view not in self.known:
            ((self.known[view],),) = read([view.request(self.server)], [self.release])
        return self.known[view]


def usual() -> Iterator[View]:
    """The views that the tests below look at."""
    for at in scenes.SCENES.values():
        yield View(uid=FLEET, at=at)
        yield View(uid=PORTFOLIO, at=at, project=SHARES)
    for at in (WELL, *(at for at, _ in SILENT.values())):
        yield View(uid=SYMBOL, at=at)
        yield View(uid=EXPORTER, at=at)
    for project in (DERIVATIVES, EURO, FLAT, YOUNG):
        yield View(uid=PORTFOLIO, at=WELL, project=project)
    yield View(uid=PORTFOLIO, at=WELL)
    for seconds in RANGES.values():
        yield View(uid=FLEET, at=CRASHED, seconds=seconds)
        yield View(uid=PORTFOLIO, at=CRASHED, project=CRASHING, seconds=seconds)
        yield View(uid=PORTFOLIO, at=DEAD_3_DAYS, project=SHARES, seconds=seconds)
    yield View(uid=PORTFOLIO, at=STOPPED, project=STOPPING)
    for uid in (SYMBOL, EXPORTER):
        yield View(uid=uid, at=CRASHED)
    yield View(uid=SYMBOL, at=WELL, project=YOUNG)
    yield View(uid=SYMBOL, at=WELL, symbol=option())
    for uid in BOARDS:
        yield from (opened(uid, scene) for scene in SCENES.values())


def opened(uid: str, scene: Scene) -> View:
    chosen = scene.variables(uid)
    project, symbol = chosen.get("project", ""), chosen.get("symbol", "")
    return View(uid=uid, at=scene.at, project=project, symbol=symbol)


def option() -> str:
    """A position that expires."""
    return min(
        held.symbol_id for held in scenes.holdings(DERIVATIVES, WELL) if "Option" in held.type
    )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    with scenes.prometheus(tmp_path_factory.mktemp("scenes")) as running:
        yield running


@pytest.fixture(scope="module")
def readers(server: Prometheus) -> dict[str, Reader]:
    views = list(dict.fromkeys(usual()))
    found = read([view.request(server) for view in views], RELEASES)
    return {
        release: Reader(release, server, dict(zip(views, readings, strict=True)))
        for release, readings in zip(RELEASES, found, strict=True)
    }


@pytest.fixture(scope="module", params=RELEASES)
def reading(request: pytest.FixtureRequest, readers: dict[str, Reader]) -> Reader:
    return readers[request.param]


def money(amount: float) -> str:
    return f"{round(amount):,}"


def age(text: str) -> str:
    """Later releases write "8 mins" and "3 days"."""
    return re.sub(r"(min|hour|day)s$", r"\1", text)


def equities(at: float) -> dict[str, float]:
    """The equity that QuantConnect says each project has."""
    return scenes.equities(at)


# --- Every panel in every scene ---------------------------------------------------------------


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
@pytest.mark.parametrize("uid", sorted(BOARDS))
def test_every_panel_says_what_is_true(uid: str, scene: Scene, reading: Reader) -> None:
    board = reading.view(opened(uid, scene))
    assert list(disagreements(scene, uid, board)) == []


@pytest.mark.parametrize("uid", sorted(BOARDS))
def test_every_query_has_an_answer_somewhere(uid: str, reading: Reader) -> None:
    boards = [board for view, board in reading.known.items() if view.uid == uid]
    panels = [panel for board in boards for panel in board.panels.values()]
    answered = {(panel.written, ref) for panel in panels for ref in panel.answered}
    written = {(q.place, q.ref) for q in queries() if (q.dashboard, q.kind) == (uid, "panel")}
    assert written - answered == {(place, ref) for board, place, ref in UNANSWERED if board == uid}


def test_what_is_marked_on_graphs(server: Prometheus) -> None:
    chosen = {"project": STOPPING, "account_currency": "USD"}
    for query in queries(chosen):
        if query.kind == "annotation":
            answer = server.get(
                "/api/v1/query_range",
                query=query.expr,
                start=f"{STOPPED - DAY}",
                end=f"{STOPPED}",
                step=query.step,
            )
            assert bool(answer["data"]["result"]) == (query.place in MARKED), query


# --- All is well ------------------------------------------------------------------------------


@pytest.mark.parametrize("uid", sorted(BOARDS))
def test_every_panel_says_something(uid: str, reading: Reader) -> None:
    project = DERIVATIVES if uid == PORTFOLIO else ""
    panels = reading(uid, WELL, project).panels.values()
    silent = {panel.title for panel in panels if panel.says}
    assert silent == {title for board, title in EMPTY if board == uid}


def test_fleet_adds_up_each_currency(reading: Reader) -> None:
    known = equities(WELL)
    euro = known.pop(EURO)
    fleet = reading(FLEET, WELL)
    assert fleet.said("Equity") == {"EUR": money(euro), "USD": money(sum(known.values()))}
    assert set(fleet.said("Profit today")) == set(fleet.said("Today, %")) == {"EUR", "USD"}
    assert fleet.said("Running") == {"running": "7", "of": "7"}
    assert fleet.said("Alerts firing") == {"firing": "0"}
    assert fleet.said("Needs a look") == {"all projects": "Running"}
    assert fleet["Firing alerts"].column("Alert") == ["No alert is firing"]
    assert set(fleet.said(AGES).values()) == {"4 s", "0"}
    assert {text.color for text in fleet[AGES].values.values()} == {""}


def test_fleet_has_one_whole_line_for_each_project(reading: Reader) -> None:
    table = reading(FLEET, WELL)["Projects"]
    assert sorted(table.column("Project")) == sorted(ALL_PROJECTS.values())
    for project_id, equity in equities(WELL).items():
        row = table.row(ALL_PROJECTS[project_id])
        assert a_number(row.pop("Last fill", "1")) == (project_id not in {FLAT, YOUNG})
        assert "" not in row.values()
        assert "–" not in row.values()
        assert (row["Status"], row["Equity"], row["Data age"]) == ("Running", money(equity), "4 s")
        assert row["Currency"] == ("EUR" if project_id == EURO else "USD")
    never = table.row(ALL_PROJECTS[NEVER])
    assert never.pop("Status") == "Never deployed"
    assert set(never.values()) == {ALL_PROJECTS[NEVER], "–"}
    used = [float(text.rstrip("%")) for text in table.column("Limit used") if text != "–"]
    assert used == sorted(used, reverse=True)


def test_status_timeline_names_what_it_shows(reading: Reader) -> None:
    for at, expected in (
        (WELL, {}),
        (CRASHED, {CRASHING: "Error", STOPPING: "Stopped"}),
    ):
        bands = reading(FLEET, at)["Status"].series
        deployed = {each: name for each, name in ALL_PROJECTS.items() if each != NEVER}
        assert {name: band.text for name, band in bands.items()} == {
            name: expected.get(each, "Running") for each, name in deployed.items()
        }


def test_a_project_has_one_colour_on_all_graphs(reading: Reader) -> None:
    graphs = {
        (uid, at, panel.title): panel
        for uid in (FLEET, EXPORTER, SYMBOL)
        for at in (WELL, CRASHED)
        for panel in reading(uid, at).panels.values()
        if panel.type == "timeseries" and set(ALL_PROJECTS.values()) & owners(panel).keys()
    }
    assert len(graphs) == 2 * (4 + 1 + 6)
    colors = {place: owners(graph) for place, graph in graphs.items()}
    first = colors[FLEET, WELL, "Drawdown"]
    assert set(first) == set(ALL_PROJECTS.values())
    assert len(set(first.values())) == len(ALL_PROJECTS)
    assert {place: each for place, each in colors.items() if each != first} == {}


def owners(graph: Panel) -> dict[str, str]:
    """The colour of each project's line."""
    return {
        name.removeprefix("average of "): line.color
        for name, line in graph.series.items()
        if name != "price"
    }


def test_a_project_and_its_parts_have_one_colour_on_its_page(reading: Reader) -> None:
    board = reading(PORTFOLIO, WELL, SHARES)
    graphs = [panel for panel in board.panels.values() if panel.type == "timeseries"]
    own = ("equity", "30 days", "cash", "largest", "used", "CPU")
    lines = [graph.series[name].color for graph in graphs for name in own if name in graph.series]
    assert len(lines) >= len(own)
    assert set(lines) == {palette.GAIN}


@pytest.mark.parametrize("uid", sorted(BOARDS))
def test_nothing_reads_minus_zero(uid: str, reading: Reader) -> None:
    """The youngest project has lost 0.4: less than half of the last digit that is written."""
    for project in (YOUNG, "") if uid == PORTFOLIO else ("", YOUNG):
        for panel in reading(uid, WELL, project).panels.values():
            last = [line.text for line in panel.series.values()]
            assert not [text for text in (*panel.texts, *last) if MINUS_ZERO.search(text)], panel


def test_what_rounds_to_nothing_is_no_loss(reading: Reader) -> None:
    board = reading(PORTFOLIO, WELL, YOUNG)
    assert board[f"Holdings of {ALL_PROJECTS[YOUNG]}"].rows[0][1] == Text("0")
    assert board["Unrealized P/L"].values == {"unrealized": Text("0")}
    assert board["Unrealized P/L by symbol"].series["AAPL"].text == "0"
    assert board["Largest losses"].column("Symbol") == ["No position at a loss"]
    symbol = reading(SYMBOL, WELL, YOUNG)
    assert symbol["Unrealized P/L"].values == {"USD": Text("0")}
    assert symbol["Unrealized P/L by project"].series[ALL_PROJECTS[YOUNG]].text == "0"


def test_a_single_bar_has_its_name(reading: Reader) -> None:
    for project in (SHARES, YOUNG):
        assert set(reading(PORTFOLIO, WELL, project).said("Allocation by type")) == {"Equity"}


def test_portfolio_opens_on_the_project_with_the_most_positions(reading: Reader) -> None:
    opened = reading(PORTFOLIO, WELL)
    most = max(scenes.positions(WELL).items(), key=lambda item: item[1])
    assert opened.variables["project"] == most[0]
    assert opened.said("Positions") == {"positions": str(most[1])}


def test_portfolio_says_what_the_project_is_worth(reading: Reader) -> None:
    board = reading(PORTFOLIO, WELL, SHARES)
    name = ALL_PROJECTS[SHARES]
    assert board.said(f"{name} (USD)") == {"equity": money(equities(WELL)[SHARES])}
    assert board.said("Status") == {"status": "Running", "age": "4 s"}
    assert board.said("Alerts") == {"alerts": "none firing"}
    holdings = board[f"Holdings of {name}"]
    assert holdings.columns[:3] == ("Symbol", "P/L", "P/L %")
    assert len(holdings.rows) == scenes.positions(WELL)[SHARES]
    assert not {"", "–"} & {cell.text for row in holdings.rows for cell in row}
    profits = [int(text.replace(",", "")) for text in holdings.column("P/L")]
    assert profits == sorted(profits)
    for row, profit in zip(holdings.rows, profits, strict=True):
        expected = palette.LOSS if profit < 0 else palette.GAIN
        assert row[1].color == expected, row
    assert board["Largest losses"].column("P/L") == [
        text for text in holdings.column("P/L") if text.startswith("-")
    ]
    weights = [float(text.rstrip("%")) for text in board["Largest weights"].column("Weight")]
    assert weights == sorted(weights, reverse=True)
    (nearest,) = board.said("Nearest limit").items()
    used = board.said("Limits used")
    assert nearest == max(used.items(), key=lambda item: float(item[1].rstrip("%")))


def test_the_account_currency_follows_the_project(reading: Reader) -> None:
    board = reading(PORTFOLIO, WELL, EURO)
    title = f"{ALL_PROJECTS[EURO]} (EUR)"
    assert board.said(title) == {"equity": money(equities(WELL)[EURO])}
    assert board["Cash by currency"].column("Currency")


def test_a_project_without_positions_says_so(reading: Reader) -> None:
    board = reading(PORTFOLIO, WELL, FLAT)
    assert board[f"Holdings of {ALL_PROJECTS[FLAT]}"].column("Symbol") == ["No open position"]
    assert board["Largest losses"].column("Symbol") == ["No position at a loss"]
    assert board["Largest profits"].column("Symbol") == ["No position in profit"]
    assert board["Largest weights"].column("Symbol") == ["No open position"]
    assert board.said("Allocation by type") == {"No open position": "0"}
    for table, text in (("Opened", "opened"), ("Closed", "closed"), ("Resized", "resized")):
        assert board[table].column("Symbol") == [f"No position was {text}"]
    assert board.said("Unrealized P/L") == {"unrealized": "0"}
    assert board.said("Nearest limit") == {"any limit": "0%"}


def test_a_young_project_shows_its_profit_since_launch(reading: Reader) -> None:
    board = reading(PORTFOLIO, WELL, YOUNG)
    for title in ("Profit, 7 days", "Profit, 30 days"):
        assert set(board.said(title)) == {"since launch", "share"}
    assert set(reading(PORTFOLIO, WELL, SHARES).said("Profit, 30 days")) == {"30 days", "share"}
    assert board.said("Profit today")["amount"] == money(scenes.YOUNG_GAIN)


def test_rejected_orders_stand_out(reading: Reader) -> None:
    table = reading(FLEET, STOPPED)["Projects"]
    orders, fills = table.columns.index("Open orders"), table.columns.index("Last fill")
    words = re.compile(r"\d+(, \d+ rejected)?")
    for row in table.rows:
        if row[0].text == ALL_PROJECTS[NEVER]:
            assert (row[orders].text, row[fills].text) == ("–", "–")
            continue
        assert words.fullmatch(row[orders].text)
        rejected = "rejected" in row[orders].text
        assert row[orders].color == (palette.WARNING if rejected else "")
    assert any("rejected" in row[orders].text for row in table.rows)
    flat = table.row(ALL_PROJECTS[FLAT])
    assert (flat["Open orders"], flat["Last fill"]) == ("0", "–")


def test_symbol_is_shown_in_every_project_that_holds_it(reading: Reader) -> None:
    board = reading(SYMBOL, WELL)
    table = board["AAPL by project"]
    assert set(table.column("Project")) == {ALL_PROJECTS[SHARES], ALL_PROJECTS[YOUNG]}
    assert board["Contract"].column("Symbol") == ["AAPL"]
    values = [int(text.replace(",", "")) for text in table.column("Value")]
    (total,) = board.said("Market value").items()
    assert (total[0], abs(int(total[1].replace(",", "")) - sum(values)) <= 1) == ("USD", True)
    assert {**board.said("Quantity of AAPL")}


def test_links_lead_to_a_board_that_shows_something(reading: Reader) -> None:
    """As one clicks: whatever the address hands on is what the other board is opened with."""
    for uid in BOARDS:
        links = reading(uid, WELL).links
        assert len(links) == len(BOARDS) - 1
        for url in links.values():
            address = urlsplit(url)
            assert dict(parse_qsl(address.query)).keys() <= {"var-datasource", "var-job"}
            target = address.path.removeprefix("/d/")
            assert not reading(target, WELL)[AGES].says
            assert reading(target, WELL).variables.get("project") != "All"


# --- Something is wrong -----------------------------------------------------------------------


def test_what_does_not_run_stands_on_top(reading: Reader) -> None:
    stopped, crashed = reading(FLEET, STOPPED), reading(FLEET, CRASHED)
    assert stopped.said("Running") == {"running": "6", "of": "7"}
    assert crashed.said("Running") == {"running": "5", "of": "7"}
    assert stopped.said("Needs a look") == {ALL_PROJECTS[STOPPING]: "Stopped"}
    assert crashed.said("Needs a look") == {
        ALL_PROJECTS[CRASHING]: "Error",
        ALL_PROJECTS[STOPPING]: "Stopped",
    }
    first, second, *others = crashed["Projects"].rows
    assert (first[0].text, first[1]) == (
        ALL_PROJECTS[CRASHING],
        type(first[1])("Error", palette.CRITICAL),
    )
    assert (second[0].text, second[1].text) == (ALL_PROJECTS[STOPPING], "Stopped")
    assert {row[1].text for row in others} == {"Running", "Never deployed"}


def test_alerts_are_listed_by_severity(reading: Reader) -> None:
    table = reading(FLEET, STOPPED)["Firing alerts"]
    assert table.column("Severity") == ["critical", "warning", "info"]
    assert table.column("Symbol") == ["", "", "KO"]
    board = reading(PORTFOLIO, STOPPED, STOPPING)
    assert board.said("Alerts") == {
        "StoppedWithOpenPositions": "critical",
        "AlgorithmNotRunning": "warning",
    }


def test_a_stopped_project_still_shows_its_positions(reading: Reader) -> None:
    board = reading(PORTFOLIO, STOPPED, STOPPING)
    assert board.said("Status")["status"] == "Stopped"
    holdings = board[f"Holdings of {ALL_PROJECTS[STOPPING]}"]
    assert len(holdings.rows) == scenes.positions(STOPPED)[STOPPING] > 0
    assert board["Closed"].column("Symbol") == ["KO"]
    assert float(board["Closed"].column("Last quantity")[0])


@pytest.mark.parametrize("seconds", RANGES.values(), ids=RANGES)
def test_a_crash_is_seen_at_every_range(seconds: float, reading: Reader) -> None:
    fleet = reading(FLEET, CRASHED, seconds=seconds)
    assert fleet.said("Running") == {"running": "5", "of": "7"}
    assert fleet["Projects"].row(ALL_PROJECTS[CRASHING])["Status"] == "Error"
    board = reading(PORTFOLIO, CRASHED, CRASHING, seconds=seconds)
    assert board.said("Status") == {"status": "Error", "age": "4 s"}
    assert board.said(AGES)["portfolio"] == "4 s"


# --- Nothing is known -------------------------------------------------------------------------


@pytest.mark.parametrize(("at", "old"), SILENT.values(), ids=SILENT)
def test_ages_grow_while_nothing_is_read(at: float, old: str, reading: Reader) -> None:
    for uid in BOARDS:
        shown = reading(uid, at, SHARES if uid == PORTFOLIO else "")[AGES].values
        down = shown["exporters down"]
        dead = at > scenes.DEATH
        assert down.text == ("1" if dead else "0")
        assert down.color == (palette.CRITICAL if dead else "")
        ages = {name: each for name, each in shown.items() if name != "exporters down"}
        assert {age(each.text) for each in ages.values()} == {old}
        expected = "" if old == "8 min" else palette.CRITICAL
        assert {each.color for each in ages.values()} == {expected}
    assert {age(text) for text in reading(EXPORTER, at)["Reads by project"].column("Age")} == {old}
    for row in reading(FLEET, at)["Projects"].rows:
        assert (row[1].text, row[1].color) == (NO_DATA, palette.WARNING)
        assert age(row[2].text) == old


@pytest.mark.parametrize("at", [at for at, _ in SILENT.values()], ids=SILENT)
@pytest.mark.parametrize("uid", sorted(BOARDS))
def test_nothing_reads_well_while_nothing_is_known(uid: str, at: float, reading: Reader) -> None:
    panels = reading(uid, at, SHARES if uid == PORTFOLIO else "").panels.values()
    numbers = [panel for panel in panels if panel.type in {"stat", "bargauge", "table"}]
    for panel in numbers:
        if at == QUANTCONNECT_DOWN and uid == EXPORTER:
            continue  # the exporter runs, and says what does not
        if panel.title in SPEAKING[uid]:
            continue
        assert panel.says in {NO_DATA, NOT_HELD, NOT_READ}, panel
        assert panel.color == "", panel
    for panel in numbers:
        if uid == EXPORTER and panel.title in {"Authenticated", "Configuration"}:
            continue
        assert not [text for text in panel.texts if GOOD_NEWS.search(text)], panel


@pytest.mark.parametrize("at", [at for at, _ in SILENT.values()], ids=SILENT)
def test_a_sum_says_what_it_lacks(at: float, reading: Reader) -> None:
    fleet = reading(FLEET, at)
    assert fleet.said("Equity") == {"not counted": str(len(ALL_PROJECTS))}
    assert fleet.said("Profit today") == {"not counted": str(len(ALL_PROJECTS))}
    assert fleet.said("Running") == {"not counted": str(len(ALL_PROJECTS))}


def test_the_outage_is_the_alert(reading: Reader) -> None:
    dead, down = reading(FLEET, DEAD_3_DAYS), reading(FLEET, QUANTCONNECT_DOWN)
    assert dead["Firing alerts"].column("Alert") == ["QuantConnectExporterDown"]
    assert down["Firing alerts"].column("Alert") == ["QuantConnectAPIErrorsHigh"]
    board = reading(PORTFOLIO, DEAD_3_DAYS, SHARES)
    assert board.said("Alerts") == {"ExporterDown": "critical"}
    exporter = reading(EXPORTER, QUANTCONNECT_DOWN)
    assert exporter.said("Exporters up") == {"up": "1", "down": "0"}
    # What was never deployed has no orders to read.
    assert set(exporter["Reads by project"].column("Last read")) <= {"Failing", "–"}


@pytest.mark.parametrize("seconds", RANGES.values(), ids=RANGES)
def test_silence_is_seen_at_every_range(seconds: float, reading: Reader) -> None:
    board = reading(PORTFOLIO, DEAD_3_DAYS, SHARES, seconds=seconds)
    assert age(board.said(AGES)["portfolio"]) == "3 day"
    status = board["Status"].values
    assert status["status"].text == NO_DATA
    assert (age(status["age"].text), status["age"].color) == ("3 day", palette.CRITICAL)
    assert board[f"Holdings of {ALL_PROJECTS[SHARES]}"].says == NO_DATA
