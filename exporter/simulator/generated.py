"""Big accounts for benchmarks: any number of projects with any number of holdings, cheap to ask.

Prices are a few shared walks mixed with constant weights, so that the equity of a book is those
walks times sums that stay the same while its positions do, however many they are.
"""

from __future__ import annotations

import math
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from exporter.simulator.instruments import Instrument, equity, option
from exporter.simulator.noise import Noise, uniform
from exporter.simulator.state import AccountState, Cash, Holding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.simulator.timetable import Running

CASH = 1_000_000.0
_GROUPS = 10  # a book's positions are replaced a tenth at a time
_ALTERNATIVES = 4  # how many instruments take turns in one place of a book
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Listed(NamedTuple):
    """An instrument, its price when the walks stand at 0, and how much of each it follows."""

    instrument: Instrument
    level: float
    weights: tuple[float, float, float]


class Position(NamedTuple):
    """A place in a book: what is held there, how many units, and what one cost."""

    listed: Listed
    quantity: float
    average: float


class Universe:
    """``size`` shares and options with invented tickers, every fifth an option."""

    def __init__(self, seed: str, size: int) -> None:
        self.size = size
        self._seed = seed
        self._walks = [Noise(f"{seed}/{number}", 0.25) for number in range(3)]
        self._listed: dict[int, Listed] = {}

    def walks(self, time: float) -> list[float]:
        """Where the walks stand."""
        return [walk.at(time) for walk in self._walks]

    def listed(self, number: int) -> Listed:
        """The instrument of that number."""
        listed = self._listed.get(number)
        if listed is None:
            listed = self._listed[number] = self._list(number)
        return listed

    def _list(self, number: int) -> Listed:
        level, first, second, day = uniform(self._seed, number)
        share = equity(_ticker(number), str(date(1998, 1, 2) + timedelta(days=int(9000 * day))))
        price = round(5.0 + 400.0 * level**2, 2)
        weights = (first / 2, second / 2, 1.0 - (first + second) / 2)
        if number % 5:
            return Listed(share, price, weights)
        expiry = date(2027, 1, 15) + timedelta(days=7 * (number % 100))
        strike = Decimal(5 * max(1, round(price / 5)))
        return Listed(option(share, expiry, strike, put=number % 2 == 0), price / 20, weights)


class GeneratedAccount:
    """A book of always ``holdings`` positions, each replaced by another after ``held_for``
    seconds. Money for what is bought comes in, and for what is sold goes out, as deposits: nothing
    is ever realized. It can be closed, but not traded in."""

    currency = "USD"

    def __init__(
        self, universe: Universe, number: int, holdings: int, held_for: float = math.inf
    ) -> None:
        self._universe = universe
        self._number = number
        self._holdings = holdings
        self._held_for = held_for
        self._closed: dict[str, float] = {}
        self._sums: tuple[int, list[float]] | None = None

    def at(self, time: float) -> AccountState:
        """The account's state at ``time``; its holdings are worked out only when looked at."""
        walks = self._universe.walks(time)
        value, cost, *by_walk = self._summed(time)
        value += sum(share * walk for share, walk in zip(by_walk, walks, strict=True))
        return _GeneratedState(
            currency=self.currency,
            holdings={},
            cash={"USD": Cash("USD", CASH, 1.0, CASH)},
            deposits=CASH + cost,
            realized=0.0,
            fees=0.0,
            volume=0.0,
            unrealized=value - cost,
            equity=CASH + value,
        )
