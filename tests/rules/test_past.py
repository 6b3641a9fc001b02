"""The rules for a past that was backfilled: what they record of points that are days apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from exporter.cli.rules import adapted

from .ruleset import ROOT, RULE_FILES, run

if TYPE_CHECKING:
    from pathlib import Path

FILE = ROOT / "prometheus" / "past" / "quantconnect-past.yml"
RAW = 'quantconnect_live_equity{job="q",instance="x",project_id="7",account_currency="USD"}'
LABELS = '{account_currency="USD", job="q", project_id="7"}'

# A point at 5:00 of each day: Thursday, Friday, a long weekend, Tuesday; then a gap of six days.
DAY = [*["_"] * 60, "{}", *["_"] * 227]
POINTS = [100, 125, None, None, None, 62.5, None, None, None, None, None, 150]
VALUES = " ".join(
    " ".join(DAY).replace("{}", "_" if point is None else str(point)) for point in POINTS
)
EVERY = "15m"
"""As often the rules are evaluated: seldom enough for speed."""


def expected(name: str, *values: tuple[str, float | None]) -> list[dict[str, Any]]:
    return [
        {
            "expr": name,
            "eval_time": at,
            "exp_samples": [] if value is None else [{"labels": f"{name}{LABELS}", "value": value}],
        }
        for at, value in values
    ]


CASES = [
    *expected(
        "project:quantconnect_live_equity:max",
        ("4h45m", None),
        ("5h", 100),
        ("28h45m", 100),
        ("29h", 125),
        ("5d4h45m", 125),
        ("5d5h", 62.5),
        ("9d4h45m", 62.5),
        ("9d5h15m", None),
        ("11d5h", 150),
    ),
    *expected("project:quantconnect_live_equity:peak_30d", ("5d6h", 125), ("9d5h15m", None)),
    *expected("project:quantconnect_live_equity:peak", ("5d6h", 125), ("9d5h15m", None)),
    *expected("project:quantconnect_drawdown:ratio", ("2d", 0), ("5d6h", 0.5), ("11d6h", 0)),
    *expected("project:quantconnect_drawdown_30d:ratio", ("2d", 0), ("5d6h", 0.5), ("11d6h", 0)),
    *expected(
        "project:quantconnect_live_equity:day_open",
        ("23h", None),
        ("24h", 100),
        ("47h", 100),
        ("5d6h", 125),
        ("10d", None),
    ),
    *expected(
        "project:quantconnect_profit:today", ("23h", None), ("28h", 0), ("30h", 25), ("5d6h", -62.5)
    ),
    *expected("project:quantconnect_profit_ratio:today", ("30h", 0.25), ("5d6h", -0.5)),
]


@pytest.mark.needs_prometheus
def test_each_point_holds_until_the_next(promtool: str, tmp_path: Path) -> None:
    (tmp_path / "past.yml").write_text(FILE.read_text())
    case = {
        "interval": "5m",
        "input_series": [{"series": RAW, "values": VALUES}],
        "promql_expr_test": CASES,
    }
    file = tmp_path / "test.yml"
    file.write_text(
        yaml.safe_dump({"rule_files": ["past.yml"], "evaluation_interval": EVERY, "tests": [case]})
    )
    run(promtool, "test", "rules", file)


@pytest.mark.needs_prometheus
def test_they_load(promtool: str, tmp_path: Path) -> None:
    text = FILE.read_text()
    (tmp_path / "past.yml").write_text(
        adapted(text, labels=(), severities={}, day_starts=79_200, runbooks="")
    )
    run(promtool, "check", "rules", FILE, tmp_path / "past.yml")


def test_they_record_what_the_usual_rules_record() -> None:
    """And are not among the rules that a Prometheus loads."""
    usual = {
        rule["record"]
        for file in RULE_FILES
        for group in yaml.safe_load(file.read_text())["groups"]
        for rule in group["rules"]
        if "record" in rule
    }
    (group,) = yaml.safe_load(FILE.read_text())["groups"]
    assert {rule["record"] for rule in group["rules"]} < usual
    assert FILE not in RULE_FILES
