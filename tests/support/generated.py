"""Big accounts for benchmarks: any number of projects with any number of holdings, cheap to ask.

Prices are a few shared walks mixed with constant weights, so that the equity of a book is those
walks times sums that stay the same while its positions do, however many they are.
"""

from __future__ import annotations

import math
import time
from datetime import date, timedelta
from decimal import Decimal
from operator import mul
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from exporter.simulator.instruments import Instrument, equity, option
from exporter.simulator.market import Market
from exporter.simulator.noise import Noise, uniform
from exporter.simulator.project import Deployment, Project, deploy_id
from exporter.simulator.state import AccountState, Cash, Holding
from exporter.simulator.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from exporter.simulator.ledger import Trip
    from exporter.simulator.timetable import Running

CASH = 1_000_000.0
_GROUPS = 10  # a book's positions are replaced a tenth at a time
_ALTERNATIVES = 4  # how many instruments take turns in one place of a book
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def generated_world(
    *,
    projects: int,
    holdings: int,
    seed: str | int = "generated",
    first_id: int = 30_000_001,
    held_for: float = math.inf,
    clock: Callable[[], float] = time.time,
) -> World:
    """``projects`` that run, numbered from ``first_id``, each of ``holdings`` positions that are
    replaced after ``held_for`` seconds, a tenth of them at a time."""
    universe = Universe(str(seed), max(4 * holdings, 2000))
    launched = clock() - 7 * 86_400.0
    return World(
        [
            Project(
                first_id + number,
                f"Generated {number + 1:05d}",
                launched - 86_400.0,
                GeneratedAccount(universe, number, holdings, held_for),
                deployments=[Deployment(deploy_id(seed, number), launched)],
            )
            for number in range(projects)
        ],
        clock=clock,
    )


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
    market = Market("generated", 1_795_000_000.0)

    def __init__(
        self, universe: Universe, number: int, holdings: int, held_for: float = math.inf
    ) -> None:
        self._universe = universe
        self._number = number
        self._holdings = holdings
        self._held_for = held_for
        self._closed: dict[str, float] = {}
        self._sums: tuple[tuple[int, int], list[float]] = ((-1, 0), [])

    def at(self, time: float) -> AccountState:
        """The account's state at ``time``."""
        walks = self._universe.walks(time)
        holdings = {}
        cost = value = 0.0
        for (instrument, level, weights), quantity, average in self._positions(time):
            price = level * (1.0 + sum(map(mul, weights, walks)))
            units = quantity * instrument.multiplier
            worth, paid = units * price, units * average
            gain = worth - paid - instrument.fee(quantity, worth)
            holdings[instrument.key] = Holding(
                instrument, quantity, average, price, 1.0, worth, gain, 100.0 * gain / abs(paid)
            )
            cost += paid
            value += worth
        return AccountState(
            currency=self.currency,
            holdings=holdings,
            cash={"USD": Cash("USD", CASH, 1.0, CASH)},
            deposits=CASH + cost,
            realized=0.0,
            fees=0.0,
            volume=0.0,
            unrealized=value - cost,
            equity=CASH + value,
        )

    def equity(self, time: float) -> float:
        """``at(time).equity``, without a look at each position."""
        key = (self._turn(time), sum(closed <= time for closed in self._closed.values()))
        if self._sums[0] != key:
            self._sums = (key, self._summed(time))
        worth, *by_walk = self._sums[1]
        moves: float = sum(map(mul, by_walk, self._universe.walks(time)))
        return CASH + worth + moves

    def trips(self, _time: float) -> list[Trip]:
        """None: a book of positions, not of trades."""
        return []

    def open(self, _instrument: Instrument, _quantity: float, _time: float) -> NoReturn:
        """Refused."""
        msg = "a generated account can't be traded in"
        raise ValueError(msg)

    def close(self, time: float, key: str | None = None) -> bool:
        """Close what is held under ``key``, or everything, for good."""
        keys = [
            position.listed.instrument.key
            for position in self._positions(time)
            if key in (None, position.listed.instrument.key)
        ]
        self._closed = {**self._closed, **dict.fromkeys(keys, time)}
        return bool(keys)

    def set_runs(self, _running: Running) -> None:
        """Makes no difference."""

    def _turn(self, time: float) -> int:
        return math.floor(_GROUPS * time / self._held_for)

    def _positions(self, time: float) -> Iterator[Position]:
        turn, closed = self._turn(time), self._closed
        for place in range(self._holdings):
            held = (turn + place) // _GROUPS % _ALTERNATIVES
            number = (place + self._holdings * held + 7 * self._number) % self._universe.size
            listed = self._universe.listed(number)
            if closed and closed.get(listed.instrument.key, math.inf) <= time:
                continue
            mixed = (place * 2_654_435_761 + self._number * 40_503 + held * 97) & 0xFFFF
            quantity = float(1 + mixed % 500) * (1 if mixed % 3 else -1)
            yield Position(listed, quantity, listed.level * (0.9 + (mixed >> 8) / 1280.0))

    def _summed(self, time: float) -> list[float]:
        """The book's value with the walks at 0, and what it gains for each walk's unit."""
        sums = [0.0, 0.0, 0.0, 0.0]
        for (instrument, level, weights), quantity, _ in self._positions(time):
            worth = quantity * instrument.multiplier * level
            sums = [
                sums[0] + worth,
                *(s + worth * w for s, w in zip(sums[1:], weights, strict=True)),
            ]
        return sums


def _ticker(number: int) -> str:
    """``AAAA``, ``BAAA`` and so on; letters past the fourth where four don't do."""
    letters = ""
    while number or len(letters) < 4:
        number, letter = divmod(number, 26)
        letters += _LETTERS[letter]
    return letters
