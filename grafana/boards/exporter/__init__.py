"""Whether the numbers on the other pages can be trusted: reads, QuantConnect's API, the process."""

from __future__ import annotations

from grafana.boards import common
from grafana.boards.exporter import api, headline, process, reads
from grafana.builder.dashboard import Dashboard
from grafana.builder.grid import Row, line

DASHBOARD = Dashboard(
    uid="quantconnect-exporter",
    title="QuantConnect / Exporter",
    description="Whether the numbers can be trusted: reads, QuantConnect's API, the process.",
    variables=(common.job(), common.project(several=True)),
    rows=(
        Row("", (headline.HEADLINE,)),
        Row("Reads", (line(9, (12, reads.READS), (12, reads.AGE)),)),
        Row("QuantConnect's API", api.API),
        Row("Exporter", process.PROCESS),
    ),
)
