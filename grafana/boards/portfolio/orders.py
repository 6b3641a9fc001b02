"""What the project orders, against its limits on orders and fills; folded at first."""

from __future__ import annotations

from grafana.boards import common
from grafana.boards.common import PROJECT, series
from grafana.builder import palette
from grafana.builder.grid import line
from grafana.builder.panel import color, timeseries, values
from grafana.builder.query import Query

SENT = series("project:quantconnect_live_orders:last_hour", PROJECT)
FILLED = series("quantconnect_live_last_fill_timestamp_seconds", PROJECT)

ORDERS = line(
    8,
    (
        12,
        timeseries(
            title="Orders within an hour",
            description="""Orders sent within the last hour, and the project's limit, else the
                rules' default, where the alert fires. A redeploy begins again at 0. Source:
                live/orders/read and the recording rules.""",
            queries=(
                Query(expr=f"max by (job, project_id) ({SENT})", legend="orders"),
                Query(expr=common.limit("max_orders_per_hour"), legend="limit"),
            ),
            style=values(unit="none", decimals=0, limits=(0, None), by_series=True),
            overrides=(
                color("orders", palette.ACCENT, custom__fillOpacity=10),
                color("limit", palette.CRITICAL, **common.LIMIT_LINE),
            ),
        ),
    ),
    (
        12,
        timeseries(
            title="Days since the last fill",
            description="""Days since an order of the deployment was last filled, weekends
                included, and the project's limit, where the alert fires. Source: live/orders/read;
                the configuration's limits.""",
            queries=(
                Query(
                    expr=f"(time() - max by (job, project_id) ({FILLED})) / 86400",
                    legend="without a fill",
                ),
                Query(expr=common.limit("max_days_without_fill"), legend="limit"),
            ),
            style=values(unit="none", decimals=1, limits=(0, None), by_series=True),
            overrides=(
                color("without a fill", palette.ACCENT, custom__fillOpacity=10),
                color("limit", palette.CRITICAL, **common.LIMIT_LINE),
            ),
        ),
    ),
)
