"""What docs/scale.md computes and counts is what the exporter does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from exporter.cli import main
from exporter.poller.schedule import Budget
from exporter.simulator import DEMO_TOKEN
from tests.poller.virtual import VirtualAccount
from tests.support import SimulatorServer, given_world

PAGE = (Path(__file__).parents[2] / "docs" / "scale.md").read_text(encoding="utf-8")


def rows() -> list[list[float]]:
    """The table of intervals: projects, calls needed, and an interval for each budget."""
    _, _, rest = PAGE.partition("<!-- intervals -->\n")
    table, _, _ = rest.partition("\n\n")
    return [
        [float(re.sub(r"[^\d.]", "", cell)) for cell in line.strip("|").split("|")]
        for line in table.splitlines()[2:]
    ]


def budgets() -> list[float]:
    return [float(text.replace(",", "")) for text in re.findall(r"R = ([\d,]+) \|", PAGE)]


def needed_per_minute(projects: int) -> float:
    """Portfolios, statistics, orders and trades; nodes and credit; live/list."""
    return projects * (1 + 1 / 5 + 1 / 10 + 1 / 60) + 1 / 10 + 1 / 60 + 1


def stretch(projects: int, requests_per_minute: float, shards: int = 1) -> float:
    """The page's formula, with the default intervals."""
    needed = needed_per_minute(projects) / 60 - 1 / 60
    available = 0.95 * (requests_per_minute / 60 - shards / 60)
    return max(1, needed / available)


def account(projects: int, requests_per_minute: float) -> VirtualAccount:
    account = VirtualAccount(Budget(requests_per_minute / 60, 60.0))
    for project_id in range(projects):
        intervals = {"statistics": 300.0, "orders": 600.0, "trades": 3600.0}
        account.add(project_id, portfolio=60.0, **intervals)
    account.add(None, nodes=600.0, account=3600.0)
    return account


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row[0]:.0f}")
def test_the_table_of_intervals_follows_the_formula(row: list[float]) -> None:
    projects, needed, *intervals = row
    assert len(intervals) == len(budgets()) == 5
    assert needed == round(needed_per_minute(int(projects)))
    for requests_per_minute, interval in zip(budgets(), intervals, strict=True):
        assert round(60 * stretch(int(projects), requests_per_minute)) == interval


@pytest.mark.parametrize("projects", [10, 46, 47, 1000])
def test_the_formula_is_the_schedules(projects: int) -> None:
    one = account(projects, 60)
    expected = stretch(projects, 60)
    assert one.schedule.stretch == pytest.approx(expected)
    interval = one.schedule.interval(one.tasks["portfolio", 0])
    assert interval == pytest.approx(60 * expected)
    assert one.schedule.demand * 60 == pytest.approx(needed_per_minute(projects))


def test_an_account_of_thirty_projects_has_room_left() -> None:
    said = re.search(r"An account with 30 projects needs (\d+) calls of its 60 a minute", PAGE)
    assert said is not None
    assert round(account(30, 60).schedule.demand * 60) == int(said[1])
    assert account(30, 60).schedule.stretch == 1.0


def test_so_many_projects_fit_into_the_default_budget() -> None:
    said = re.search(r"So (\d+) projects fit into 60 calls a minute", PAGE)
    assert said is not None
    assert account(int(said[1]), 60).schedule.stretch == 1.0
    assert account(int(said[1]) + 1, 60).schedule.stretch > 1.0


def test_the_series_of_a_project_are_as_many_as_it_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fixed = re.search(r"A project has (\d+) series", PAGE)
    currency = re.search(r"\+ (\d+) for each currency", PAGE)
    position = re.search(r"\+ (\d+) for each position, (\d+) if it expires", PAGE)
    assert fixed is not None
    assert currency is not None
    assert position is not None
    held = {"a": 1, "q": 1, "p": 1, "v": 1}
    holdings = {
        "SPY R735QTJ8XC9X": held,
        "AAPL R735QTJ8XC9X": held,
        "SPY 327HBLYFH1WKU|SPY R735QTJ8XC9X": held,
    }
    cash = {
        name: {"symbol": name, "amount": 5, "conversionRate": 1, "valueInAccountCurrency": 5}
        for name in ("USD", "EUR")
    }
    portfolio = {"portfolio": {"holdings": holdings, "cash": cash}, "success": True}
    file = tmp_path / "quantconnect.yaml"
    with SimulatorServer(given_world({7: portfolio})) as simulator:
        file.write_text(
            f"accounts: [{{user_id: 1, api_token: {DEMO_TOKEN}, base_url: '{simulator.base_url}',"
            " requests_per_minute: 60000, projects: [{id: 7, limits: {max_drawdown: 0.1}}]}]\n"
        )
        assert main(["dump", f"--config.file={file}", "--log.level=warn"]) == 0
    series = [line for line in capsys.readouterr().out.splitlines() if 'project_id="7"' in line]
    expected = int(fixed[1]) + 2 * int(currency[1]) + 2 * int(position[1]) + int(position[2]) + 1
    assert len(series) == expected, "\n".join(series)
