"""Projects whose portfolios are given, word for word."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, NoReturn

from exporter.simulator.market import Market
from exporter.simulator.project import Deployment, Project, deploy_id
from exporter.simulator.state import AccountState
from exporter.simulator.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exporter.simulator.instruments import Instrument
    from exporter.simulator.ledger import Trip
    from exporter.simulator.timetable import Running


_ORIGIN = 1_795_000_000.0  # an arbitrary time in November 2026


def given_world(
    portfolios: Mapping[int, bytes | Mapping[str, object]],
    *,
    names: Mapping[int, str] | None = None,
    equities: Mapping[int, float] | None = None,
    clock: Callable[[], float] = time.time,
) -> World:
    """Projects that run and answer live/portfolio/read with exactly these portfolios.

    `portfolios` are whole answers by project id, as bytes or as what to write as JSON; by project
    id are the `names` too, and the `equities` of live/list, 100000 where none is given.
    """
    launched = clock() - 86_400.0
    return World(
        [
            Project(
                project_id,
                (names or {}).get(project_id, f"Project {project_id}"),
                launched - 86_400.0,
                GivenAccount((equities or {}).get(project_id, 100_000.0)),
                answer=answer if isinstance(answer, bytes) else json.dumps(answer).encode(),
                deployments=[Deployment(deploy_id("given", project_id), launched)],
            )
            for project_id, answer in portfolios.items()
        ],
        clock=clock,
    )


class GivenAccount:
    """An account with an equity and nothing else, which never changes."""

    currency = "USD"
    market = Market("given", _ORIGIN)

    def __init__(self, equity: float) -> None:
        self._state = AccountState(
            currency=self.currency,
            holdings={},
            cash={},
            deposits=equity,
            realized=0.0,
            fees=0.0,
            volume=0.0,
            unrealized=0.0,
            equity=equity,
        )

    def at(self, _time: float) -> AccountState:
        """The same at any time."""
        return self._state

    def equity(self, _time: float) -> float:
        """The same at any time."""
        return self._state.equity

    def trips(self, _time: float) -> list[Trip]:
        """None."""
        return []

    def open(self, _instrument: Instrument, _quantity: float, _time: float) -> NoReturn:
        """Refused."""
        msg = "an account behind a given answer can't trade"
        raise ValueError(msg)

    def close(self, _time: float, _key: str | None = None) -> bool:
        """There is nothing to close."""
        return False

    def set_runs(self, _running: Running) -> None:
        """Makes no difference."""
