"""The simulated world: an account of QuantConnect with its projects, at any time.

Everything is a function of the seed and the time, until a caller stops or liquidates an algorithm,
trades by hand or freezes the clock. These operations are safe to call while a server answers from
the same world.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from exporter.simulator.demo import Demo
from exporter.simulator.market import Market
from exporter.simulator.project import (
    RUNNING,
    Deployment,
    Project,
    Truth,
    deploy_id,
    running,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from exporter.simulator.instruments import Instrument


DEMO_TOKEN = "demo"  # noqa: S105 - it opens nothing but the simulator


class World:
    """One user's account. Raises KeyError for an unknown project, ValueError for an operation that
    is impossible at the time."""

    def __init__(
        self,
        projects: Iterable[Project],
        *,
        user_id: int = 1,
        token: str = DEMO_TOKEN,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.user_id = user_id
        self.token = token
        """The valid API token."""
        self.snapshot_lag = 0.0
        """A portfolio is a snapshot of the last multiple of this many seconds since the launch."""
        self._clock = clock
        self._frozen: float | None = None
        self._projects = {project.project_id: project for project in projects}
        self._lock = threading.RLock()

    @classmethod
    def demo(
        cls,
        *,
        started: float,
        seed: str | int = "demo",
        stops_after: float = 180.0,
        crashes_after: float = 300.0,
        clock: Callable[[], float] = time.time,
    ) -> World:
        """Return the demo's account, which has traded for weeks before ``started`` (unix seconds).

        One project stops with open positions ``stops_after`` seconds after ``started``, another
        crashes after ``crashes_after``.
        """
        demo = Demo(
            seed=str(seed),
            market=Market(str(seed), started),
            started=started,
            stops_after=stops_after,
            crashes_after=crashes_after,
        )
        return cls(demo.projects(), clock=clock)

    @property
    def project_ids(self) -> list[int]:
        """The ids of all projects, in order of creation."""
        return list(self._projects)

    @property
    def projects(self) -> list[Project]:
        """All projects; do not change them."""
        return list(self._projects.values())

    def project(self, project_id: int) -> Project:
        """Return one project. Raise KeyError if the account does not have it."""
        return self._projects[project_id]

    def now(self) -> float:
        """Return the world's time: the clock's, or the time of the freeze."""
        frozen = self._frozen
        return self._clock() if frozen is None else frozen

    def snapshot_time(self, deployment: Deployment, now: float) -> float | None:
        """Return the time of the portfolio snapshot served ``now``; None before the first."""
        at = deployment.latest(now)
        if self.snapshot_lag <= 0 or deployment.ended(now):
            return at
        taken = at - (at - deployment.launched) % self.snapshot_lag
        return taken if taken > deployment.launched else None

    def truth(self, project_id: int, at: float | None = None) -> Truth:
        """Return the true state of a project at ``at`` (default now)."""
        return self._projects[project_id].truth(self.now() if at is None else at)

    def history(
        self, start: float, end: float, step: float
    ) -> Iterator[tuple[float, dict[int, Truth]]]:
        """Yield the truth of every project, each ``step`` seconds from ``start`` to before
        ``end``."""
        number = 0
        while (at := start + number * step) < end:
            yield at, {project.project_id: project.truth(at) for project in self._projects.values()}
            number += 1

    # Operations.

    def freeze(self, at: float | None = None) -> float:
        """Freeze prices, trades and deployments at ``at`` (default now); return that time. The
        clock of HTTP and of signatures continues."""
        self._frozen = self.now() if at is None else at
        return self._frozen

    def stop(self, project_id: int, status: str = "Stopped", error: str = "") -> None:
        """End the running deployment, leaving positions open; ``status`` is any of
        QuantConnect's."""
        self._end(self._projects[project_id], self.now(), status, error)

    def liquidate(self, project_id: int) -> None:
        """Close every position and end the deployment as Liquidated."""
        project = self._projects[project_id]
        with self._lock:
            at = self.now()
            self._running(project, at)
            project.book.close(at)
            self._end(project, at, "Liquidated", "")

    def start(self, project_id: int) -> str:
        """Deploy a project that does not run; return the deployment's id."""
        project = self._projects[project_id]
        with self._lock:
            at = self.now()
            last = project.deployments[-1] if project.deployments else None
            if last is not None and not last.ended(at):
                msg = f"project {project_id} runs already"
                raise ValueError(msg)
            deployment = Deployment(deploy_id(project_id, at, len(project.deployments)), at)
            if last is not None:
                deployment = replace(
                    deployment, brokerage=last.brokerage, environment=last.environment
                )
            self._redeploy(project, [*project.deployments, deployment])
            return deployment.deploy_id

    def open(self, project_id: int, instrument: Instrument, quantity: float) -> None:
        """Open ``quantity`` units (negative: sell) by hand in a running project."""
        project, at = self._projects[project_id], self.now()
        self._running(project, at)
        held = project.book.at(at).holdings.get(instrument.key)
        if not quantity or (held is not None and held.quantity * quantity < 0):
            msg = f"{quantity} of {instrument.key} is nothing, or against what is held: close it"
            raise ValueError(msg)
        project.book.open(instrument, quantity, at)

    def close(self, project_id: int, symbol_id: str) -> None:
        """Close the position under the key ``symbol_id`` in a running project."""
        project, at = self._projects[project_id], self.now()
        self._running(project, at)
        if not project.book.close(at, symbol_id):
            msg = f"project {project_id} holds no {symbol_id}"
            raise ValueError(msg)

    def _running(self, project: Project, at: float) -> Deployment:
        deployment = project.deployment(at)
        if deployment is None or deployment.ended(at):
            msg = f"project {project.project_id} does not run"
            raise ValueError(msg)
        return deployment

    def _end(self, project: Project, at: float, status: str, error: str) -> None:
        with self._lock:
            deployment = self._running(project, at)
            if status == RUNNING:
                msg = "a stopped deployment can't have the status Running"
                raise ValueError(msg)
            ended = replace(deployment, stopped=at, outcome=status, error=error)
            self._redeploy(
                project, [ended if each is deployment else each for each in project.deployments]
            )

    def _redeploy(self, project: Project, deployments: list[Deployment]) -> None:
        """Replace the deployments. The book changes first: a concurrent reader still asks it for an
        unchanged time."""
        project.book.set_runs(running(deployments))
        project.deployments = deployments
