"""The rules load, and their unit tests pass, in the promtool of Debian and of Prometheus 3."""

from __future__ import annotations

import subprocess
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
import yaml

from .ruleset import RECORDS, ROOT, RULE_FILES, UNIT_TESTS

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.needs_prometheus

NO_TRADING = (
    "2026-01-01 2026-01-19 2026-02-16 2026-04-03 2026-05-25 2026-06-19 2026-07-03 2026-09-07 "
    "2026-11-26 2026-11-27 2026-12-24 2026-12-25 "
    "2027-01-01 2027-01-18 2027-02-15 2027-03-26 2027-05-31 2027-06-18 2027-07-05 2027-09-06 "
    "2027-11-25 2027-11-26 2027-12-24 "
    "2028-01-17 2028-02-21 2028-04-14 2028-05-29 2028-06-19 2028-07-03 2028-07-04 2028-09-04 "
    "2028-11-23 2028-11-24 2028-12-25"
)
"""The weekdays of three years on which the NYSE is closed or closes early (nyse.com/calendars)."""


def run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_load(promtool: str) -> None:
    run(promtool, "check", "rules", *RULE_FILES)


def test_the_configuration_for_users_loads(promtool: str) -> None:
    run(promtool, "check", "config", ROOT / "prometheus" / "prometheus.yml")


@pytest.mark.parametrize("file", UNIT_TESTS, ids=lambda file: file.stem)
def test_the_unit_tests_pass(promtool: str, file: Path) -> None:
    run(promtool, "test", "rules", file)


def test_trading_days_of_three_years(debian_promtool: str, tmp_path: Path) -> None:
    """The rule's own expression, asked at 18:00 UTC of every day from 2026 to 2028."""
    (rule,) = (rule for rule in RECORDS if rule.name == "quantconnect:usa_trading_day:bool")
    closed = {date.fromisoformat(day) for day in NO_TRADING.split()}
    epoch, first, last = date(1970, 1, 1), date(2026, 1, 1), date(2028, 12, 31)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    # A day of Christmas Eve that falls on a weekend, or of 3 July, is a weekend anyway.
    checks = [
        {
            "expr": rule.expr,
            "eval_time": f"{(day - epoch).days}d18h",
            "exp_samples": [
                {"labels": "{}", "value": int(day.weekday() < 5 and day not in closed)}
            ],
        }
        for day in days
    ]
    unit_test = {
        "evaluation_interval": "100000d",
        "tests": [{"interval": "100000d", "promql_expr_test": checks}],
    }
    file = tmp_path / "days.yml"
    file.write_text(yaml.safe_dump(unit_test))
    run(debian_promtool, "test", "rules", file)
