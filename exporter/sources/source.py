"""One thing that is read of each project: its request and the families made of its answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable  # noqa: TC003 - dataclasses have them
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from exporter.config import Config, ProjectSettings
    from exporter.metrics.table import Table
    from exporter.quantconnect.client import Request
    from exporter.quantconnect.fields import Problem


class Answer(Protocol):
    """A decoded answer: frozen, with what was left out of it."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The parts that could not be read."""


T = TypeVar("T", bound=Answer)


@dataclass(frozen=True)
class Known(Generic[T]):
    """The things that a request may depend on, as they are known when it is made.

    ``deploy_id`` is the newest deployment's, empty where it is not known; ``now`` is in unix
    seconds; ``before`` is the last good answer.
    """

    deploy_id: str
    now: float
    before: T | None = None


@dataclass(frozen=True)
class Families(Generic[T]):
    """A table of metric families and the rows that an answer has for it, in their order.

    ``rows`` takes the answer and the unix time at which it is rendered.
    """

    table: Table[Any]
    rows: Callable[[T, float], Iterable[Any]]


@dataclass(frozen=True, eq=False)
class Source(Generic[T]):
    """One thing that is read of each project, with an interval, an age and a success of its own.

    ``name`` is the value of the label ``source``. ``request`` makes the call for one project.
    ``interval`` is in seconds, 0 where this reading is off. ``every`` is the configuration key of
    the interval and ``delay`` QuantConnect's own, both for the reference page. How the reading goes
    is published unless ``is_reading_published`` is False.
    """

    name: str
    request: Callable[[ProjectSettings, Config], Request[T]]
    interval: Callable[[ProjectSettings, Config], float]
    families: tuple[Families[T], ...]
    every: str
    delay: str
    is_reading_published: bool = True

    @property
    def tables(self) -> tuple[Table[Any], ...]:
        """The tables of all families."""
        return tuple(each.table for each in self.families)
