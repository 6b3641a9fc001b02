"""live/trades/read: the closed trades of all deployments.

Closed trades do not change and new ones come at the end, so each reading begins at the last known
trade. LEAN keeps 10,000 trades of at most 12 months and drops the oldest. So the numbers can fall,
and then the list is read again from its beginning.
"""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from exporter.metrics.table import CURRENCY, PROJECT, Column, Family, Table
from exporter.quantconnect.client import Endpoint, Request
from exporter.quantconnect.errors import ApiError, Reason
from exporter.quantconnect.fields import (
    Problem,
    exact,
    folded,
    number,
    problem,
    refuse_unready,
    sequence,
    text,
)
from exporter.sources.source import Families, Source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter import config
    from exporter.sources.source import Known

WINDOW: Final = 1000
"""The trades that one call asks for, the most that QuantConnect gives."""


class Trade(Struct, frozen=True):
    """One closed trade; amounts are in the account's currency."""

    id: str
    is_win: bool
    profit: Decimal
    """Net of fees."""
    fees: Decimal
    """Positive when paid."""


class Totals(Struct, frozen=True):
    """The sums over some closed trades, in the account's currency."""

    wins: int = 0
    losses: int = 0
    realized_pnl: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)

    def plus(self, trade: Trade) -> Totals:
        """Return the sums with another trade added."""
        return Totals(
            wins=self.wins + trade.is_win,
            losses=self.losses + (not trade.is_win),
            realized_pnl=self.realized_pnl + trade.profit,
            fees=self.fees + trade.fees,
        )


class Trades(Struct, frozen=True):
    """The closed trades of a project that were read so far."""

    totals: Totals = Totals()
    next_start: int = 0
    """The position at which the next call begins."""
    last_id: str | None = None
    """The id of the trade there; None if none was read there yet."""
    before: Totals = Totals()
    """The sums over the trades before ``next_start``."""
    is_whole: bool = False
    """The list was read to its end."""
    problems: tuple[Problem, ...] = ()
    """The problems of the last call."""


# --- Request and decoding -------------------------------------------------------------------------


def decode_trades(payload: Mapping[str, object], *, known: Trades) -> Trades:
    """Return the state after another answer of live/trades/read.

    If the trade known at ``known.next_start`` is no longer there, the list is read again from its
    beginning. Raises ApiError: not_ready while the list is loading or missing, malformed when it is
    not a list, does not continue or changes while it is read.
    """
    answer = folded(payload)
    refuse_unready(answer, "trades", Endpoint.LIVE_TRADES_READ)
    entries = sequence(answer["trades"], f"{Endpoint.LIVE_TRADES_READ}: trades")
    problems: list[Problem] = []
    start = known.next_start
    if known.last_id is not None and (not entries or _id(entries[0]) != known.last_id):
        if known.is_whole:
            return Trades()
        raise ApiError(
            Reason.MALFORMED, f"{Endpoint.LIVE_TRADES_READ}: the list changed while it was read"
        )
    if len(entries) == WINDOW and _id(entries[-1]) == known.last_id:
        raise ApiError(
            Reason.MALFORMED,
            f"{Endpoint.LIVE_TRADES_READ}: the same trades from {start} on as before",
        )
    before = totals = known.before
    for position, entry in enumerate(entries, start):
        trade = _decode_trade(entry, f"trades[{position}]", problems)
        before, totals = totals, totals if trade is None else totals.plus(trade)
    return Trades(
        totals=totals,
        # The next reading repeats the last trade, to check that the list is still the same.
        next_start=max(0, start + len(entries) - 1),
        last_id=_id(entries[-1]) if entries else None,
        before=before,
        is_whole=len(entries) < WINDOW,
        problems=tuple(problems),
    )


def _id(entry: object) -> str:
    sent = folded(entry).get("id") if isinstance(entry, dict) else None
    return sent if isinstance(sent, str) else ""


def _decode_trade(entry: object, where: str, problems: list[Problem]) -> Trade | None:
    """Return one trade; None if a part of it cannot be read, so that sums agree."""
    if not isinstance(entry, dict):
        problems.append(Problem("other", where, "expected an object"))
        return None
    raw = folded(entry)
    profit = _amount(raw, "profitLoss", where, problems)
    fees = _amount(raw, "totalFees", where, problems)
    is_win = raw.get("iswin")
    if not isinstance(is_win, bool):
        problems.append(problem("isWin", where, is_win, "true or false"))
        return None
    if profit is None or fees is None:
        return None
    return Trade(text(raw, "id", where, problems), is_win, profit - fees, fees)


def _amount(
    raw: Mapping[str, object], field: str, where: str, problems: list[Problem]
) -> Decimal | None:
    if raw.get(field.lower()) is None:
        problems.append(Problem(field, where, "missing, expected a number"))
        return None
    amount = number(raw, field, where, problems)
    return None if amount is None else exact(amount)


# --- Families -------------------------------------------------------------------------------------


def _family(name: str, of: str, help_: str, labels: tuple[str, ...]) -> Family:
    return Family(
        f"quantconnect_live_{name}",
        f"{help_} No counter: the oldest trades are dropped. Source: live/trades/read, {of}, all"
        " deployments. Read every trades_interval; QuantConnect refreshes it about every 10"
        " minutes.",
        labels,
    )


CLOSED_TRADES: Table[tuple[str, int]] = Table(
    title="Closed trades",
    series="2 series for each project that was ever deployed live: `win`, `loss`.",
    key=lambda item: item[0],
    labels=lambda item, _: {"result": item[0]},
    columns=(
        Column(
            _family(
                "closed_trades",
                "field isWin",
                "Number of closed trades by their result.",
                (*PROJECT, "result"),
            ),
            lambda item: item[1],
        ),
    ),
)

TRADED: Table[Totals] = Table(
    title="Realized profit",
    series="{columns} series for each project that was ever deployed live.",
    key=lambda _: None,
    labels=lambda _totals, _row: {},
    columns=(
        Column(
            _family(
                "realized_pnl",
                "field profitLoss less totalFees",
                "Profit of all closed trades less their fees, in the account currency.",
                PROJECT + CURRENCY,
            ),
            lambda totals: float(totals.realized_pnl),
        ),
        Column(
            _family(
                "trade_fees",
                "field totalFees",
                "Fees of all closed trades in the account currency, positive when paid.",
                PROJECT + CURRENCY,
            ),
            lambda totals: float(totals.fees),
        ),
    ),
)


def _request(
    project: config.ProjectSettings, _: config.Config, known: Known[Trades]
) -> Request[Trades]:
    trades = known.before or Trades()
    start = trades.next_start
    return Request(
        Endpoint.LIVE_TRADES_READ,
        {"projectId": project.id, "start": start, "end": start + WINDOW},
        partial(decode_trades, known=trades),
    )


TRADES: Source[Trades] = Source(
    name="trades",
    request=_request,
    interval=lambda _, settings: settings.trades_interval,
    families=(
        Families(
            CLOSED_TRADES,
            lambda trades, _: [("win", trades.totals.wins), ("loss", trades.totals.losses)],
        ),
        Families(TRADED, lambda trades, _: [trades.totals]),
    ),
    every="`trades_interval`, 5 times that while stopped",
    delay="10 minutes",
    is_whole=lambda trades: trades.is_whole,
    needs_deployment=True,
)
