"""What the page says of a fault, in a form that is compared with what the exporter really did.

A row declares what is published, every message that is logged and every series that moves; a test
fails if the exporter says, counts or shows anything else, or leaves any of it out.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from tests.soak.scraper import text_samples

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.soak.scraper import Labels

FAILURES = "quantconnect_api_request_failures_total"
PROBLEMS = "quantconnect_api_parse_problems_total"
READ_SUCCESS = "quantconnect_read_success"
_SKEW = "quantconnect_api_clock_skew_seconds"
# These move whatever happens.
_ALWAYS = {"quantconnect_api_requests_total", "quantconnect_exporter_http_requests_total"}
_GOOD = ("quantconnect_api_authenticated", "quantconnect_exporter_config_last_reload_successful")


class Published(Enum):
    """What is published of the victim's portfolio, and how that is known of a row."""

    ALL = "everything, as ever"
    """Nothing is ever missing, and no source of any project fails."""
    BEFORE = "what was read before"
    """Nothing is ever missing."""
    UNTIL_OLD = "what was read before, until it is too old: it is withdrawn then"
    """It is missing at some time, and there again."""
    NOTHING_YET = "nothing but what describes the reading"
    """The first scrapes have nothing of it."""


class Often(Enum):
    """How often a message is logged of the same thing: project, source, call, field."""

    ONCE = "once"
    PERHAPS = "once at most"
    EACH = "each time"


ONCE, PERHAPS, EACH = Often
# What is logged is declared by message, to its end or to an ellipsis; a number is of how many there
# are in all.


@dataclass(frozen=True)
class Series:
    """A counter that goes up, or a gauge that shows ``value`` at some time.

    Of a counter, ``value`` is by how much, if that is always the same. ``perhaps`` is for what
    depends on which calls were under way.
    """

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    value: float | None = None
    perhaps: bool = False

    def __str__(self) -> str:
        labels = ",".join(f'{label}="{value}"' for label, value in self.labels.items())
        said = f"`{self.name}{{{labels}}}`" if labels else f"`{self.name}`"
        if self.value is not None:
            said += f" {self.value:+g}" if self.name.endswith(("_total", _SKEW)) else " 0"
        return f"perhaps {said}" if self.perhaps else said

    def fits(self, other: Series) -> bool:
        """Whether the other is what this one declares."""
        return (
            self.name == other.name
            and self.labels.items() <= other.labels.items()
            and self.value in (None, other.value)
        )


def failures(reason: str, endpoint: str = "", times: int | None = None) -> Series:
    """Calls that fail for this reason."""
    of = {"endpoint": endpoint} if endpoint else {}
    return Series(FAILURES, {**of, "reason": reason}, times)


def problems(endpoint: str, field: str, times: int | None = None) -> Series:
    """A field that is left out."""
    return Series(PROBLEMS, {"endpoint": endpoint, "field": field}, times)


def unread(source: str = "", project_id: int | None = None, *, perhaps: bool = False) -> Series:
    """quantconnect_read_success is 0."""
    labels = {} if project_id is None else {"project_id": str(project_id)}
    labels |= {"source": source} if source else {}
    return Series(READ_SUCCESS, labels, 0, perhaps)


REJECTED = Series("quantconnect_api_authenticated", {}, 0)
RELOAD_FAILED = Series("quantconnect_exporter_config_last_reload_successful", {}, 0)


def skew(seconds: float) -> Series:
    """The difference of the clocks, to a minute."""
    return Series(_SKEW, {}, seconds)


@dataclass(frozen=True)
class Told:
    """A row of the page: everything in it is asserted.

    ``also`` is what else is published and ``recovers`` how it goes on, in words for what the test
    itself asserts; the rest is compared by ``complaints``.
    """

    title: str
    logged: Mapping[str, Often | int]
    counted: tuple[Series, ...]
    recovers: str
    published: Published | None = Published.BEFORE
    also: str = ""

    def cells(self) -> tuple[str, ...]:
        """The row: what is done, published, logged, counted, and how it recovers."""
        published = [self.published.value] if self.published is not None else []
        return (
            self.title,
            "; ".join([*published, *([self.also] if self.also else [])]),
            "; ".join(f"“{_partial(said)}” {_often(often)}" for said, often in self.logged.items())
            or "nothing",
            "; ".join(map(str, self.counted)) or "nothing",
            self.recovers,
        )


def _partial(said: str) -> str:
    """The first sentence of a message, and that there are more."""
    first, more, _ = said.partition(". ")
    return f"{first}. …" if more else said


def _often(often: Often | int) -> str:
    if isinstance(often, Often):
        return often.value
    return {1: "once", 2: "twice"}.get(often, f"{often} times")


class Line(NamedTuple):
    """A log line: its words, and what it is about."""

    message: str
    about: tuple[tuple[str, str], ...]


_ABOUT = ("account", "project_id", "source", "call", "reason", "error", "field", "where", "problem")
_FIELD = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)')


def line(message: str, fields: Mapping[str, object]) -> Line:
    """What was logged."""
    return Line(message, tuple((name, str(fields[name])) for name in _ABOUT if name in fields))


def lines(logfmt: str) -> list[Line]:
    """What a process has logged, but for what only somebody who debugs wants to see."""
    found = []
    for text in logfmt.splitlines():
        fields = {name: value.strip('"') for name, value in _FIELD.findall(text)}
        if fields.get("level") != "debug":
            found.append(line(fields.get("msg", text), fields))
    return found


def of_log(said: Iterable[Line], logged: Mapping[str, Often | int]) -> list[str]:
    """In what a log differs from what is declared of it."""
    wrong: list[str] = []
    by_message: dict[str, Counter[Line]] = {message: Counter() for message in logged}
    for each in said:
        declared = _declared(each.message, logged)
        if declared is None:
            wrong.append(f"logged and not declared: {each}")
        else:
            by_message[declared][each] += 1
    for message, found in by_message.items():
        often = logged[message]
        if isinstance(often, int):
            if found.total() != often:
                wrong.append(f"logged {found.total()} times, not {often}: {message}")
        elif not found and often is not PERHAPS:
            wrong.append(f"declared and not logged: {message}")
        elif often is not EACH:
            wrong += [f"logged {times} times: {each}" for each, times in found.items() if times > 1]
    return wrong


def _declared(message: str, logged: Mapping[str, Often | int]) -> str | None:
    for each in logged:
        if message == each or (each.endswith("…") and message.startswith(each[:-1])):
            return each
    return None


def of_series(seen: Iterable[Series], counted: Iterable[Series]) -> list[str]:
    """In what series that moved differ from those that are declared."""
    seen, counted = list(seen), list(counted)
    return [
        f"moved and not declared: {each}"
        for each in seen
        if not any(declared.fits(each) for declared in counted)
    ] + [
        f"declared and did not move: {declared}"
        for declared in counted
        if not declared.perhaps and not any(declared.fits(each) for each in seen)
    ]


def counters(exposition: str) -> dict[tuple[str, Labels], float]:
    """The exporter's own counters but for those that move always."""
    declared = set(
        re.findall(r"^# TYPE (quantconnect_\w+_total) counter$", exposition, re.MULTILINE)
    )
    return {
        (sample.name, sample.labels): sample.value
        for sample in text_samples(exposition)
        if sample.name in declared - _ALWAYS
    }


def moved(before: str, after: str) -> list[Series]:
    """The counters that went up from one exposition to another."""
    first = counters(before)
    return [
        Series(name, dict(labels), value - first.get((name, labels), 0))
        for (name, labels), value in counters(after).items()
        if value != first.get((name, labels), 0)
    ]


def alarms(exposition: str) -> list[Series]:
    """The gauges that show that something is wrong."""
    found = []
    for sample in text_samples(exposition):
        if sample.name in (READ_SUCCESS, *_GOOD) and not sample.value:
            found.append(Series(sample.name, dict(sample.labels), 0))
        if sample.name == _SKEW and (minutes := round(sample.value / 60)):
            found.append(Series(sample.name, dict(sample.labels), minutes * 60))
    return found


def version_of(portfolio: Iterable[str]) -> int | None:
    """Which version of ``scene.answer`` these sample lines are, None for no lines at all.

    Version 0 has neither positions nor money. Raises ValueError if they are of several, or not all
    of one.
    """
    values: dict[str, list[float]] = {}
    for each in portfolio:
        series, _, value = each.rpartition(" ")
        name = series.partition("{")[0].removeprefix("quantconnect_")
        values.setdefault(name, []).append(float(value))
    if not values:
        return None
    version = round(values["cash_amount"][0] / 1000.5)
    held = 3 if version else 0
    expected = {
        "cash_amount": [1000.5 * version] * 2,
        "holdings": [float(held)],
        "holding_quantity": [1.0 * version, 2.0 * version, 3.0 * version][:held],
        "holding_average_price": [10.5 * version] * held,
        "holding_market_price": [11.0 * version] * held,
        "holding_unrealized_pnl": [1.0 * version] * held,
    }
    for name, numbers in expected.items():
        if sorted(values.get(name, [])) != numbers:
            raise ValueError(f"{name} is {values.get(name)} in version {version}")
    return version
