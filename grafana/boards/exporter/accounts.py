"""What the accounts with QuantConnect have: nodes, credit and the card that pays."""

from __future__ import annotations

from grafana.boards import common
from grafana.boards.common import JOBS, series
from grafana.boards.exporter.scope import OK
from grafana.builder import palette
from grafana.builder.table import Label, Nothing, Sort, Value, table

# The alert's number of days.
CARD_EXPIRES = 14.0
NODES = series("quantconnect_account_live_nodes", JOBS)
CREDIT = series("quantconnect_account_credit_balance", JOBS)
CARD = series("quantconnect_account_card_expiry_timestamp_seconds", JOBS)
SOURCES = ("nodes", "account")
# Of accounts, not of projects; of two exporters, the one that failed.
SUCCESS = series("quantconnect_read_success", JOBS, f'source=~"{"|".join(SOURCES)}"')
DEFINED = series("quantconnect_exporter_build_info", JOBS)


def _nodes(busy: str) -> str:
    return series("quantconnect_account_live_nodes", JOBS, f'busy="{busy}"')


def _age(source: str) -> str:
    """Seconds since the source was read; the exporter keeps that while it runs."""
    read = series("quantconnect_read_last_success_timestamp_seconds", JOBS, f'source="{source}"')
    return f"time() - max by (job, account) ({read})"


ACCOUNTS = table(
    title="Accounts",
    description="""Live nodes of each account that are free and busy, its credit in QuantConnect
        credits (100 are 1 US dollar) and the days until its card expires, which is orange where
        the alert fires; each with the time since it was read. Nodes are read every 10 minutes, the
        rest every hour. Source: projects/nodes/read and account/read.""",
    by=("job", "account"),
    sort=Sort(title="Account", descending=False),
    nothing=Nothing(
        label="account",
        text=common.NOT_READ,
        expr=f"{DEFINED} unless on () ({SUCCESS} or {NODES} or {CREDIT})",
    ),
    columns=(
        Label(name="account", title="Account"),
        Value(
            ref="success",
            title="Last read",
            width=90,
            expr=f"min by (job, account) ({SUCCESS})",
            states=OK,
        ),
        Value(ref="free", title="Nodes free", width=100, expr=_nodes("false"), decimals=0),
        Value(ref="busy", title="Nodes busy", width=100, expr=_nodes("true"), decimals=0),
        Value(
            ref="nodes_age",
            title="Nodes read",
            width=100,
            expr=_age("nodes"),
            unit="s",
            decimals=0,
        ),
        Value(
            ref="credit",
            title="Credit, QCC",
            width=110,
            expr=CREDIT,
            unit=common.MONEY_UNIT,
            decimals=0,
        ),
        Value(
            ref="card",
            title="Card expires, days",
            width=150,
            expr=f"floor((max by (job, account) ({CARD}) - time()) / 86400)",
            decimals=0,
            thresholds=palette.falling(warning=CARD_EXPIRES),
        ),
        Value(
            ref="account_age",
            title="Account read",
            width=110,
            expr=_age("account"),
            unit="s",
            decimals=0,
        ),
    ),
)
