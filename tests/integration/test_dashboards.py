"""Every query of every dashboard is run against a real Prometheus, and shows something.

It is asked as Grafana asks: for the present, or over a week. What it is asked about is a project
of shares that runs, unless ELSEWHERE or SURER says that another has the answer.
"""

from __future__ import annotations

import math
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal

import pytest

from prometheus.stack import eventually
from tests.dashboards.queries import dashboards, queries

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.dashboards.queries import DashboardQuery
    from tests.integration.demo import DemoStack

pytestmark = pytest.mark.needs_prometheus

Subject = Literal["shares", "derivatives", "stopped"]
PROJECTS: Mapping[Subject, str] = {
    "shares": "21048731",
    "derivatives": "21363904",
    "stopped": "23019847",
}
WEEK = 7 * 86_400.0
STEP = 600.0

# Asked about the project of shares these have no answer, and about that other one they have. By
# dashboard, panel, and query.
ELSEWHERE: dict[tuple[str, str, str], tuple[Subject, str]] = {
    ("quantconnect-portfolio", "Holdings of ${project:text}", "expiry"): (
        "derivatives",
        "shares do not expire",
    ),
    ("quantconnect-symbol", "Contract", "expiry"): ("derivatives", "shares do not expire"),
    ("quantconnect-portfolio", "Deployment", "stopped"): ("stopped", "the others run"),
}
# What these answer about the project of shares depends on the minute; about the other they must.
SURER: dict[tuple[str, str, str], tuple[Subject, str]] = {
    ("quantconnect-portfolio", "Opened", "quantity"): (
        "derivatives",
        "the option of this week was not there a week ago",
    ),
    ("quantconnect-portfolio", "Closed", "quantity"): (
        "derivatives",
        "the option of last week is gone, but shares come back",
    ),
    ("quantconnect-portfolio", "Closed", "rows"): ("derivatives", "as the quantities"),
    ("quantconnect-fleet", "Needs a look", "A"): ("stopped", "the others run"),
    ("quantconnect-fleet", "Firing alerts", "firing"): ("stopped", "its alerts last"),
    ("quantconnect-fleet", "Firing alerts", "rows"): ("stopped", "its alerts last"),
    ("quantconnect-portfolio", "Alerts", ""): (
        "stopped",
        "its alerts last, those about trades are over in a moment",
    ),
}
# These show nothing in the demo, whatever they are asked about.
NOTHING = {
    ("quantconnect-exporter", "Values left out of answers", "A"): (
        "the simulator sends nothing that could not be understood unless told to"
    ),
    ("quantconnect-portfolio", "Limits used", "D"): "no limit on weights is configured",
    ("quantconnect-portfolio", "Concentration", "C"): "no limit on weights is configured",
    ("quantconnect-portfolio", "Cash share over time", "B"): "no limit on cash is configured",
    ("quantconnect-portfolio", "Orders by status", "C"): "the project has orders",
    ("quantconnect-portfolio", "Last fill", "B"): "there were fills",
    ("quantconnect-portfolio", "Time since the last fill", "B"): "no limit on fills is configured",
}
# These speak only in some circumstances, which tests/dashboards/test_readings.py makes.
SOMETIMES = {
    ("quantconnect-fleet", "Equity", "B"),
    ("quantconnect-fleet", "Profit today", "B"),
    ("quantconnect-fleet", "Running", "C"),
    ("quantconnect-fleet", "Needs a look", "B"),
    *(("quantconnect-portfolio", "Nearest limit", ref) for ref in "ABCDEF"),
    *(("quantconnect-portfolio", f"Profit, {days} days", ref) for days in (7, 30) for ref in "CD"),
    *(("quantconnect-portfolio", "Alerts", ref) for ref in "AB"),
    ("quantconnect-portfolio", "Allocation by type", "B"),
    ("quantconnect-portfolio", "Open orders", "B"),
    ("quantconnect-portfolio", "Orders by status", "B"),
}


def place(query: DashboardQuery) -> tuple[str, str, str]:
    return (query.dashboard, query.place, query.ref)


QUERIES = [query for query in queries() if query.ref != "nothing" and place(query) not in SOMETIMES]


@pytest.fixture(scope="module")
def values(demo: DemoStack) -> dict[Subject, dict[str, str]]:
    """What the variables are for each subject: its project, and a symbol it has had for hours."""
    chosen = {}
    for subject, project_id in PROJECTS.items():
        own = f'quantconnect_holding_quantity{{project_id="{project_id}"}}'
        if subject == "derivatives":
            own += (
                f' and quantconnect_holding_expiry_timestamp_seconds{{project_id="{project_id}"}}'
            )
        held = demo.prometheus.query(f"{own} and ({own} offset 6h)")
        assert held, f"project {project_id} has held nothing for six hours"
        chosen[subject] = {
            "project": project_id,
            "account_currency": "USD",
            "symbol": min(series["metric"]["symbol_id"] for series in held),
            "__range": "7d",
            "__interval": "10m",
            "__rate_interval": "1m",
        }
    return chosen


def answer(demo: DemoStack, query: DashboardQuery) -> list[dict[str, Any]]:
    now = time.time()
    if query.instant:
        return demo.prometheus.query(query.expr, at=now)
    found = demo.prometheus.get(
        "/api/v1/query_range",
        query=query.expr,
        start=f"{now - WEEK}",
        end=f"{now}",
        step=f"{STEP}",
    )
    return list(found["data"]["result"])


def shown(demo: DemoStack, query: DashboardQuery) -> list[dict[str, Any]]:
    """The answer, or what there is of it after some scrapes: one that failed leaves a gap."""
    with suppress(TimeoutError):
        eventually(lambda: bool(answer(demo, query)), "it has an answer", seconds=60.0)
    return answer(demo, query)


def numbers(series: dict[str, Any]) -> list[float]:
    points = series["values"] if "values" in series else [series["value"]]
    return [number for _, text in points if math.isfinite(number := float(text))]


def filled(query: DashboardQuery, values: Mapping[str, str]) -> DashboardQuery:
    (same,) = (each for each in queries(values) if place(each) == place(query))
    return same


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_it_shows_something(
    query: DashboardQuery, demo: DemoStack, values: dict[Subject, dict[str, str]]
) -> None:
    if place(query) in NOTHING:
        for chosen in values.values():
            found = answer(demo, filled(query, chosen))
            assert found == [], f"it has an answer although {NOTHING[place(query)]}"
        return
    subject: Subject = "shares"
    if place(query) in ELSEWHERE:
        subject, why = ELSEWHERE[place(query)]
        assert not answer(demo, filled(query, values["shares"])), f"it has an answer, not: {why}"
    elif place(query) in SURER:
        subject, _ = SURER[place(query)]
    found = shown(demo, filled(query, values[subject]))
    assert found
    assert any(numbers(series) for series in found), "all of it is NaN or infinite"


@pytest.mark.parametrize(
    "query",
    [
        query
        for query in QUERIES
        if query.dashboard in ("quantconnect-fleet", "quantconnect-exporter")
        and place(query) not in NOTHING
    ],
    ids=str,
)
def test_it_shows_something_of_all_projects(query: DashboardQuery, demo: DemoStack) -> None:
    """With "All" chosen in every variable, as when somebody opens the dashboard."""
    assert shown(demo, query)


def test_exceptions_are_about_queries_that_exist() -> None:
    places = {place(query) for query in QUERIES}
    assert set(ELSEWHERE) | set(SURER) | set(NOTHING) <= places
    assert {place(query) for query in queries()} >= SOMETIMES
    assert {uid for uid, _, _ in places} == set(dashboards())
