"""The statistics and source of a running deployment (live/read), and the last deployment form."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from exporter.simulator.noise import uniform
from exporter.simulator.wire import glyph

if TYPE_CHECKING:
    from exporter.simulator.project import Deployment, Project, Statistics
    from exporter.simulator.wire import Json


def runtime_statistics(
    project: Project, numbers: Statistics, currency: str, now: float
) -> dict[str, str]:
    """Return LEAN's statistics as its display strings (LiveTradingResultHandler), with its position
    of the minus sign, and the algorithm's own statistics."""
    sign = glyph(currency)
    sharpe = 100 * uniform(project.project_id, math.floor(now / 3600))[0]
    return {
        "Equity": f"{sign}{numbers.equity:,.2f}",
        "Fees": f"-{sign}{numbers.fees:,.2f}",
        "Holdings": f"{sign}{numbers.holdings_value:,.2f}",
        "Net Profit": f"{sign}{numbers.net_profit:,.2f}",
        "Probabilistic Sharpe Ratio": f"{sharpe:.3f}%",
        "Return": f"{100 * numbers.return_ratio:.2f} %",
        "Unrealized": f"{sign}{numbers.unrealized:,.2f}",
        "Volume": f"{sign}{numbers.volume:,.2f}",
        **project.user_statistics,
    }


def server_statistics(deployment: Deployment, now: float) -> dict[str, str]:
    """Return the statistics of the machine on which a deployment runs alone."""
    cpu, memory, _, _ = uniform(deployment.deploy_id, math.floor(now / 10))
    days, seconds = divmod(int(now - deployment.launched), 86_400)
    clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return {
        "CPU Usage": f"{2 + 20 * cpu:.1f}%",
        "Used RAM (MB)": str(420 + int(90 * memory)),
        "Total RAM (MB)": "16384",
        "Hostname": f"LIVE-{deployment.deploy_id[2:10]}",
        "LEAN Version": "v2.5.0.0.17484",
        "Up Time": f"{days}d {clock}",
    }


def node(deployment: Deployment) -> str:
    """Return the id of ``deployment``'s node."""
    return f"LN-{deployment.deploy_id.removeprefix('L-')}"


def live_form(deployment: Deployment) -> Json:
    """Return the form of a project's last deployment (projects/read).

    A deployment that ends in a runtime error has automatic restart off.
    """
    return {
        "brokerageData": {"id": deployment.brokerage},
        "dataProvidersData": [{"id": "QuantConnectBrokerage"}],
        "node": node(deployment),
        "notifyInsights": False,
        "notifyOrderEvents": deployment.environment == "live",
        "autoRestart": deployment.outcome != "RuntimeError",
    }


def source_files(project: Project) -> list[Json]:
    """Return the algorithm's source, which QuantConnect sends with every live/read."""
    return [
        {
            "id": project.project_id * 10,
            "projectId": project.project_id,
            "name": "main.py",
            "content": _SOURCE,
            "modified": "2026-10-01 09:30:00",
            "open": 1,
            "isLibrary": False,
        }
    ]


_SOURCE = '''from AlgorithmImports import *


class Simulated(QCAlgorithm):
    """What a live/read shows of anybody's strategy: all of it."""

    def initialize(self) -> None:
        self.set_start_date(2026, 1, 1)
'''
