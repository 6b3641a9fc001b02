"""Every query parses, names only what exists, and is confined by the variables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import promql_parser as promql
import pytest

from exporter.sources import CATALOGUE

from .promql import Series, UnknownNameError, rules, selectors
from .queries import dashboards, fill, panels, queries

if TYPE_CHECKING:
    from .queries import DashboardQuery

QUERIES = [pytest.param(query, id=str(query)) for query in queries()]
# Selectors of these carry no job: an alert can be about something that has none.
WITHOUT_JOB = {"ALERTS"}
# What is drawn nowhere, and why.
NOT_DRAWN = {
    "quantconnect_live_unrealized_pnl": "QuantConnect leaves it at 0; ours is of the holdings",
}


@pytest.fixture(scope="module")
def series() -> Series:
    return Series()


@pytest.mark.parametrize("query", QUERIES)
def test_it_names_only_what_exists(query: DashboardQuery, series: Series) -> None:
    series.labels(promql.parse(query.expr))


def test_rules_name_only_what_exists(series: Series) -> None:
    for kind in ("record", "alert"):
        for rule in rules(kind):
            series.labels(promql.parse(rule["expr"]))


@pytest.mark.parametrize(
    ("expr", "complaint"),
    [
        ("quantconnect_live_equty", "there is no series 'quantconnect_live_equty'"),
        ('quantconnect_holdings{symbol="SPY"}', "no label symbol in quantconnect_holdings"),
        ("sum by (currency) (quantconnect_live_equity)", "no label currency in"),
        (
            "max by (job) (quantconnect_holdings) * on (project_id) quantconnect_project_info",
            "no label project_id in",
        ),
        (
            (
                "quantconnect_holdings * on (job, project_id) group_left (symbol) "
                "project:quantconnect_project_info:current"
            ),
            "no label symbol in",
        ),
        ("sum(rate(quantconnect_api_requests_total{reason=~'.+'}[5m]))", "no label reason in"),
        ("max_over_time((max by (job) (up) + on (project) up)[1h:1m])", "no label project in"),
    ],
)
def test_a_wrong_name_is_found(expr: str, complaint: str, series: Series) -> None:
    with pytest.raises(UnknownNameError, match=re.escape(complaint)):
        series.labels(promql.parse(expr))


@pytest.mark.parametrize(
    ("expr", "labels"),
    [
        ("sum(quantconnect_live_equity)", set()),
        ("sum by (le) (rate(quantconnect_api_request_duration_seconds_bucket[5m]))", {"le"}),
        ("topk(1, max by (job) (up))", {"job"}),
        ("time() - max by (job) (process_start_time_seconds)", {"job"}),
        (
            (
                "max by (job, project_id) (quantconnect_holdings) * on (job, project_id) "
                "group_left (project) project:quantconnect_project_info:current"
            ),
            {"job", "project_id", "project"},
        ),
        ("max by (job) (up) or max by (instance) (up)", {"job", "instance"}),
        ('label_replace(sum(up), "part", "a", "", "")', {"part"}),
    ],
)
def test_labels_of_a_result(expr: str, labels: set[str], series: Series) -> None:
    assert series.labels(promql.parse(expr)) == frozenset(labels)


@pytest.mark.parametrize("query", QUERIES)
def test_it_is_confined_by_job_and_project(query: DashboardQuery) -> None:
    variables = dashboards()[query.dashboard]["templating"]["list"]
    several = {variable["name"]: variable["multi"] for variable in variables}
    # Grafana writes several choices as an expression, a single one as it is.
    written = re.sub(r"\[\$__\w+", "[5m", query.written).replace("offset $__", "offset 5m#")
    written = re.sub(r"5m#\w+", "5m", written)
    written = re.sub(r":\$__\w+\]", ":1m]", written).replace("$__from", "0")
    written = re.sub(r"^(label_values|query_result)\((.*?)(, \w+)?\)$", r"\2", written)
    for selector in selectors(promql.parse(written)):
        matchers = {matcher.name: matcher for matcher in selector.matchers.matchers}
        if selector.name not in WITHOUT_JOB and query.place != "job":
            assert str(matchers["job"].op) == "MatchOp.Re"
            assert matchers["job"].value == "$job"
        for label, variable in (
            ("project_id", "project"),
            ("account_currency", "account_currency"),
            ("symbol_id", "symbol"),
        ):
            if label in matchers:
                if matchers[label].value == "$project|":  # and what is about no project
                    assert (selector.name, str(matchers[label].op)) == ("ALERTS", "MatchOp.Re")
                    continue
                assert matchers[label].value == f"${variable}"
                kind = "MatchOp.Re" if several[variable] else "MatchOp.Equal"
                assert str(matchers[label].op) == kind
        assert "project" not in matchers, "a name is for people, an id for selecting"
        assert "symbol" not in matchers, "a name is for people, an id for selecting"


@pytest.mark.parametrize("query", QUERIES)
def test_amounts_of_different_currencies_are_never_added(
    query: DashboardQuery, series: Series
) -> None:
    """A sum over amounts keeps account_currency, unless only one currency can be meant."""
    single = any(
        variable["name"] == "account_currency" and not variable["multi"]
        for variable in dashboards()[query.dashboard]["templating"]["list"]
    )

    def visit(node: promql.Expr) -> bool:
        if isinstance(node, promql.AggregateExpr) and str(node.op) == "sum":
            inner = series.labels(node.expr) or frozenset()
            kept = set(node.modifier.labels) if node.modifier else set()
            assert single or "account_currency" not in inner or "account_currency" in kept
        return True

    promql.walk(promql.parse(query.expr), visit)


def told_by_instance(expr: promql.Expr, series: Series) -> list[str]:
    """Parts of `expr` in which a project that two exporters publish would count twice."""
    each = {"instance", "project_id"}
    found: list[str] = []

    def visit(node: promql.Expr) -> bool:
        if isinstance(node, promql.AggregateExpr) and str(node.op) not in {"max", "min", "group"}:
            found.extend([node.prettify()] * (each <= (series.labels(node.expr) or frozenset())))
        return True

    promql.walk(expr, visit)
    return found + [expr.prettify()] * (each <= (series.labels(expr) or frozenset()))


@pytest.mark.parametrize("query", [case for case in QUERIES if "ALERTS" not in str(case.values)])
def test_a_project_counts_once_however_many_publish_it(
    query: DashboardQuery, series: Series
) -> None:
    if query.kind != "variable":  # of which only one label is read
        assert told_by_instance(promql.parse(query.expr), series) == []


@pytest.mark.parametrize(
    "expr",
    [
        "quantconnect_live_equity",
        "sum by (account_currency) (quantconnect_live_equity)",
        "max_over_time((count(quantconnect_holdings) > 0)[1h:1m])",
        "time() - quantconnect_read_last_success_timestamp_seconds",
    ],
)
def test_a_project_that_counts_twice_is_found(expr: str, series: Series) -> None:
    assert told_by_instance(promql.parse(expr), series)


def test_rates_follow_the_scrape_interval() -> None:
    for query in queries():
        for call in re.findall(r"\b(?:rate|irate|increase)\([^\[]*\[([^\]]+)\]", query.written):
            assert call == "$__rate_interval", query


def test_counters_are_only_read_as_rates() -> None:
    counters = {family.name for family in CATALOGUE if family.type == "counter"}
    for query in queries():
        for name in counters:
            for match in re.finditer(rf"{name}\b", query.written):
                before = query.written[: match.start()]
                assert before.endswith(("rate(", "increase(")), query


@pytest.mark.parametrize(
    ("uid", "panel"),
    [
        pytest.param(uid, panel, id=f"{uid}: {panel['title']}")
        for uid, dashboard in dashboards().items()
        for panel in panels(dashboard)
    ],
)
def test_legends_and_columns_show_labels_that_are_there(
    uid: str, panel: dict[str, Any], series: Series
) -> None:
    answered: set[str] = set()
    for query in queries():
        if query.dashboard == uid and query.kind == "panel" and query.place == panel["title"]:
            labels = series.labels(promql.parse(query.expr)) or frozenset()
            answered |= labels
            (target,) = (each for each in panel["targets"] if each["refId"] == query.ref)
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= labels
    for step in panel["transformations"]:
        if step["id"] == "organize":
            columns = {name for name in step["options"]["renameByName"] if "Value" not in name}
            assert columns <= answered


def test_every_metric_is_drawn_or_watched() -> None:
    expressions = [query.expr for query in queries()]
    expressions += [rule["expr"] for kind in ("record", "alert") for rule in rules(kind)]
    used = {
        re.sub(r"_(bucket|sum|count)$", "", str(selector.name))
        for expr in expressions
        for selector in selectors(promql.parse(expr))
    }
    assert {family.name for family in CATALOGUE if family.name not in used} == set(NOT_DRAWN)


def test_a_variable_without_value_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"no value for \$desk in 'up\{desk=\"\$desk\"\}'"):
        fill('up{desk="$desk"}', {})
    assert fill("a[${__range}] $b ${c:regex}", {"__range": "1h", "b": "x", "c": "y|z"}) == (
        "a[1h] x y|z"
    )
