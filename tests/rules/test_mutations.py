"""Each cure against a known trap is needed: taken out of the rules, a unit test fails.

A mutation replaces one passage of a rule by what an author would write who does not know the trap.
The case that stands for the trap is then run alone, against rules that still load; that it passes
with the cure is tested with all other cases.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from .ruleset import RULE_FILES, UNIT_TESTS, dump, load, needed

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.needs_prometheus

RECORDING, ALERTS = "quantconnect-recording.yml", "quantconnect-alerts.yml"
JUMP = (
    "a redeploy on another account, after twenty minutes or hours without equity; one in another"
    " currency is not compared"
)
OUTAGE = (
    "an exporter is started while QuantConnect is out: nothing was rejected, and another"
    " exporter's rejection is over"
)
ONE_ENDPOINT = (
    "one endpoint answers nothing but errors, and no portfolio of the account is read: a warning in"
    " minutes, one page when half an hour is over; other accounts are well"
)


OLD_ORDERS = (
    "an exporter is installed on a deployment with rejected orders, is restarted, and does not read"
    " them for a while; then one more is rejected"
)
SECOND_EXPORTER = (
    "a redeploy that the second of two exporters sees three minutes later: the orders of before are"
    " not those of the new deployment"
)


@dataclass(frozen=True)
class Mutation:
    """In ``file``, ``cure`` becomes ``trap``; then ``case`` must fail."""

    trap_name: str
    file: str
    cure: str
    trap: str
    case: str

    def __str__(self) -> str:
        return self.trap_name.replace(" ", "-")


MUTATIONS = (
    Mutation(
        "an exporter that restarts is up whenever anybody looks",
        ALERTS,
        "          present_over_time(quantconnect_exporter_build_info[1h])\n",
        "          quantconnect_exporter_build_info\n",
        "an exporter that is killed again and again, never for five minutes, is told of; three"
        " restarts are not, nor is anybody else's process",
    ),
    Mutation(
        "what was read by a long interval is judged by a short one",
        ALERTS,
        '3 * max_over_time(project:quantconnect_read_interval_seconds:max{source="portfolio"}[1h])',
        '3 * project:quantconnect_read_interval_seconds:max{source="portfolio"}',
        "an interval is shortened by a reload: what was read by the long one is not late at once,"
        " but in time",
    ),
    Mutation(
        "a read in the future is carried",
        RECORDING,
        "clamp_max(last_over_time(project:quantconnect_read_last_success_timestamp_seconds:known"
        "[1h]), time())",
        "last_over_time(project:quantconnect_read_last_success_timestamp_seconds:known[1h])",
        "an exporter whose clock was ahead is restarted with the right time, and reads nothing any"
        " more",
    ),
    Mutation(
        "the day opens with the higher equity of two exporters",
        RECORDING,
        "                project:quantconnect_live_equity:max offset -86400s\n                or\n"
        "                max by",
        "                max by",
        "equity falls before midnight, while one of two exporters hangs until after it: nothing is"
        " lost on the day that begins",
    ),
    Mutation(
        "a project never deployed is a failure",
        RECORDING,
        'group by (job, project_id) (quantconnect_read_success{source="status"} == 1)',
        'group by (job, project_id) (quantconnect_read_success{source="status"} == 2)',
        "a project that was never deployed has no portfolio, and nobody is woken for it",
    ),
    Mutation(
        "a hole in the list is a project never deployed",
        RECORDING,
        """          unless on (job, project_id)
          quantconnect_read_last_success_timestamp_seconds{source="portfolio"}
""",
        "",
        "a project whose portfolio was read before is not taken for one that was never deployed",
    ),
    Mutation(
        "two exporters are summed",
        RECORDING,
        "max by (job, project_id, account_currency, symbol_id) (quantconnect_holding_market_value)",
        "quantconnect_holding_market_value",
        "two exporters publish one project, one of them without its name",
    ),
    Mutation(
        "cash of two exporters is summed",
        RECORDING,
        "(max by (job, project_id, account_currency, currency) (quantconnect_cash_value))",
        "(quantconnect_cash_value)",
        "two exporters publish one project, one of them without its name",
    ),
    Mutation(
        "project names are matched on",
        RECORDING,
        "topk by (job, project_id) (1, max by (job, project_id, account, project)"
        " (quantconnect_project_info))",
        "max by (job, project_id, account, project) (quantconnect_project_info)",
        "two exporters have different tickers for one security: names still join",
    ),
    Mutation(
        "symbols are matched on",
        RECORDING,
        "topk by (job, project_id, symbol_id) (1, max by (job, project_id, symbol_id, symbol,"
        " security_type) (quantconnect_holding_info))",
        "max by (job, project_id, symbol_id, symbol, security_type) (quantconnect_holding_info)",
        "two exporters have different tickers for one security: names still join",
    ),
    Mutation(
        "equity is cash plus market values",
        RECORDING,
        "max by (job, project_id, account_currency) (quantconnect_live_equity)\n"
        "      - record: project:quantconnect_cash_value:sum",
        "sum by (job, project_id, account_currency) (quantconnect_holding_market_value)"
        " + sum by (job, project_id, account_currency) (quantconnect_cash_value)\n"
        "      - record: project:quantconnect_cash_value:sum",
        "two futures, worth three times the account: equity is what QuantConnect says",
    ),
    Mutation(
        "the higher equity of two exporters is right",
        RECORDING,
        "quantconnect_live_equity\n            and on (job, instance, project_id)\n",
        "quantconnect_live_equity\n            and on (job, project_id)\n",
        "two exporters publish one project: one cannot read, the other sees a crash",
    ),
    Mutation(
        "account currencies are summed",
        RECORDING,
        "max by (job, project_id, account_currency) (quantconnect_live_equity)\n"
        "      - record: project:quantconnect_cash_value:sum",
        "sum by (job) (quantconnect_live_equity)\n"
        "      - record: project:quantconnect_cash_value:sum",
        "account currencies are never added up",
    ),
    Mutation(
        "cash only has no exposure",
        RECORDING,
        "          or\n          project:quantconnect_portfolio_empty:info * 0\n",
        "",
        "cash only: exposure is 0, not unknown",
    ),
    Mutation(
        "a withdrawn portfolio has exposure 0",
        RECORDING,
        "and on (job, project_id)\n          project:quantconnect_holdings:max == 0\n",
        "",
        "the portfolio is withdrawn: exposure is unknown, not 0",
    ),
    Mutation(
        "the long side is what is above 0",
        RECORDING,
        "(clamp_min(holding:quantconnect_holding_market_value:max, 0))",
        "(holding:quantconnect_holding_market_value:max > 0)",
        "shorts only: the long side is 0, not unknown",
    ),
    *(
        Mutation(
            f"a sum without what could not be read, {sum_}",
            RECORDING,
            f"(holding:quantconnect_holding_{metric}:max)\n"
            "            >= on (job, project_id) group_left ()\n            ",
            f"(holding:quantconnect_holding_{metric}:max)\n"
            "            >= on (job, project_id) group_left ()\n            0 * ",
            "positions of which a value, a P/L or nothing can be read: no sum rather than a wrong"
            " one",
        )
        for sum_, metric in (("P/L", "unrealized_pnl"), ("exposure", "market_value"))
    ),
    Mutation(
        "what cannot be read is nothing",
        RECORDING,
        "project:quantconnect_holdings:max == 0\n",
        "project:quantconnect_holdings:max\n",
        "positions of which a value, a P/L or nothing can be read: no sum rather than a wrong one",
    ),
    *(
        Mutation(
            f"the weights that are known are all, {top}",
            RECORDING,
            f"{weights}            and\n            project:quantconnect_leverage_gross:ratio\n",
            weights,
            "positions of which a value, a P/L or nothing can be read: no sum rather than a wrong"
            " one",
        )
        for top, weights in (
            ("top 1", " (abs(holding:quantconnect_weight:ratio))\n"),
            ("top 5", " (5, abs(holding:quantconnect_weight:ratio))\n            )\n"),
        )
    ),
    Mutation(
        "each of two exporters knows all positions",
        RECORDING,
        ">= on (job, project_id) group_left ()\n            project:quantconnect_holdings:max",
        "== on (job, project_id) group_left ()\n            project:quantconnect_holdings:max",
        "two exporters, of which one has not yet read what was bought and sold: the sums of both"
        " stay",
    ),
    *(
        Mutation(
            f"an unread quantity is no position, {what}",
            ALERTS,
            f"unless on (job, project_id, symbol_id)\n{held}\n",
            "unless on (job, project_id, symbol_id)\n"
            f"{held.replace('info:current', 'quantity:max')}\n",
            "quantities that cannot be read for a while: no trade, and what expires is no new"
            " position",
        )
        for what, held in (
            ("opened", "            holding:quantconnect_holding_info:current offset 10m"),
            ("closed", "            holding:quantconnect_holding_info:current"),
            ("expiring", "              holding:quantconnect_holding_info:current offset 1d"),
        )
    ),
    Mutation(
        "deployments that overlap are joined as they are",
        ALERTS,
        "max by (job, project_id) (last_over_time("
        "project:quantconnect_live_launched_timestamp_seconds:newest[1d] offset 10m))",
        "last_over_time("
        "project:quantconnect_live_launched_timestamp_seconds:newest[1d] offset 10m)",
        "a redeploy, with both deployments published by two exporters for a while",
    ),
    Mutation(
        "overlapping deployments are all kept",
        RECORDING,
        "topk by (job, project_id) (1,\n            max by (job, project_id, deploy_id",
        "topk by (job, project_id) (2,\n            max by (job, project_id, deploy_id",
        "a redeploy, with both deployments published by two exporters for a while",
    ),
    Mutation(
        "both sides of the peak have equal labels",
        RECORDING,
        '"part", "before"',
        '"part", "30d"',
        "an all-time peak outlives thirty days and a restart of days, the 30-day peak heals, and"
        " so does the alert after a withdrawal",
    ),
    Mutation(
        "the peak is not carried over a gap",
        RECORDING,
        "last_over_time(project:quantconnect_live_equity:peak[14d])",
        "project:quantconnect_live_equity:peak",
        "an all-time peak outlives thirty days and a restart of days, the 30-day peak heals, and"
        " so does the alert after a withdrawal",
    ),
    Mutation(
        "the alert watches the all-time peak",
        ALERTS,
        "project:quantconnect_drawdown_30d:ratio",
        "project:quantconnect_drawdown:ratio",
        "an all-time peak outlives thirty days and a restart of days, the 30-day peak heals, and"
        " so does the alert after a withdrawal",
    ),
    Mutation(
        "a peak outlives its project",
        RECORDING,
        '"part", "before", "", "")\n'
        "          )\n"
        "          and on (job, project_id)\n"
        "          project:quantconnect_project_info:current",
        '"part", "before", "", "")\n          )',
        "a project that is no longer configured leaves nothing behind",
    ),
    Mutation(
        "the day opens now",
        RECORDING,
        ")[1d:1d] offset 86400s)",
        ")[1d:5m] offset 86400s)",
        "the first day, and the day after",
    ),
    Mutation(
        "the first day has no opening",
        RECORDING,
        "            or\n"
        "            last_over_time(project:quantconnect_live_equity:day_open[1d])\n"
        "            or\n"
        "            project:quantconnect_live_equity:max\n",
        "",
        "the first day, and the day after",
    ),
    Mutation(
        "no data at midnight",
        RECORDING,
        "                or\n"
        "                last_over_time(project:quantconnect_live_equity:max[1d] offset -86400s)\n"
        "              )\n",
        "              )\n",
        "no data over midnight",
    ),
    Mutation(
        "what comes back is a trade",
        ALERTS,
        "            and on (job, project_id)\n"
        "            project:quantconnect_holdings:max offset 10m\n"
        "          )\n",
        "          )\n",
        "the portfolio is withdrawn and comes back: no trade",
    ),
    Mutation(
        "what is withdrawn is a trade",
        ALERTS,
        "            and on (job, project_id)\n"
        "            project:quantconnect_holdings:max\n"
        "          )\n"
        "          * on (job, project_id, symbol_id)",
        "          )\n          * on (job, project_id, symbol_id)",
        "the portfolio is withdrawn and comes back: no trade",
    ),
    Mutation(
        "a jump over a hole is none",
        RECORDING,
        "last_over_time(project:quantconnect_live_equity:max[1d] offset 15m)",
        "project:quantconnect_live_equity:max offset 15m",
        JUMP,
    ),
    Mutation(
        "account currencies are compared",
        ALERTS,
        "project:quantconnect_live_equity:max / (project:quantconnect_live_equity:15m_ago > 0)",
        "project:quantconnect_live_equity:max / on (job, project_id) group_left ()"
        " (project:quantconnect_live_equity:15m_ago > 0)",
        JUMP,
    ),
    Mutation(
        "withdrawn data is a recovery",
        ALERTS,
        "        keep_firing_for: 15m\n",
        "",
        "the status is withdrawn while it is stopped: no recovery for 15 minutes",
    ),
    Mutation(
        "an unreadable portfolio is an empty one",
        ALERTS,
        "project:quantconnect_holdings:known > 0\n            and on (job, project_id)\n"
        "            project:quantconnect_live_stopped:bool == 1\n",
        "project:quantconnect_holdings:max > 0\n            and on (job, project_id)\n"
        "            project:quantconnect_live_stopped:bool == 1\n",
        "it stops, and its portfolio cannot be read: the positions last known count",
    ),
    Mutation(
        "any exporter that says Running is believed",
        RECORDING,
        'max by (job, project_id) (project:quantconnect_live_status:newest{status="Running"})',
        'max by (job, project_id) (quantconnect_live_status{status="Running"})',
        "of two exporters, the one that still says Running has not read for ten minutes",
    ),
    Mutation(
        "a warm-up is a stop",
        RECORDING,
        'status=~"InQueue|LoggingIn|Initializing|History"',
        'status="InQueue"',
        "a redeploy that takes twenty minutes to warm up",
    ),
    Mutation(
        "a start that hangs is no stop",
        RECORDING,
        "(quantconnect_live_launched_timestamp_seconds) < 1800",
        "(quantconnect_live_launched_timestamp_seconds) < 1e9",
        "a redeploy that never comes up",
    ),
    Mutation(
        "staleness counts from any constant",
        ALERTS,
        "clamp_min(3 * max_over_time(project:quantconnect_read_interval_seconds:max"
        '{source="portfolio"}[1h]), 600)',
        "600",
        "the portfolio is read seldom, or by another exporter",
    ),
    Mutation(
        "what was never read has no age",
        RECORDING,
        "          or\n          project:quantconnect_read_interval_seconds:max * 0 + time()\n",
        "",
        "the status was never read",
    ),
    Mutation(
        "what was never read is as old as its exporter",
        RECORDING,
        "          project:quantconnect_read_interval_seconds:max * 0 + time()\n",
        "          max by (job, project_id, source) (quantconnect_read_success * 0\n"
        "          + on (job, instance) group_left () process_start_time_seconds)\n",
        "a deployment that an exporter finds after a day: it has no portfolio in its first minutes",
    ),
    Mutation(
        "a deployment is late from the day that its project is watched",
        RECORDING,
        "            and on (job, project_id)\n"
        "            project:quantconnect_never_deployed:info\n"
        "          )\n",
        "            and on (job, project_id)\n"
        "            project:quantconnect_never_deployed:info > 1\n"
        "          )\n",
        "a deployment that an exporter finds after a day: it has no portfolio in its first minutes",
    ),
    *(
        Mutation(
            trap_name,
            RECORDING,
            "last_over_time(project:quantconnect_read_last_success_timestamp_seconds:known[1h])",
            trap,
            case,
        )
        for trap_name, trap, case in (
            (
                "a restart makes data young",
                "last_over_time(quantconnect_read_success[1h]) > 2",
                "the exporter is restarted after two hours without a portfolio: no recovery",
            ),
            (
                "a minute without an exporter makes data young",
                "project:quantconnect_read_last_success_timestamp_seconds:known",
                "an exporter that is killed every eight minutes and reads no portfolio",
            ),
        )
    ),
    Mutation(
        "what is no longer configured grows old",
        RECORDING,
        "            and\n            project:quantconnect_read_interval_seconds:max\n",
        "",
        "a project that moves to another exporter keeps its age; one that is no longer configured"
        " has none",
    ),
    Mutation(
        "a downtime wakes somebody when it is over",
        ALERTS,
        "        for: 2m\n        labels:\n          severity: warning\n",
        "        labels:\n          severity: warning\n",
        "after a long downtime, and when a project starts that was read seldom: nobody is woken"
        " before the first read",
    ),
    Mutation(
        "what is used tells what is needed",
        ALERTS,
        "            quantconnect_api_request_demand_per_second\n",
        "            sum by (job, instance, account) (rate(quantconnect_api_requests_total[5m]))\n",
        "more is needed than the budget allows, so intervals are stretched and most of it is used",
    ),
    Mutation(
        "one shard has calls to spare for another",
        ALERTS,
        "            quantconnect_api_request_demand_per_second\n"
        "            / on (job, instance, account)\n"
        "            (quantconnect_api_request_budget_per_second > 0)\n",
        "            sum by (job, account) (quantconnect_api_request_demand_per_second)\n"
        "            / sum by (job, account) (quantconnect_api_request_budget_per_second > 0)\n",
        "one of two shards needs more than its half of the budget",
    ),
    Mutation(
        "an outage is a rejection",
        ALERTS,
        """{reason="auth"} > 0""",
        """{reason="auth"} >= 0""",
        OUTAGE,
    ),
    Mutation(
        "another exporter's rejection counts",
        ALERTS,
        "            and on (job, instance, account)\n"
        '            quantconnect_api_request_failures_total{reason="auth"} > 0\n',
        "            and on (job, account)\n"
        '            quantconnect_api_request_failures_total{reason="auth"} > 0\n',
        OUTAGE,
    ),
    Mutation(
        "a day of silence is a recovery",
        ALERTS,
        "            or on (job, instance)\n"
        '            ALERTS{alertname="QuantConnectExporterDown", alertstate="firing"}\n',
        "",
        "a day of silence of the exporter is no recovery",
    ),
    Mutation(
        "one shard that is down is all",
        ALERTS,
        "up == 0 and on (job) (max by (job) (up) == 0)",
        "up == 0",
        "one of two exporters goes down, so the other's alerts are not to be silenced",
    ),
    Mutation(
        "a pause in the calls is a recovery",
        ALERTS,
        "        for: 3m\n        keep_firing_for: 15m\n",
        "        for: 3m\n",
        "an outage while the exporter backs off to a call in five minutes",
    ),
    Mutation(
        "the first call that fails is half an hour",
        ALERTS,
        "          and on (job, account)\n          quantconnect_api_requests_total offset 28m\n",
        "",
        "an exporter is started while QuantConnect is out: a warning at once, a page when half an"
        " hour is over",
    ),
    Mutation(
        "changes counts float noise",
        ALERTS,
        "max_over_time(project:quantconnect_live_equity:max[2h:5m]) -"
        " min_over_time(project:quantconnect_live_equity:max[2h:5m])\n"
        "            <= 1e-9 * abs(project:quantconnect_live_equity:max)",
        "changes(project:quantconnect_live_equity:max[2h:4m]) == 0",
        "equity that stands still: on a holiday, at night, in session",
    ),
    Mutation(
        "a start is a standstill",
        ALERTS,
        "            count_over_time(project:quantconnect_live_equity:max[2h:5m]) >= 23\n"
        "            and on (job, project_id)\n",
        "            project:quantconnect_live_equity:max\n            and on (job, project_id)\n",
        "equity that stands still: on a holiday, at night, in session",
    ),
    Mutation(
        "the night is a standstill",
        RECORDING,
        "(quantconnect_holdings_in_session) > bool 0",
        "(quantconnect_holdings_in_session) >= bool 0",
        "equity that stands still: on a holiday, at night, in session",
    ),
    Mutation(
        "positions are forgotten within a day",
        RECORDING,
        "            last_over_time(project:quantconnect_holdings:known[1d])\n"
        "            or\n"
        "            last_over_time(project:quantconnect_holdings:known[7d:1h])\n",
        "            last_over_time(project:quantconnect_holdings:max[1d])\n",
        "a redeploy fails, and its portfolio is neither money nor positions: the positions of"
        " before count for more than a day, until it runs again",
    ),
    Mutation(
        "an outage brings up old portfolios",
        RECORDING,
        "last_over_time(project:quantconnect_live_stopped:bool[1h]) == 1",
        "project:quantconnect_live_stopped:bool == 1",
        "an algorithm that held nothing is stopped, and its portfolio cannot be read any more:"
        " nobody misses it, not even while its status is not known",
    ),
    Mutation(
        "an endpoint that always fails is half of all calls",
        ALERTS,
        "          sum by (job, account, endpoint) (rate(quantconnect_api_requests_total[5m]))\n",
        "          on (job, account) group_left ()\n"
        "          sum by (job, account) (rate(quantconnect_api_requests_total[5m]))\n",
        ONE_ENDPOINT,
    ),
    Mutation(
        "one project that is not read is the account",
        ALERTS,
        "          min by (job, account, source) (\n",
        "          max by (job, account, source) (\n",
        "one project of two cannot be read: the account is read",
    ),
    Mutation(
        "two calls that fail are an outage",
        ALERTS,
        "[15m])) > 2.5\n",
        "[15m])) > 0\n",
        "a call an hour that fails twice is no outage",
    ),
    Mutation(
        "a peak from before a withdrawal counts",
        RECORDING,
        "@ end()) <= time()\n",
        "@ end()) >= 0\n",
        "a withdrawal, after which drawdown and loss count anew from the moment that the"
        " configuration has; a loss after it counts; one without the line",
    ),
    Mutation(
        "a peak since another moment than the configuration's counts",
        RECORDING,
        "              and on (job, project_id, since)\n"
        '              count_values by (job, project_id) ("since", max by (job, project_id)'
        ' (quantconnect_project_limit{limit="drawdown_since"}))\n'
        "            )\n",
        "            )\n",
        "a withdrawal, after which drawdown and loss count anew from the moment that the"
        " configuration has; a loss after it counts; one without the line",
    ),
    Mutation(
        "a peak counts from the next look at the month on",
        RECORDING,
        "              max_over_time(quantconnect_live_equity[1d])\n",
        "              quantconnect_live_equity < 0\n",
        "an all-time peak outlives thirty days and a restart of days, the 30-day peak heals, and so"
        " does the alert after a withdrawal",
    ),
    Mutation(
        "a deposit hides a loss",
        RECORDING,
        '{limit="drawdown_since"} >= time() - time() % 86400\n',
        '{limit="drawdown_since"} >= time() + 1\n',
        "a deposit hides no loss of after it",
    ),
    Mutation(
        "who is fully invested lacks cash",
        ALERTS,
        '{limit="min_cash_ratio"}) - 0.001\n',
        '{limit="min_cash_ratio"})\n',
        "an account that may run on margin, one in debt without a limit, and one that lacks 3"
        " dollars to its limit of 0",
    ),
    Mutation(
        "orders are set against those of another deployment",
        RECORDING,
        "          max by (job, project_id, deploy_id, status) (\n",
        "          max by (job, project_id, status) (\n",
        "a redeploy: its orders are withdrawn, and their numbers begin again at 0",
    ),
    Mutation(
        "an older exporter's orders are those of the new deployment",
        RECORDING,
        "            * on (job, instance, project_id) group_left (deploy_id)\n            (\n"
        "              topk by (job, instance, project_id) (1, group by (job, instance, project_id,"
        " deploy_id) (quantconnect_live_info))\n"
        "              or on (job, instance, project_id)\n"
        "              group by (job, instance, project_id) (quantconnect_live_orders)\n"
        "            )\n",
        "            * on (job, project_id) group_left (deploy_id)\n"
        "            project:quantconnect_deployment:info\n",
        SECOND_EXPORTER,
    ),
    *(
        Mutation(
            f"orders of long ago are new, {what}", file, cure, cure.replace("min_over", trap), case
        )
        for what, file, cure, trap, case in (
            (
                "rejected",
                ALERTS,
                'min_over_time(project:quantconnect_live_orders:newest{status="invalid"}[1h])',
                "0 * min_over",
                OLD_ORDERS,
            ),
            (
                "sent",
                RECORDING,
                "min_over_time(project:quantconnect_live_orders:sum[1h])",
                "0 * min_over",
                OLD_ORDERS,
            ),
        )
    ),
    *(
        Mutation(
            f"the first hour of a deployment is like any other, {what}",
            file,
            "project:quantconnect_live_launched_timestamp_seconds:newest < 3600\n",
            "project:quantconnect_live_launched_timestamp_seconds:newest < 0\n",
            "a redeploy with more rejected orders in its first read than the deployment before had,"
            " and many more orders",
        )
        for what, file in (("rejected", ALERTS), ("sent", RECORDING))
    ),
    Mutation(
        "what is rejected unseen is never told",
        ALERTS,
        'max_over_time(project:quantconnect_live_orders:newest{status="invalid"}[1d] offset 1h)',
        'project:quantconnect_live_orders:newest{status="invalid"} offset 1h',
        "orders are rejected while no exporter answers for five hours",
    ),
    Mutation(
        "orders that nobody reads are no fills",
        ALERTS,
        "                  and on (job, project_id)\n                  quantconnect_live_orders\n",
        "",
        "orders that are not read, or withdrawn, or not yet read of a new deployment, are no lack"
        " of fills; a fill ends it",
    ),
    Mutation(
        "a log that lost lines has no new ones until it is as long again",
        RECORDING,
        "            < project:quantconnect_live_log_lines:max\n",
        "",
        "old lines are dropped from a full log: that is no new line, and what is new after it is"
        " told",
    ),
    Mutation(
        "a log that is dropped is written anew",
        RECORDING,
        "          project:quantconnect_live_log_lines:max\n          - (\n",
        "          increase(project:quantconnect_live_log_lines:max[1h])\n          - 0 * (\n",
        "old lines are dropped from a full log: that is no new line, and what is new after it is"
        " told",
    ),
    Mutation(
        "lines of a gap are never told",
        RECORDING,
        "last_over_time(project:quantconnect_live_log_lines:max[1d] offset 1h)",
        "project:quantconnect_live_log_lines:max offset 1h",
        "the log is not read for a while, and then for longer than an hour, in which lines matched;"
        " an exporter that is restarted",
    ),
    Mutation(
        "an order of a stopped algorithm is open for ever",
        ALERTS,
        "            time() - max by (job, project_id)"
        " (quantconnect_live_oldest_open_order_timestamp_seconds) > 86400\n"
        "            and on (job, project_id)\n"
        "            project:quantconnect_live_running:max == 1\n",
        "            time() - max by (job, project_id)"
        " (quantconnect_live_oldest_open_order_timestamp_seconds) > 86400\n",
        "an order that is open for more than a day, one that is not, and one of an algorithm that"
        " does not run",
    ),
    Mutation(
        "nodes that are all busy are news",
        ALERTS,
        "(project:quantconnect_live_stopped:bool == 1)\n            * on (job, project_id)"
        " group_left (account)",
        "(project:quantconnect_live_stopped:bool >= 0)\n            * on (job, project_id)"
        " group_left (account)",
        "a project does not run and all nodes are busy; in another account all run, and in a third"
        " a node is free",
    ),
    Mutation(
        "an account without credit has lost it",
        ALERTS,
        "(max_over_time(quantconnect_account_credit_balance[7d])) >= 1000\n",
        "(max_over_time(quantconnect_account_credit_balance[7d])) >= 0\n",
        "credit falls below 10 dollars; one that never was above, as of an account that pays by"
        " card",
    ),
    Mutation(
        "intervals that are stretched are news",
        ALERTS,
        '{source="portfolio"} > 600)\n',
        '{source="portfolio"} > 0)\n',
        "forty-six projects need more than the default budget, and each portfolio is read every two"
        " minutes",
    ),
)


def only(case: str) -> dict[str, Any]:
    """The file of unit tests that has the case, with that one alone."""
    for file in UNIT_TESTS:
        content: dict[str, Any] = load(file.read_text())
        tests = [test for test in content["tests"] if test["name"] == case]
        if tests:
            return content | {"tests": tests}
    raise AssertionError(f"no unit test is named {case!r}")


def verdict(
    binary: str, folder: Path, case: dict[str, Any], mutation: Mutation
) -> subprocess.CompletedProcess[str]:
    """What promtool says of the case, against the rules with that mutation."""
    texts = {file.name: file.read_text() for file in RULE_FILES}
    assert mutation.cure in texts[mutation.file], "the cure is no longer written like this"
    texts[mutation.file] = texts[mutation.file].replace(mutation.cure, mutation.trap)
    rules = folder / "rules.yml"
    rules.write_text(needed(dump(case), list(texts.values())))
    loads = run(binary, "check", "rules", rules)
    assert loads.returncode == 0, loads.stderr
    alone = folder / "alone.yml"
    alone.write_text(dump(case | {"rule_files": [rules.name]}))
    return run(binary, "test", "rules", alone)


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
def test_without_its_cure_a_trap_is_noticed(
    mutation: Mutation, one_promtool: str, tmp_path: Path
) -> None:
    done = verdict(one_promtool, tmp_path, only(mutation.case), mutation)
    assert done.returncode != 0, "the unit test does not notice"
    assert "FAILED" in done.stdout + done.stderr
