"""A normal week wakes nobody, and what else it says is a list that docs/alerts.md defends."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from .ruleset import ALERTS, ROOT, RULE_FILES, needed
from .week import BOOKS, unit_test

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.needs_prometheus

ACCOUNT = "The account, in QuantConnect's maintenance"
MAINTENANCE = {"PortfolioReadFailing (warning)"}
"""Of every book while the maintenance lasts, and silenced by APIErrorsHigh of the account."""
FIRED: dict[str, set[str]] = {
    ACCOUNT: {"APIErrorsHigh (warning)"},
    "Equities, fully invested": set(),
    "Equities on margin": {"NegativeCash (info)"},
    "Equities that trade, with a deposit and a redeploy": {
        "AlgorithmRedeployed (info)",
        "EquityJump (warning)",
        "PositionClosed (info)",
        "PositionOpened (info)",
    },
    "Futures at notional": set(),
    "Forex at 20 times": {"NegativeCash (info)"},
    "Crypto": {"DailyLossHigh (warning)"},
    "Options of the week": {"PositionClosed (info)", "PositionExpiringSoon (warning)"},
    "Cash only": set(),
}
"""Every alert that fires in the week, by book."""

QUERY = """\
      - expr: >-
          count by (alertname, severity, project) (
            last_over_time(ALERTS{alertstate="firing", alertname!="QuantConnectWatchdog"}[7d])
          ) * 0
        eval_time: 6d23h55m
        exp_samples:
"""


def expected() -> str:
    samples = []
    for book, alerts in FIRED.items():
        for text in alerts if book == ACCOUNT else alerts | MAINTENANCE:
            name, severity = text.removesuffix(")").split(" (")
            labels = f'alertname="QuantConnect{name}", severity="{severity}"'
            labels += "" if book == ACCOUNT else f', project="{book}"'
            samples.append(f"          - {{labels: '{{{labels}}}', value: 0}}\n")
    return QUERY + "".join(samples)


def test_the_alerts_of_a_week(debian_promtool: str, tmp_path: Path) -> None:
    # No book has drawdown_since: what reads 30 days for it reads an hour, for speed. Nor are
    # records evaluated that no alert is built on.
    texts = [file.read_text().replace(")[30d:1h])", ")[1h:1h])") for file in RULE_FILES]
    rules = tmp_path / "rules.yml"
    rules.write_text(needed(" ".join(alert.name for alert in ALERTS), texts))
    test = tmp_path / "week.yml"
    test.write_text(unit_test(rules.name, expected()))
    done = subprocess.run(
        [debian_promtool, "test", "rules", test], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_nobody_is_woken() -> None:
    assert FIRED.keys() == {ACCOUNT, *(book.name for book in BOOKS)}
    assert not any("(critical)" in alert for alerts in FIRED.values() for alert in alerts)


@pytest.mark.parametrize("book", FIRED)
def test_the_page_lists_what_fires(book: str) -> None:
    page = (ROOT / "docs" / "alerts.md").read_text()
    (line,) = (line for line in page.splitlines() if line.startswith(f"| {book} |"))
    listed = line.split("|")[2].strip()
    assert listed == (", ".join(sorted(FIRED[book])) or "nothing")
