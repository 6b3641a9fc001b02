"""A normal week of eight books, as the exporter would publish it, for promtool.

The week begins on Monday, 23 November 2026, 00:00 UTC, which is promtool's time 0. It has
Thanksgiving on Thursday, an early close on Friday, gaps at each opening, and 20 minutes of
QuantConnect's maintenance on Saturday. A sample every five minutes. Prices are random walks in the
hours in which the market of a book is open, the same in each run.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from random import Random
from typing import TYPE_CHECKING

from exporter.sources.sessions import is_in_session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MONDAY = datetime(2026, 11, 23, tzinfo=UTC).timestamp()
STEP, DAY, WEEK = 300, 86_400, 7 * 86_400
TIMES = range(0, WEEK, STEP)
MAINTENANCE = range(5 * DAY + 6 * 3600, 5 * DAY + 6 * 3600 + 1200)
# A read that fails leaves the series as they are for 15 minutes.
WITHDRAWN = range(MAINTENANCE.start + 900, MAINTENANCE.stop)

Value = float | None


@dataclass(frozen=True)
class Position:
    """A holding: its share of equity when the week begins, and when it is held."""

    symbol: str
    weight: float
    held: range = range(WEEK)
    expiry: float | None = None


@dataclass(frozen=True)
class Book:
    """A project. ``volatility`` is that of equity in a day; ``market`` decides the hours."""

    name: str
    market: str
    security_type: str
    volatility: float
    cash: float
    positions: tuple[Position, ...]
    deposit_at: int | None = None
    redeployed_at: int | None = None

    def is_open(self, time: float) -> bool:
        """Return whether prices move: New York's day, the week of futures and forex, or always."""
        if self.security_type == "Crypto":
            return True
        if self.security_type in ("Future", "Forex"):
            return time < 4 * DAY + 22 * 3600 or time >= 6 * DAY + 23 * 3600
        return is_in_session(self.market, self.security_type, MONDAY + time)


def _positions(*symbols: str, weight: float) -> tuple[Position, ...]:
    return tuple(Position(symbol, weight) for symbol in symbols)


WEDNESDAY_NOON = 2 * DAY + 17 * 3600
FRIDAY = 4.0 * DAY
BOOKS = (
    Book(
        "Equities, fully invested", "usa", "Equity", 0.010, -3, _positions("SPY", "IWM", weight=0.5)
    ),
    Book(
        "Equities on margin", "usa", "Equity", 0.016, -60_000, _positions("QQQ", "DIA", weight=0.8)
    ),
    Book(
        "Equities that trade, with a deposit and a redeploy",
        *("usa", "Equity", 0.010, 5_000),
        (
            Position("AAPL", 0.5),
            Position("MSFT", 0.45, range(DAY + 15 * 3600)),
            Position("META", 0.45, range(DAY + 15 * 3600, WEEK)),
        ),
        deposit_at=WEDNESDAY_NOON,
        redeployed_at=DAY + 22 * 3600,
    ),
    Book(
        "Futures at notional", "cme", "Future", 0.035, 100_000, _positions("ES", "NQ", weight=2.5)
    ),
    Book("Forex at 20 times", "oanda", "Forex", 0.05, -1_900_000, _positions("EURUSD", weight=20)),
    Book("Crypto", "coinbase", "Crypto", 0.04, 20_000, _positions("BTCUSD", "ETHUSD", weight=0.4)),
    Book(
        "Options of the week",
        *("usa", "Option", 0.02, 95_000),
        (Position("SPY 2026-11-27 C 600", 0.05, range(int(FRIDAY) + DAY + 5 * 3600), FRIDAY),),
    ),
    Book("Cash only", "usa", "Equity", 0.0, 100_000, ()),
)


def equity(book: Book) -> list[float]:
    """The book's equity at each of TIMES."""
    random = Random(book.name)
    steps = [book.is_open(time) for time in TIMES]
    move = book.volatility / (sum(steps) / 5 or 1) ** 0.5
    values, value, was_open = [], 100_000.0, steps[0]
    for time, is_open in zip(TIMES, steps, strict=True):
        if is_open:
            gap = 0 if was_open else 0.3 * book.volatility
            value *= 1 + random.gauss(0, move) + random.gauss(0, 1) * gap
        if time == book.deposit_at:
            value += 25_000
        was_open = is_open
        values.append(round(value, 2))
    return values


def in_the_time(during: range, value: Callable[[int], float]) -> Callable[[int, int], Value]:
    """Return what gives a value, by the number of the sample, at certain times alone."""
    return lambda index, time: value(index) if time in during else None


def orders(
    book: Book, of: Callable[..., tuple[str, list[Value]]]
) -> Iterator[tuple[str, list[Value]]]:
    """The orders of a book: two in each hour in which its market is open, each filled at once.

    A redeploy begins again at none, ten minutes later.
    """
    sent = 0
    counts: list[Value] = []
    opened: list[Value] = []
    fills: list[Value] = []
    for index, time in enumerate(TIMES):
        trades = bool(book.positions) and book.is_open(time)
        if time == book.redeployed_at:
            sent = 0
        if trades and index % 6 == 0:
            sent += 1
        counts.append(sent)
        opened.append(time - 60 if trades else None)
        fills.append(time if trades and index % 6 == 0 else fills[-1] if sent else None)

    def read(values: list[Value]) -> Callable[[int, int], Value]:
        unread = range(book.redeployed_at or WEEK, (book.redeployed_at or WEEK) + 600)
        return lambda index, time: None if time in unread else values[index]

    yield of("quantconnect_live_orders", ', status="filled"', read(counts))
    yield of("quantconnect_live_orders", ', status="invalid"', read([0.0 for _ in TIMES]))
    yield of("quantconnect_live_oldest_open_order_timestamp_seconds", "", read(opened))
    yield of("quantconnect_live_last_fill_timestamp_seconds", "", read(fills))
    # On Wednesday the log is full, and loses nine of its oldest lines that match.
    yield of(
        "quantconnect_live_log_lines",
        ', query="errors"',
        lambda _, time: 40.0 if time < WEDNESDAY_NOON else 31.0,
    )
    yield of("quantconnect_project_auto_restart", "", lambda *_: 1.0)


def series(book: Book, number: int) -> Iterator[tuple[str, list[Value]]]:
    """The series of a book and their values at TIMES, None where there is no sample."""
    labels = f'job="q", instance="i", account="main", project_id="{number}", project="{book.name}"'
    worth = equity(book)

    def of(name: str, more: str, value: Callable[[int, int], Value]) -> tuple[str, list[Value]]:
        values = [
            None if time in WITHDRAWN and "project_info" not in name else value(index, time)
            for index, time in enumerate(TIMES)
        ]
        return f"{name}{{{labels}{more}}}", values

    def last_read(time: int) -> float:
        return min(time, MAINTENANCE.start) if time in MAINTENANCE else time

    def starts(time: int) -> bool:
        return book.redeployed_at is not None and 0 <= time - book.redeployed_at < 720

    money = ', account_currency="USD"'
    yield of("quantconnect_project_info", "", lambda *_: 1)
    for source in ("portfolio", "status", "orders"):
        more = f', source="{source}"'
        name = f"quantconnect_read_last_success_timestamp_seconds{{{labels}{more}}}"
        yield name, [last_read(time) for time in TIMES]
        yield f"quantconnect_read_interval_seconds{{{labels}{more}}}", [60 for _ in TIMES]
        succeeds: list[Value] = [float(time not in MAINTENANCE) for time in TIMES]
        yield f"quantconnect_read_success{{{labels}{more}}}", succeeds
    yield from orders(book, of)
    yield of("quantconnect_live_equity", money, lambda index, _: worth[index])
    yield of("quantconnect_live_status", ', status="Running"', lambda _, t: float(not starts(t)))
    yield of("quantconnect_live_status", ', status="Initializing"', lambda _, t: float(starts(t)))
    redeployed = book.redeployed_at if book.redeployed_at is not None else WEEK
    for deployment, during in (("L-1", range(redeployed)), ("L-2", range(redeployed, WEEK))):
        yield of(
            "quantconnect_live_info",
            f', deploy_id="{deployment}", brokerage="Paper", trading_environment="live"',
            in_the_time(during, lambda _: 1),
        )
    yield of(
        "quantconnect_live_launched_timestamp_seconds",
        "",
        lambda _, time: redeployed if time >= redeployed else -DAY,
    )
    yield of("quantconnect_cash_amount", ', currency="USD"', lambda *_: book.cash)
    yield of("quantconnect_cash_conversion_rate", ', currency="USD"', lambda *_: 1)
    yield of("quantconnect_cash_value", f', currency="USD"{money}', lambda *_: book.cash)
    yield of(
        "quantconnect_holdings",
        "",
        lambda _, time: float(sum(time in position.held for position in book.positions)),
    )
    yield of(
        "quantconnect_holdings_in_session",
        "",
        lambda _, time: float(
            len(book.positions) * is_in_session(book.market, book.security_type, MONDAY + time)
        ),
    )
    for position in book.positions:
        holding = f', symbol="{position.symbol}", symbol_id="{position.symbol}"'
        holding += f', security_type="{book.security_type}"'

        for name, more, value in (
            ("info", f', market="{book.market}"', lambda _: 1.0),
            ("quantity", "", lambda _, p=position: 100 * p.weight),
            ("conversion_rate", "", lambda _: 1.0),
            ("market_value", money, lambda i, p=position: p.weight * worth[i]),
            (
                "unrealized_pnl",
                money,
                lambda i: (worth[i] - worth[0]) / len(book.positions) if i else 0.0,
            ),
        ):
            yield of(
                f"quantconnect_holding_{name}", holding + more, in_the_time(position.held, value)
            )
        if position.expiry is not None:
            name = f"quantconnect_holding_expiry_timestamp_seconds{{{labels}{holding}}}"
            held = (time in position.held and time not in WITHDRAWN for time in TIMES)
            yield name, [position.expiry if each else None for each in held]


def api() -> Iterator[tuple[str, list[Value]]]:
    """The account, and the calls for it; in the maintenance all fail, and are fewer."""
    for endpoint in ("live/list", "live/portfolio/read"):
        labels = f'job="q", instance="i", account="main", endpoint="{endpoint}"'
        calls = failures = 0
        requests: list[Value] = []
        failed: list[Value] = []
        for time in TIMES:
            failing = time in range(MAINTENANCE.start + STEP, MAINTENANCE.stop + STEP)
            calls += 4 if failing else 5
            failures += 4 if failing else 0
            requests.append(calls)
            failed.append(failures)
        yield f"quantconnect_api_requests_total{{{labels}}}", requests
        yield f'quantconnect_api_request_failures_total{{{labels}, reason="http_5xx"}}', failed
    account = 'job="q", instance="i", account="main"'
    nodes = f"quantconnect_account_live_nodes{{{account}"
    # As many nodes as books, and credit that lasts for some weeks.
    yield f'{nodes}, busy="true"}}', [len(BOOKS) for _ in TIMES]
    yield f'{nodes}, busy="false"}}', [0 for _ in TIMES]
    yield (
        f"quantconnect_account_credit_balance{{{account}}}",
        [5000 - 500 * (time // DAY) for time in TIMES],
    )
    expiry = f"quantconnect_account_card_expiry_timestamp_seconds{{{account}}}"
    yield expiry, [40 * DAY for _ in TIMES]
    build = 'quantconnect_exporter_build_info{job="q", instance="i", version="0.1.0"}'
    yield build, [1 for _ in TIMES]


def unit_test(rules: str, expected: str) -> str:
    """promtool's test of the week, with the ``expected`` results of queries."""
    lines = [
        f"rule_files: [{rules}]",
        "evaluation_interval: 5m",
        "tests:",
        "  - interval: 5m",
        "    input_series:",
    ]
    of_books = (series(book, number) for number, book in enumerate(BOOKS, start=1))
    for name, values in chain(api(), *of_books):
        text = " ".join("_" if value is None else f"{value:.10g}" for value in values)
        lines += [f"      - series: '{name}'", f"        values: '{text}'"]
    lines += ["    promql_expr_test:", expected]
    return "\n".join(lines) + "\n"
