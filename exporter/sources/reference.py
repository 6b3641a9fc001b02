"""The reference page of all metrics, in Markdown, from the catalogue.

``python -m exporter.sources.reference`` prints it; `make lint` checks docs/metrics.md against it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.metrics import own
from exporter.sources import SOURCES, TABLES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from exporter.metrics.table import Family

_INTRODUCTION = """\
# Metrics

Written by `make docs` from the declarations in `exporter/sources/` and `exporter/metrics/`; edit
them instead.

Every name, label and meaning here is a contract. Published values are those that QuantConnect
sent, neither rounded nor recomputed: a number that it did not send is no sample, never a made-up 0
and never NaN. Samples carry no timestamps.

## Labels

| label | meaning |
|---|---|
| `account` | the account's name in the configuration |
| `project_id`, `project` | the project's id, and its name when it was first published |
| `symbol_id` | the full security identifier, which makes a holding's series unique: join on it |
| `symbol` | the same for people, such as `SPY`, `ES 2026-03-20`, `SPY 2026-12-18 C 600` |
| `security_type` | QuantConnect's name, such as `Equity`, or `unknown(77)` |
| `account_currency` | the currency of the value: never sum over it |
| `currency` | a currency of the cash book |
| `source` | {sources}: each is read and ages separately |

## How old a value can be

| source | every | QuantConnect's own delay |
|---|---|---|
{ages}

A scrape returns the last values read. Their age is
`time() - quantconnect_read_last_success_timestamp_seconds`, and the interval in force is
`quantconnect_read_interval_seconds`. Series are withdrawn when their last good read is older than
`stale_after` or three of their intervals, whichever is longer; the series about reading stay.
"""

_QUESTIONS = """\
## Common questions

Each query is run in a test. They need no rules; with
[the recording rules](../prometheus/README.md) drawdown, profit and limits are there too.

```promql
# What is everything worth, in each currency?
sum by (account_currency) (quantconnect_live_equity)

# How much more is that than a day ago? Deposits and withdrawals count too.
quantconnect_live_equity - quantconnect_live_equity offset 1d

# What do I hold of each symbol, over all projects?
sum by (symbol, account_currency) (quantconnect_holding_market_value)

# Which are the five largest positions of each project?
topk by (project_id) (5, abs(quantconnect_holding_market_value))

# How much of a project's equity is in each position?
quantconnect_holding_market_value
  / on (project_id, account_currency) group_left () quantconnect_live_equity

# What is each project's unrealized profit or loss?
sum by (project, account_currency) (quantconnect_holding_unrealized_pnl)

# How many times its equity does a project hold, long and short together?
sum by (project_id, account_currency) (abs(quantconnect_holding_market_value))
  / on (project_id, account_currency) quantconnect_live_equity

# How much cash is there, in each currency?
sum by (currency) (quantconnect_cash_amount)

# Which projects hold positions and do not run?
quantconnect_holdings > 0 and on (project_id) quantconnect_live_status{status="Running"} == 0

# In how many days do my positions expire? The next first.
sort((quantconnect_holding_expiry_timestamp_seconds - time()) / 86400)

# How old are the portfolios, in seconds?
time() - quantconnect_read_last_success_timestamp_seconds{source="portfolio"}

# Which reads fail at the moment?
quantconnect_read_success == 0

# How much of the budget of calls is used?
sum by (account) (rate(quantconnect_api_requests_total[5m]))
  / on (account) quantconnect_api_request_budget_per_second
```
"""

_OWN_SERIES = """\
Besides these, `process_*` and `python_*` as every Python exporter has them. The counters and the
histogram start at 0 for every account, endpoint and reason.
"""
_SOURCE = " Source: "


def page() -> str:
    """Return the whole page."""
    return "\n".join(_sections())


def _sections() -> Iterator[str]:
    published = [source for source in SOURCES if source.is_reading_published]
    names = ", ".join(f"`{source.name}`" for source in published)
    ages = [_row(f"`{each.name}`", each.every, each.delay) for each in published]
    yield _INTRODUCTION.format(sources=names, ages="\n".join(ages))
    yield _QUESTIONS
    for table in TABLES:
        yield f"## {table.title}\n\n{table.series.format(columns=len(table.columns))}\n"
        yield from _rows(table.families)
    yield f"## The exporter itself\n\n{_OWN_SERIES}"
    yield from _rows(own.FAMILIES)


def _rows(families: Collection[Family]) -> Iterator[str]:
    """Yield a table; families without a source in QuantConnect have no such column."""
    read = any(_SOURCE in family.help for family in families)
    yield _row("name", "type", "labels", "meaning", *(["source"] if read else []))
    yield _row(*(["---"] * (5 if read else 4)))
    for family in families:
        meaning, _, source = family.help.partition(_SOURCE)
        labels = ", ".join(f"`{label}`" for label in family.labels)
        if family.open_labels:
            labels += " and the project's own"
        # The page lists each source's interval once, above.
        where = source.partition(". Read ")[0]
        yield _row(f"`{family.name}`", family.type, labels, meaning, *([where] if read else []))
    yield ""


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


if __name__ == "__main__":
    print(page(), end="")
