"""Proof that the other pages can be trusted: reads, QuantConnect's API, the process."""

from __future__ import annotations

from grafana.boards import common
from grafana.boards.exporter import accounts, api, headline, process, reads
from grafana.builder.dashboard import Dashboard
from grafana.builder.grid import Row, line

UID = "quantconnect-exporter"
DASHBOARD = Dashboard(
    uid=UID,
    title="QuantConnect / Exporter",
    description="Whether the numbers can be trusted: reads, QuantConnect's API, the process.",
    variables=(common.job(), common.project(several=True)),
    links=common.links(UID),
    rows=(
        Row("", (headline.TRUST, headline.HEADLINE)),
        Row("Reads", (line(9, (12, reads.READS), (12, reads.AGE)),)),
        Row("Accounts", (line(5, (24, accounts.ACCOUNTS)),)),
        Row("QuantConnect's API", api.API),
        Row("Exporter", process.PROCESS),
    ),
)
