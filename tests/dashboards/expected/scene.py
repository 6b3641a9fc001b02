"""Scenes as the dashboards are opened in them, and how a panel is held against what it must say."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from tests.dashboards import scenes
from tests.dashboards.reading import Panel, Reading
from tests.dashboards.scenes import (
    ALL_PROJECTS,
    CRASHED,
    CRASHING,
    DAY,
    DEAD_3_DAYS,
    DEAD_8_MINUTES,
    EURO,
    FLAT,
    NEVER,
    QUANTCONNECT_DOWN,
    SHARES,
    STOPPED,
    STOPPING,
    WELL,
    YOUNG,
)

FLEET, PORTFOLIO = "quantconnect-fleet", "quantconnect-portfolio"
SYMBOL, EXPORTER = "quantconnect-symbol", "quantconnect-exporter"
NOT_HELD = "No data, or not held"
NOT_READ = "Not read"
AGES = "Age of what is shown"
AAPL = "AAPL R735QTJ8XC9X"
FRESH = "4 s"
STATUSES = {None: "Never deployed", "Running": "Running", "Stopped": "Stopped"} | {
    "RuntimeError": "Error"
}


@dataclass(frozen=True)
class About:
    """A number, as far as it is known; the text may have separators and a unit."""

    value: float
    within: float = 0.51

    def __call__(self, text: str) -> bool:
        number = re.match(r"-?[\d,]*\.?\d+", text)
        if number is None:
            return False
        return abs(float(number[0].replace(",", "")) - self.value) <= self.within


def a_number(text: str) -> bool:
    return bool(re.match(r"-?\d", text))


def percent(ratio: float, within: float) -> About:
    return About(100 * ratio, within)


# A text, or what is true of it.
Expected = str | Callable[[str], object]
Named = Mapping[str, Expected]


@dataclass(frozen=True)
class Rows:
    """The rows of a table: how many, and each of some columns, from the first row to the last."""

    count: int
    columns: Mapping[str, Sequence[Expected]]


@dataclass(frozen=True)
class Drawn:
    """A graph with lines of these names, not all of which need a value."""

    names: frozenset[str] | None = None


Wanted = str | Named | Rows | Drawn
Panels = Mapping[str, Callable[["Scene", Reading], Wanted]]


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A moment, the project that Portfolio shows, and those that the other dashboards show."""

    at: float
    project: str
    chosen: tuple[str, ...] = tuple(ALL_PROJECTS)
    old: str = ""

    @property
    def silent(self) -> bool:
        """Nothing is known: the exporter is dead, or QuantConnect has not answered for an hour."""
        return bool(self.old)

    @property
    def dead(self) -> bool:
        return self.at > scenes.DEATH

    @property
    def age(self) -> Expected:
        return re.compile(rf"{self.old}s?").fullmatch if self.silent else FRESH

    def variables(self, uid: str) -> dict[str, str]:
        if uid == PORTFOLIO:
            return {"project": self.project}
        several = {"symbol": AAPL} if uid == SYMBOL else {}
        if len(self.chosen) < len(ALL_PROJECTS):
            several["project"] = "|".join(self.chosen)
        return several

    @cached_property
    def deployed(self) -> tuple[str, ...]:
        return tuple(each for each in self.chosen if each != NEVER)

    @property
    def currency(self) -> str:
        """That of the account of the project that Portfolio shows."""
        return "EUR" if self.project == EURO else "USD"

    @property
    def holders(self) -> list[str]:
        """The projects chosen that hold the symbol that Symbol shows."""
        if self.silent:
            return []
        return [each for each in self.deployed if self.held(each, AAPL)]

    def held(self, project: str, symbol_id: str) -> scenes.Held | None:
        return next((h for h in self.holdings(project) if h.symbol_id == symbol_id), None)

    def status(self, project: str) -> str:
        return STATUSES[scenes.truth(project, self.at).status]

    def holdings(self, project: str) -> list[scenes.Held]:
        return scenes.holdings(project, self.at)

    def equity(self, project: str, back: float = 0.0) -> float:
        # A week before each scene is a week before they begin.
        at = scenes.STARTED - back if back == 7 * DAY else self.at - back
        return scenes.equity(project, at)

    def profit(self, project: str) -> float:
        """Since 00:00 UTC."""
        return self.equity(project) - scenes.equity(project, self.at - self.at % DAY)

    def peak(self, project: str) -> float:
        """The highest equity of 30 days that the past of the scenes has."""
        return max(scenes.known_equities(project, self.at - 30 * DAY, self.at))

    def drawdown(self, project: str) -> float:
        return 1 - self.equity(project) / self.peak(project)

    def leverage(self, project: str) -> float:
        return sum(abs(held.value) for held in self.holdings(project)) / self.equity(project)

    def currencies(self, amount: Callable[[str], float]) -> dict[str, float]:
        """The sum of an amount of each chosen project, by account currency."""
        sums: dict[str, float] = {}
        for each in self.deployed:
            currency = "EUR" if each == EURO else "USD"
            sums[currency] = sums.get(currency, 0.0) + amount(each)
        return sums


SCENES: Mapping[str, Scene] = {
    "all well": Scene(at=WELL, project=SHARES),
    "stopped with positions": Scene(at=STOPPED, project=STOPPING),
    "crashed": Scene(at=CRASHED, project=CRASHING),
    "exporter dead for 8 minutes": Scene(at=DEAD_8_MINUTES, project=SHARES, old="8 min"),
    "exporter dead for 3 days": Scene(at=DEAD_3_DAYS, project=SHARES, old="3 day"),
    "QuantConnect down for an hour": Scene(at=QUANTCONNECT_DOWN, project=SHARES, old="1 hour"),
    "two currencies": Scene(at=WELL, project=EURO, chosen=(SHARES, EURO)),
    "flat": Scene(at=WELL, project=FLAT, chosen=(FLAT,)),
    "one day old": Scene(at=WELL, project=YOUNG, chosen=(YOUNG,)),
}


def agrees(panel: Panel, wanted: Wanted) -> bool:
    if isinstance(wanted, str):
        return panel.says == wanted
    if isinstance(wanted, Rows):
        return len(panel.rows) == wanted.count and all(
            name in panel.columns
            and len(cells) == wanted.count
            and all(map(says, panel.column(name), cells))
            for name, cells in wanted.columns.items()
        )
    found = panel.series if panel.type not in {"stat", "bargauge"} else panel.values
    if isinstance(wanted, Drawn):
        return wanted.names is None or wanted.names == found.keys()
    return found.keys() == wanted.keys() and all(
        says(found[name].text, each) for name, each in wanted.items()
    )


def says(text: str, wanted: Expected) -> bool:
    return text == wanted if isinstance(wanted, str) else bool(wanted(text))


def money(amount: float) -> str:
    return f"{round(amount):,}"
