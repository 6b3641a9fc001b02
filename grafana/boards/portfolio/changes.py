"""Positions that were opened, closed and resized within the time range."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana.boards import common
from grafana.boards.common import PROJECT, series
from grafana.boards.portfolio.scope import holding
from grafana.builder.grid import line
from grafana.builder.table import Label, Nothing, Sort, Value, table

if TYPE_CHECKING:
    from grafana.builder.panel import Panel

QUANTITY = holding("quantity")
RAW_QUANTITY = series("quantconnect_holding_quantity", PROJECT)
HOLDINGS = series("quantconnect_holdings", PROJECT)
INFO = series("quantconnect_holding_info", PROJECT)
BEFORE = f"max by (job, project_id, symbol_id) ({RAW_QUANTITY} offset $__range)"
HELD = f"max by (job, project_id, symbol_id) ({INFO})"
HELD_BEFORE = f"max by (job, project_id, symbol_id) ({INFO} offset $__range)"
# At each of the moments that a graph of this width would show: reading every sample of a month for
# three short tables would be slow.
SEEN = f"""max by (job, project_id, symbol_id, symbol)
    (last_over_time({RAW_QUANTITY}[$__range:$__interval]))"""

# Missing data must not look like a trade: a position counts as opened only if the portfolio was
# known before, and as closed only if it is known now; one whose quantity cannot be read is held.
OPENED = f"""{QUANTITY} unless on (job, project_id, symbol_id) {HELD_BEFORE}
    and on (job, project_id) ({HOLDINGS} offset $__range)"""
CLOSED = f"""{SEEN} unless on (job, project_id, symbol_id) {HELD}
    and on (job, project_id) {HOLDINGS}"""
CHANGE = f"""{QUANTITY} - on (job, project_id, symbol_id) group_left () {BEFORE} != 0"""


KNOWN_TWICE = f"{HOLDINGS} and on (job, project_id) {HOLDINGS} offset $__range"


def _positions(title: str, description: str, expr: str, column: str, *, nothing: str) -> Panel:
    return table(
        title=title,
        description=description,
        by=("job", "project_id", "symbol_id", "symbol"),
        sort=Sort(title="Symbol", descending=False),
        nothing=Nothing(
            label="symbol",
            text=nothing,
            expr=f"({KNOWN_TWICE}) unless on (job, project_id) ({expr})",
        ),
        columns=(
            Label(name="symbol", title="Symbol"),
            Label(name="symbol_id", title="Symbol id", hidden=True),
            Value(
                ref="quantity",
                width=110,
                title=column,
                expr=expr,
                unit=common.MONEY_UNIT,
                decimals=common.FINE,
            ),
        ),
    )


CHANGES = line(
    8,
    (
        8,
        _positions(
            "Opened",
            """Positions that are open at the end of the time range and were not at its start, while
            the portfolio was known. Source: live/portfolio/read, q.""",
            OPENED,
            "Quantity",
            nothing="No position was opened",
        ),
    ),
    (
        8,
        _positions(
            "Closed",
            """Positions that were open within the time range and are not at its end, with the last
            quantity seen; one that was open between two moments of a graph is not seen. Source:
            live/portfolio/read, q.""",
            CLOSED,
            "Last quantity",
            nothing="No position was closed",
        ),
    ),
    (
        8,
        _positions(
            "Resized",
            """Positions open at both ends of the time range, with the change of their quantity.
            Source: live/portfolio/read, q.""",
            CHANGE,
            "Change",
            nothing="No position was resized",
        ),
    ),
)
