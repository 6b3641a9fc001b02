"""A normal week wakes nobody, and what else it says is a list that docs/alerts.md defends."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from .ruleset import ALERTS, ROOT, RULE_FILES, load, needed
from .week import BOOKS, HOUR, MAINTENANCE, TIMES, unit_test

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.needs_prometheus

ACCOUNT = "The account, in QuantConnect's maintenance"
IN_THE_MAINTENANCE = {
    "PortfolioReadFailing (warning)",
    "PortfolioStale (warning)",
    "StatusStale (warning)",
}
"""Of every book while the maintenance lasts, and silenced by APIErrorsHigh of the two endpoints."""
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
AT_THE_MAINTENANCE = {
    "Equities on margin": {"NegativeCash (info)"},
    "Forex at 20 times": {"NegativeCash (info)"},
    "Options of the week": {"PositionClosed (info)"},
}
"""Those of them that fire in the hours around the maintenance, with or without it."""

NEVER = """\
      - expr: >-
          last_over_time(
            ALERTS{{alertstate="firing", alertname=~"QuantConnect({names})"}}[{seconds}s]
          )
        eval_time: {end}s
        exp_samples: []
"""
UNSILENCED = """\
      - expr: >-
          count_over_time((
            ALERTS{{alertstate="firing", alertname=~"QuantConnect({names})"}}
            unless on (job, account)
            ALERTS{{
              alertstate="firing", alertname="QuantConnectAPIErrorsHigh", endpoint="{endpoint}"
            }}
          )[4h:1m])
        eval_time: {end}s
        exp_samples: []
"""


def query(time: int, fired: dict[str, set[str]], *, but: str = "Watchdog") -> str:
    """What promtool compares: every alert that has ever fired, ``but`` some."""
    samples = []
    for book, alerts in fired.items():
        for text in alerts:
            name, severity = text.removesuffix(")").split(" (")
            labels = f'alertname="QuantConnect{name}", severity="{severity}"'
            labels += "" if book == ACCOUNT else f', project="{book}"'
            samples.append(f"          - {{labels: '{{{labels}}}', value: 0}}\n")
    firing = f'last_over_time(ALERTS{{alertstate="firing", alertname!~"QuantConnect({but})"}}[7d])'
    return (
        f"      - expr: count by (alertname, severity, project) ({firing}) * 0\n"
        f"        eval_time: {time}s\n"
        "        exp_samples:\n" + "".join(samples)
    )


def check(promtool: str, folder: Path, expected: str, times: range, *, every: int) -> None:
    # No book has drawdown_since: what reads 30 days for it reads an hour, for speed. Nor are
    # records evaluated that no alert is built on.
    texts = [file.read_text().replace(")[30d:1h])", ")[1h:1h])") for file in RULE_FILES]
    rules = folder / "rules.yml"
    rules.write_text(needed(" ".join(alert.name for alert in ALERTS), texts))
    # Alerts after the records that they read, which at ten minutes are not looked back for.
    groups = load(rules.read_text())["groups"]
    order = sorted(groups, key=lambda group: "alert" in group["rules"][0])
    names = ", ".join(group["name"] for group in order)
    test = folder / "test.yml"
    test.write_text(
        f"group_eval_order: [{names}]\n" + unit_test(rules.name, expected, times, every=every)
    )
    done = subprocess.run(
        [promtool, "test", "rules", test], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_alerts_of_a_week(one_promtool: str, tmp_path: Path) -> None:
    """Ten minutes apart, which is too seldom for what fires in the maintenance."""
    short = "|".join(alert.partition(" ")[0] for alert in (*IN_THE_MAINTENANCE, *FIRED[ACCOUNT]))
    of_books = {book: alerts for book, alerts in FIRED.items() if book != ACCOUNT}
    every = 600
    end = TIMES.stop - every
    expected = query(end, of_books, but=f"Watchdog|{short}")
    # Nor do those fire before the maintenance, or from half an hour after it on.
    after = end - MAINTENANCE.stop - HOUR // 2
    for until, seconds in ((MAINTENANCE.start, MAINTENANCE.start), (end, after)):
        expected += NEVER.format(names=short, seconds=seconds, end=until)
    check(one_promtool, tmp_path, expected, TIMES, every=every)


def test_the_alerts_of_the_maintenance(one_promtool: str, tmp_path: Path) -> None:
    """Minute by minute, with two hours before it and two after."""
    times = range(MAINTENANCE.start - 2 * HOUR, MAINTENANCE.stop + 2 * HOUR, 60)
    fired = {ACCOUNT: FIRED[ACCOUNT]} | {
        book.name: IN_THE_MAINTENANCE | AT_THE_MAINTENANCE.get(book.name, set()) for book in BOOKS
    }
    end = len(times) * 60 - 60
    expected = query(end, fired)
    for endpoint, names in (
        ("live/portfolio/read", "Portfolio(ReadFailing|Stale)"),
        ("live/list", "StatusStale"),
    ):
        expected += UNSILENCED.format(names=names, endpoint=endpoint, end=end)
    check(one_promtool, tmp_path, expected, times, every=60)
    assert all(FIRED[book] >= alerts for book, alerts in AT_THE_MAINTENANCE.items())


def test_nobody_is_woken() -> None:
    assert FIRED.keys() == {ACCOUNT, *(book.name for book in BOOKS)}
    assert not any("(critical)" in alert for alerts in FIRED.values() for alert in alerts)


@pytest.mark.parametrize("book", FIRED)
def test_the_page_lists_what_fires(book: str) -> None:
    page = (ROOT / "docs" / "alerts.md").read_text()
    (line,) = (line for line in page.splitlines() if line.startswith(f"| {book} |"))
    listed = line.split("|")[2].strip()
    assert listed == (", ".join(sorted(FIRED[book])) or "nothing")
