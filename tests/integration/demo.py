"""The demo in the state it has after five minutes, and a Prometheus that has watched it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from exporter.cli.demo import configuration
from exporter.simulator import World
from prometheus.history import Past
from prometheus.stack import Prometheus, eventually, free_port
from tests.integration.exporter_process import ExporterProcess

if TYPE_CHECKING:
    from pathlib import Path

# After three minutes one algorithm of the demo stops with open positions, after five one crashes.
AGE = 290.0
QUICKEN = 30
SECONDS = 90.0
SCRAPE_INTERVAL = 4.0


@dataclass
class DemoStack:
    """A context manager that starts exporter and Prometheus; times are unix seconds."""

    directory: Path
    started: float
    past_until: float
    address: str
    _running: ExitStack = field(default_factory=ExitStack)

    @classmethod
    def at(cls, directory: Path, *, now: float) -> Self:
        """One that began AGE before ``now``."""
        return cls(directory, now - AGE, now, f"127.0.0.1:{free_port()}")

    def new_exporter(self) -> ExporterProcess:
        """The demo's exporter, to be started."""
        return ExporterProcess(
            self.directory,
            "demo",
            f"--simulator.started={self.started:.3f}",
            "--simulator.listen-address=127.0.0.1:0",
            address=self.address,
        )

    @property
    def data(self) -> Path:
        """Where Prometheus keeps it."""
        return self.directory / "data"

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            self.exporter = starting.enter_context(self.new_exporter())
            self.prometheus = Prometheus(
                self.directory, targets=[self.address], quicken=QUICKEN, interval=SCRAPE_INTERVAL
            )
            starting.callback(self.prometheus.stop)
            self.prometheus.start()
            eventually(
                self._alive, "the rules have seen everything, and alerts fire", seconds=SECONDS
            )
            self._running = starting.pop_all()
        return self

    def _alive(self) -> bool:
        """Two evaluations of the slowest rules, discovery done, and the stopped one noticed."""
        return all(
            self.prometheus.query(expression)
            for expression in (
                "count_over_time(project:quantconnect_profit:30d[30s]) > 5",
                "count(project:quantconnect_project_info:current) >= 8",
                'ALERTS{alertname="QuantConnectStoppedWithOpenPositions", alertstate="firing"}',
                'ALERTS{alertname="QuantConnectAlgorithmRuntimeError", alertstate="firing"}',
            )
        )

    def __exit__(self, *_: object) -> None:
        self._running.close()


def write_past(demo: DemoStack) -> DemoStack:
    """Put a month of past where Prometheus will find it, as the exporter tells it."""
    demo.data.mkdir()
    settings = configuration("http://127.0.0.1", World.demo(started=demo.started).project_ids)
    with demo.new_exporter():
        Past(
            settings,
            target=demo.address,
            interval=SCRAPE_INTERVAL,
            started=demo.started,
            until=demo.past_until,
        ).write(demo.data)
    return demo
