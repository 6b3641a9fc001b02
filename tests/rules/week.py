"""A normal week of eight books, as the exporter would publish it, for promtool.

The week begins on Monday, 23 November 2026, 00:00 UTC. It has Thanksgiving on Thursday, an early
close on Friday, gaps at each opening, and 20 minutes of QuantConnect's maintenance on Saturday.
Prices are random walks in the hours in which the market of a book is open, the same in each run;
they move every five minutes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from random import Random
from typing import TYPE_CHECKING

from exporter.sources.sessions import is_in_session

if TYPE_CHECKING:
    from collections.abc import Iterator

MONDAY = datetime(2026, 11, 23, tzinfo=UTC).timestamp()
STEP, HOUR, DAY, WEEK = 300, 3600, 86_400, 7 * 86_400
TIMES = range(0, WEEK, STEP)
MAINTENANCE = range(5 * DAY + 6 * HOUR, 5 * DAY + 6 * HOUR + 1200)
# A read that fails leaves the series as they are for 15 minutes.
WITHDRAWN = range(MAINTENANCE.start + 900, MAINTENANCE.stop)

Value = float | None
At = Callable[[int], Value]
"""What a series is at a time of the week, in seconds since its beginning."""


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


def in_the_time(during: range, value: At) -> At:
    """Return what gives a value at certain times alone."""
    return lambda time: value(time) if during.start <= time < during.stop else None


def of_steps(values: list[Value]) -> At:
    """Return what has each of the values until the next of TIMES."""
    return lambda time: values[time // STEP]


def orders(book: Book) -> Iterator[tuple[str, str, At]]:
    """The orders of a book: two in each hour in which its market is open, each filled at once.

    A redeploy begins again at none, and they are read ten minutes later.
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

    def read(value: At) -> At:
        since = WEEK if book.redeployed_at is None else book.redeployed_at
        return lambda time: None if since <= time < since + 600 else value(time)

    yield "quantconnect_live_orders", ', status="filled"', read(of_steps(counts))
    yield "quantconnect_live_orders", ', status="invalid"', read(lambda _: 0)
    yield (
        "quantconnect_live_oldest_open_order_timestamp_seconds",
        "",
        read(of_steps(opened)),
    )
    yield "quantconnect_live_last_fill_timestamp_seconds", "", read(of_steps(fills))
    # On Wednesday the log is full, and loses nine of its oldest lines that match.
    yield (
        "quantconnect_live_log_lines",
        ', query="errors"',
        lambda time: 40 if time < WEDNESDAY_NOON else 31,
    )
    yield "quantconnect_project_auto_restart", "", lambda _: 1


def reads() -> Iterator[tuple[str, str, At]]:
    """Whether what a project publishes could be read, and when that last was so."""
    yield "quantconnect_project_info", "", lambda _: 1
    for source in ("portfolio", "status", "orders"):
        more = f', source="{source}"'
        yield (
            "quantconnect_read_last_success_timestamp_seconds",
            more,
            lambda time: MAINTENANCE.start if is_maintained(time) else time,
        )
        yield "quantconnect_read_interval_seconds", more, lambda _: 60
        yield "quantconnect_read_success", more, lambda time: not is_maintained(time)


def is_maintained(time: int) -> bool:
    return MAINTENANCE.start <= time < MAINTENANCE.stop


def portfolio(book: Book) -> Iterator[tuple[str, str, At]]:
    """Everything else of a book; it is withdrawn where it cannot be read for a while."""
    worth = equity(book)
    money = ', account_currency="USD"'
    redeployed = book.redeployed_at if book.redeployed_at is not None else WEEK

    def starts(time: int) -> bool:
        return 0 <= time - redeployed < 720

    yield "quantconnect_live_equity", money, lambda time: worth[time // STEP]
    yield "quantconnect_live_status", ', status="Running"', lambda time: not starts(time)
    yield "quantconnect_live_status", ', status="Initializing"', starts
    for deployment, during in (("L-1", range(redeployed)), ("L-2", range(redeployed, WEEK))):
        yield (
            "quantconnect_live_info",
            f', deploy_id="{deployment}", brokerage="Paper", trading_environment="live"',
            in_the_time(during, lambda _: 1),
        )
    yield (
        "quantconnect_live_launched_timestamp_seconds",
        "",
        lambda time: redeployed if time >= redeployed else -DAY,
    )
    yield "quantconnect_cash_amount", ', currency="USD"', lambda _: book.cash
    yield "quantconnect_cash_conversion_rate", ', currency="USD"', lambda _: 1
    yield "quantconnect_cash_value", f', currency="USD"{money}', lambda _: book.cash
    yield (
        "quantconnect_holdings",
        "",
        lambda time: sum(time in position.held for position in book.positions),
    )
    yield (
        "quantconnect_holdings_in_session",
        "",
        lambda time: (
            len(book.positions) * is_in_session(book.market, book.security_type, MONDAY + time)
        ),
    )
    for position in book.positions:
        holding = f', symbol="{position.symbol}", symbol_id="{position.symbol}"'
        holding += f', security_type="{book.security_type}"'

        def value(time: int, share: float = position.weight) -> float:
            return share * worth[time // STEP]

        def profit(time: int) -> float:
            return (worth[time // STEP] - worth[0]) / len(book.positions)

        def quantity(_: int, share: float = position.weight) -> float:
            return 100 * share

        held: tuple[tuple[str, str, At], ...] = (
            ("info", f', market="{book.market}"', lambda _: 1),
            ("quantity", "", quantity),
            ("conversion_rate", "", lambda _: 1),
            ("market_value", money, value),
            ("unrealized_pnl", money, profit),
        )
        for name, more, at in held:
            yield f"quantconnect_holding_{name}", holding + more, in_the_time(position.held, at)
        if position.expiry is not None:

            def expires(_: int, expiry: float = position.expiry) -> float:
                return expiry

            yield (
                "quantconnect_holding_expiry_timestamp_seconds",
                holding,
                in_the_time(position.held, expires),
            )


def series(book: Book, number: int) -> Iterator[tuple[str, At]]:
    """The series of a book, and what each is at a time of the week."""
    labels = f'job="q", instance="i", account="main", project_id="{number}", project="{book.name}"'

    def withdrawn(value: At) -> At:
        return lambda time: None if WITHDRAWN.start <= time < WITHDRAWN.stop else value(time)

    for name, more, value in reads():
        yield f"{name}{{{labels}{more}}}", value
    for name, more, value in chain(orders(book), portfolio(book)):
        yield f"{name}{{{labels}{more}}}", withdrawn(value)


def api() -> Iterator[tuple[str, At]]:
    """The account, and a call a minute to each endpoint; in the maintenance all fail."""
    account = 'job="q", instance="i", account="main"'
    for endpoint in ("live/list", "live/portfolio/read"):
        labels = f'{account}, endpoint="{endpoint}"'
        yield f"quantconnect_api_requests_total{{{labels}}}", lambda time: time // 60
        yield (
            f'quantconnect_api_request_failures_total{{{labels}, reason="http_5xx"}}',
            lambda time: min(max(time - MAINTENANCE.start, 0), len(MAINTENANCE)) // 60,
        )
    # As many nodes as books, and credit that lasts for some weeks.
    nodes = f"quantconnect_account_live_nodes{{{account}"
    yield f'{nodes}, busy="true"}}', lambda _: len(BOOKS)
    yield f'{nodes}, busy="false"}}', lambda _: 0
    yield (
        f"quantconnect_account_credit_balance{{{account}}}",
        lambda time: 5000 - 500 * (time // DAY),
    )
    yield f"quantconnect_account_card_expiry_timestamp_seconds{{{account}}}", lambda _: 40 * DAY
    build = 'quantconnect_exporter_build_info{job="q", instance="i", version="0.1.0"}'
    yield build, lambda _: 1


def unit_test(rules: str, expected: str, times: range, *, every: int) -> str:
    """promtool's test of some hours, with the ``expected`` results of queries.

    The series have a sample at each of ``times``, of which the first is promtool's time 0; the
    rules are evaluated ``every`` so many seconds.
    """
    lines = [
        f"rule_files: [{rules}]",
        f"evaluation_interval: {every}s",
        "tests:",
        f"  - interval: {times.step}s",
        "    input_series:",
    ]
    of_books = (series(book, number) for number, book in enumerate(BOOKS, start=1))
    for name, value in chain(api(), *of_books):
        begin = times.start if "_timestamp_seconds{" in name else 0
        values = [value(time) for time in times]
        text = " ".join("_" if each is None else f"{each - begin:.10g}" for each in values)
        lines += [f"      - series: '{name}'", f"        values: '{text}'"]
    lines += ["    promql_expr_test:", expected]
    return "\n".join(lines) + "\n"
