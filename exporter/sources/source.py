"""A source of a project or an account: its request, and its families."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from msgspec import Struct

from exporter.config import Config, ProjectSettings
from exporter.metrics.table import Table
from exporter.quantconnect.client import Request

if TYPE_CHECKING:
    from exporter.quantconnect.fields import Problem


class Answer(Protocol):
    """A decoded answer: frozen, with the problems of reading it."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The parts that could not be read."""


T = TypeVar("T", bound=Answer)


class Families(Struct, Generic[T], frozen=True):
    """A table of metric families, and its rows for an answer, in order.

    ``rows`` takes the answer and the unix time of rendering.
    """

    table: Table[Any]
    rows: Callable[[T, float], Iterable[Any]]


class Known(Struct, Generic[T], frozen=True):
    """The known state from which a request continues.

    ``deploy_id`` is the newest deployment's, empty if unknown. ``before`` is the previous answer,
    even if it was not whole. ``now`` is in unix seconds.
    """

    deploy_id: str = ""
    before: T | None = None
    now: float = 0.0


class Source(Struct, Generic[T], frozen=True, eq=False):
    """Data that is read with its own interval, age and success.

    ``name`` is the value of the label ``source``. ``request`` returns the next call for a project;
    for a source of an account, it gets any project of the account. ``interval`` is in seconds, 0 if
    the source is off. ``every`` is the configuration key of the interval and ``delay``
    QuantConnect's own, both for the reference page. The success and age of reads are published
    unless ``is_reading_published`` is False.

    A reading may take several calls: while ``is_whole`` is False for an answer, it is not
    published, and the next call follows at once, with a request that continues from it. ``calls``
    is their usual number. A source with ``needs_deployment`` is not read for a project that was
    never deployed.
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
