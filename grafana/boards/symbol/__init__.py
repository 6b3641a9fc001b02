"""One symbol across projects: how much is held where, at which price, with what result."""

from __future__ import annotations

from grafana.boards import common
from grafana.boards.symbol import headline, over_time, tables
from grafana.boards.symbol.scope import HELD
from grafana.builder.dashboard import Dashboard
from grafana.builder.grid import Row, line
from grafana.builder.variable import Variable

# What is held now or was at any full hour of the range: reading every sample of a month of all
# holdings for a drop-down would be slow.
EVER_HELD = f"max by (symbol, symbol_id) ({HELD} or last_over_time({HELD}[$__range:1h]))"
SYMBOLS = Variable(
    name="symbol",
    label="Symbol",
    query=f"query_result({EVER_HELD})",
    pattern=r'/symbol="(?<text>.*?)",\s*symbol_id="(?<value>[^"]+)"/',
    description="Symbols held in the time range; selected by their full identifier.",
)

UID = "quantconnect-symbol"
DASHBOARD = Dashboard(
    uid=UID,
    title="QuantConnect / Symbol",
    description="One symbol across QuantConnect projects: quantity, price, value, weight, P/L.",
    period="now-7d",
    variables=(common.job(), common.project(several=True), SYMBOLS),
    links=common.links(UID),
    rows=(
        Row("", (headline.TRUST, headline.HEADLINE, line(7, (24, tables.PROJECTS_TABLE)))),
        Row("Over time", (over_time.POSITION, over_time.RESULT)),
        Row("Contract", (line(5, (24, tables.CONTRACT)),)),
    ),
)
