"""One thing that is read of a project or an account: its request, and the families made of it."""

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
class Families(Generic[T]):
    """A table of metric families and the rows that an answer has for it, in their order.

    ``rows`` takes the answer and the unix time at which it is rendered.
    """

    table: Table[Any]
    rows: Callable[[T, float], Iterable[Any]]


@dataclass(frozen=True)
class Known(Generic[T]):
    """The knowledge that a request starts from.

    ``deploy_id`` is the newest deployment's, empty where it is not known. ``before`` is the answer
    before, also one that was not whole. ``now`` is in unix seconds.
    """

    deploy_id: str = ""
    before: T | None = None
    now: float = 0.0


@dataclass(frozen=True, eq=False)
class Source(Generic[T]):
    """One thing that is read, with an interval, an age and a success of its own.

    ``name`` is the value of the label ``source``. ``request`` makes the next call for a project;
    for a source of an account it is given any project of the account.
    ``interval`` is in seconds, 0 where this reading is off. ``every`` is the configuration key of
    the interval and ``delay`` QuantConnect's own, both for the reference page. How the reading goes
    is published unless ``is_reading_published`` is False.

    A reading may take several calls: as long as ``is_whole`` denies it of an answer, that is not
    published, and the next call follows at once, from a request that knows it. ``calls`` is their
    usual number. A source that ``needs_deployment`` is not read of a project without one.
    """

    name: str
    request: Callable[[ProjectSettings, Config, Known[T]], Request[T]]
    interval: Callable[[ProjectSettings, Config], float]
    families: tuple[Families[T], ...]
    every: str
    delay: str
    is_reading_published: bool = True
    is_whole: Callable[[T], bool] = lambda _: True
    calls: Callable[[ProjectSettings], int] = lambda _: 1
    needs_deployment: bool = False

    @property
    def tables(self) -> tuple[Table[Any], ...]:
        """The tables of all families."""
        return tuple(each.table for each in self.families)
