"""What holds for every rule: names, labels, annotations, runbooks, and metrics that exist."""

from __future__ import annotations

import re
from typing import Any

import promql_parser
import pytest

from exporter.sources import CATALOGUE

from .ruleset import ALERTS, RECORDS, ROOT, RULES, RUNBOOKS, UNIT_TESTS, Rule, headings, load

RUNBOOK = (
    "https://github.com/quantconnect-exporter/quantconnect-exporter/blob/main/docs/runbooks.md#"
)
TARGET_LABELS = {"job", "instance"}
FOREIGN = {
    "up": set[str](),
    "ALERTS": {"alertname", "alertstate"},
    "process_start_time_seconds": set[str](),
}
"""What Prometheus itself, or prometheus-client's process collector, publishes."""
PUBLISHED = {family.name: set(family.labels) for family in CATALOGUE} | FOREIGN
LABELS = TARGET_LABELS.union(*PUBLISHED.values(), *(rule.labels for rule in RULES))
WATCHDOG = "QuantConnectWatchdog"
LIMITS = (
    "max_drawdown",
    "max_daily_loss",
    "max_gross_leverage",
    "max_position_weight",
    "max_position_loss",
    "min_cash_ratio",
    "max_orders_per_hour",
    "max_days_without_fill",
)

each_rule = pytest.mark.parametrize("rule", RULES, ids=str)
each_alert = pytest.mark.parametrize("alert", ALERTS, ids=str)


def selectors(rule: Rule) -> list[Any]:
    return [node for node in rule.nodes() if isinstance(node, promql_parser.VectorSelector)]


def named_labels(rule: Rule) -> set[str]:
    """Every label that a clause of the expression groups by, matches on or joins."""
    names: set[str] = set()
    for node in rule.nodes():
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier:
            names.update(node.modifier.labels)
        if isinstance(node, promql_parser.BinaryExpr) and node.modifier:
            names.update(node.modifier.matching.labels if node.modifier.matching else ())
            names.update(node.modifier.group_labels or ())
    return names


def names_of(node: Any) -> set[str]:
    """The metric names that what an expression gives may still have, "" for none."""
    match node:
        case promql_parser.VectorSelector():
            return {node.name or ""}
        case promql_parser.MatrixSelector():
            return names_of(node.vector_selector)
        case promql_parser.ParenExpr() | promql_parser.SubqueryExpr():
            return names_of(node.expr)
        case promql_parser.Call() if node.func.name == "last_over_time":
            return names_of(node.args[0])
        case promql_parser.BinaryExpr():
            match str(node.op):
                case "or":
                    return names_of(node.lhs) | names_of(node.rhs)
                case "and" | "unless" | ">" | "<" | ">=" | "<=" | "==" | "!=":
                    return names_of(node.lhs)
    return {""}


@pytest.mark.parametrize("rule", RECORDS, ids=str)
def test_a_record_is_one_series_whichever_part_gives_it(rule: Rule) -> None:
    """Over a time in which one part gives it and then another: so promtool makes the past of it."""
    assert len(names_of(promql_parser.parse(rule.expr))) == 1


@each_rule
def test_what_of_positions_is_set_against_each_other_is_of_one_moment(rule: Rule) -> None:
    """A group is evaluated at its own moment of the interval, which no unit test of rules shows.

    Where one record is asked for what another has not, one of another moment makes holes.
    """
    if "unless" not in rule.expr:
        return
    group_of = {record.name: record.group for record in RECORDS}
    names = {selector.name for selector in selectors(rule)}
    groups = {group_of[name] for name in names if str(name).startswith("holding:")}
    assert len(groups) <= 1, groups


@each_rule
def test_what_is_recorded_seldom_is_read_over_a_range(rule: Rule) -> None:
    """An instant query looks back for five minutes: a record made less often would come and go."""
    seldom = {record.name for record in RECORDS if record.minutes >= 5}
    assert seldom
    for name in seldom:
        assert all(after == "[" for after in re.findall(rf"{name}\b(?:{{.*?}})?(.?)", rule.expr))


@each_rule
def test_names_only_metrics_and_labels_that_exist(rule: Rule) -> None:
    recorded = {record.name for record in RECORDS}
    for selector in selectors(rule):
        assert selector.name in recorded | set(PUBLISHED), selector.name
        allowed = LABELS if selector.name in recorded else PUBLISHED[selector.name] | TARGET_LABELS
        assert {matcher.name for matcher in selector.matchers.matchers} <= allowed
    # Made by label_replace and count_values.
    assert named_labels(rule) <= LABELS | {"part", "scope", "since"}


@each_rule
def test_names_no_job_and_no_project(rule: Rule) -> None:
    for selector in selectors(rule):
        assert {matcher.name for matcher in selector.matchers.matchers}.isdisjoint(
            {"job", "instance", "project", "project_id", "account", "account_currency"}
        )


@each_rule
def test_keeps_the_job(rule: Rule) -> None:
    for node in rule.nodes():
        if isinstance(node, promql_parser.AggregateExpr):
            assert node.modifier is not None, f"{node.op} without by drops the job"
            assert node.modifier.type == promql_parser.AggModifierType.By
            assert "job" in node.modifier.labels


def is_an_amount(name: str) -> bool:
    """Return whether a metric is in a currency, or is recorded of one that is."""
    return "account_currency" in PUBLISHED.get(name, ()) or any(
        is_an_amount(str(selector.name))
        for record in RECORDS
        if record.name == name
        for selector in selectors(record)
        if selector.name != name
    )


@each_rule
def test_money_is_never_added_up_over_currencies(rule: Rule) -> None:
    """A sum of amounts keeps account_currency."""
    for node in rule.nodes():
        if (
            isinstance(node, promql_parser.AggregateExpr)
            and str(node.op) == "sum"
            and node.modifier is not None
        ):
            inner: list[Any] = []
            promql_parser.walk(node.expr, inner.append)
            amounts = [
                i.name
                for i in inner
                if isinstance(i, promql_parser.VectorSelector) and is_an_amount(str(i.name))
            ]
            assert not amounts or "account_currency" in node.modifier.labels, amounts


@pytest.mark.parametrize("record", RECORDS, ids=str)
def test_a_record_is_named_level_metric_operation(record: Rule) -> None:
    assert re.fullmatch(r"(project|holding|quantconnect):[a-z0-9_]+:[a-z0-9_]+", record.name)


def test_the_table_of_the_records_is_whole() -> None:
    page = (ROOT / "prometheus" / "README.md").read_text()
    table = re.findall(r"^\| (`[^|]*:[^|]*:[^|]*`) \|", page, flags=re.MULTILINE)
    documented = [name for row in table for name in re.findall(r"`([^`]+)`", row)]
    assert sorted(documented) == sorted({record.name for record in RECORDS})


@each_alert
def test_an_alert_says_what_it_must(alert: Rule) -> None:
    assert re.fullmatch(r"QuantConnect[A-Z][A-Za-z]+", alert.name)
    severities = {"none"} if alert.name == WATCHDOG else {"critical", "warning", "info"}
    assert alert.labels.get("severity") in severities
    assert set(alert.annotations) == {"summary", "description", "runbook_url"}
    assert "{{" not in alert.annotations["summary"]
    assert alert.annotations["runbook_url"] == RUNBOOK + alert.name.lower()


@each_alert
def test_an_alert_names_the_project_for_people_and_for_machines(alert: Rule) -> None:
    about_a_project = "group_left (account, project)" in alert.expr
    description = alert.annotations["description"]
    assert about_a_project == ("$labels.project }}" in description)
    assert about_a_project == ("$labels.project_id }}" in description)
    assert ("group_left (symbol" in alert.expr) == ("$labels.symbol }}" in description)


@each_alert
def test_withdrawn_data_does_not_read_as_recovery(alert: Rule) -> None:
    """Events end by themselves; every other alert about money or running is held."""
    events = {
        "QuantConnectPositionOpened",
        "QuantConnectPositionClosed",
        "QuantConnectAlgorithmRedeployed",
        "QuantConnectAlgorithmFlapping",
        "QuantConnectPortfolioFrozen",
    }
    if alert.group in {
        "quantconnect-risk",
        "quantconnect-positions",
        "quantconnect-algorithm",
        "quantconnect-account",
    }:
        assert (alert.keep_firing_for == "15m") == (alert.name not in events)


def test_severities_of_one_name_differ() -> None:
    names = [(alert.name, alert.labels["severity"]) for alert in ALERTS]
    assert len(set(names)) == len(names)


def test_every_limit_is_in_force_once_and_watched() -> None:
    effective = [
        rule.labels["limit"]
        for rule in RECORDS
        if rule.name == "project:quantconnect_project_limit:effective"
    ]
    assert effective == list(LIMITS)
    used = {
        limit
        for alert in ALERTS
        for limit in re.findall(r'limit:effective\{limit="(\w+)"\}', alert.expr)
    }
    assert used == set(LIMITS)


def test_the_defaults_are_documented() -> None:
    page = (ROOT / "prometheus" / "README.md").read_text()
    for rule in RECORDS:
        if rule.name == "project:quantconnect_project_limit:effective":
            _, _, default = rule.expr.partition(" * 0 + ")
            assert f"| `{rule.labels['limit']}` | {default.strip() or 'none'} |" in page


@each_rule
def test_reads_nothing_that_quantconnect_freezes(rule: Rule) -> None:
    """Deployments of some weeks say 0 for life: Lean's own statistic, not the holdings."""
    assert "quantconnect_live_unrealized_pnl" not in rule.expr


def test_every_alert_has_its_runbook_and_no_runbook_is_left_over() -> None:
    assert sorted(headings(RUNBOOKS.read_text())) == sorted({alert.name for alert in ALERTS})


def test_the_queries_of_the_runbooks_name_what_exists() -> None:
    recorded = {record.name for record in RECORDS}
    queries = re.findall(r"^```promql\n(.*?)^```", RUNBOOKS.read_text(), re.DOTALL | re.MULTILINE)
    assert len(queries) > len({alert.name for alert in ALERTS}) // 2
    for query in "\n\n".join(queries).split("\n\n"):
        nodes: list[Any] = []
        promql_parser.walk(promql_parser.parse(query), nodes.append)
        names = {n.name for n in nodes if isinstance(n, promql_parser.VectorSelector)}
        assert names
        assert names <= recorded | set(PUBLISHED)


def test_every_alert_has_a_case_that_fires_and_one_that_does_not() -> None:
    fires: set[tuple[str, str]] = set()
    silent: set[str] = set()
    for file in UNIT_TESTS:
        for case in load(file.read_text())["tests"]:
            for check in case.get("alert_rule_test", ()):
                for expected in check["exp_alerts"]:
                    assert set(expected["exp_annotations"]) == {
                        "summary",
                        "description",
                        "runbook_url",
                    }
                    fires.add((check["alertname"], expected["exp_labels"]["severity"]))
                if not check["exp_alerts"]:
                    silent.add(check["alertname"])
    assert fires == {(alert.name, alert.labels["severity"]) for alert in ALERTS}
    assert silent == {alert.name for alert in ALERTS} - {WATCHDOG}
