"""The entries of the catalogue: each is a test, and a row of docs/faults.md."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exporter.quantconnect.errors import Reason
    from exporter.simulator import Fault
    from tests.faults.processes import Start
    from tests.faults.scene import Scene
    from tests.faults.told import Told


@dataclass(frozen=True)
class Failing:
    """A fault that costs a read of live/portfolio/read.

    ``error`` is what is logged, an ellipsis at its end if it goes on with what a library says;
    ``seconds`` is the request timeout that it is tried with.
    """

    title: str
    fault: Callable[[Scene], Fault]
    reason: Reason
    error: str
    seconds: float = 20.0


@dataclass(frozen=True)
class Harmless:
    """Something odd in or about an answer that is understood all the same."""

    title: str
    fault: Callable[[Scene], Fault]


@dataclass(frozen=True)
class LeftOut:
    """A good answer with something in it that can't be understood, which is left out.

    ``without`` are the starts of the sample lines that are missing; ``problems`` how many times a
    field is counted for each read, nothing for what is sent as usual; ``found`` what the log says
    of the first.
    """

    title: str
    fault: Callable[[Scene], Fault]
    without: tuple[str, ...]
    problems: Mapping[str, int]
    found: str
    others: tuple[str, ...] = ()
    """Sample lines that are there instead."""


@dataclass(frozen=True)
class Story:
    """A fault of more than one answer; ``happens`` does it and asserts what follows.

    ``ends_well`` says that everything can be read again when it is over.
    """

    told: Told
    happens: Callable[[Scene], None]
    ends_well: bool = True
    settings: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class ProcessStory:
    """A fault of the process itself, tried on the exporter as people run it."""

    told: Told
    happens: Callable[[Start], None]
