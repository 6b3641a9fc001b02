"""The organization's nodes and its credit.

All persons are fictional.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from exporter.simulator.deployed import node

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.simulator.project import Deployment, Project
    from exporter.simulator.wire import Json

ID = "5cad178b20a1d52567b534553413b691"
_OWNER, _PROFILE = "Ada Example", "https://www.example.com/ada"
_MONTH = 30 * 86_400


def nodes(projects: Iterable[Project], now: float) -> Json:
    """Return the nodes of projects/nodes/read: one per running project, and some free ones."""
    busy = [
        _live(node(deployment), number, project)
        for number, (project, deployment) in enumerate(_running(projects, now), start=1)
    ]
    free = [_live(f"LN-{number:032x}", len(busy) + number) for number in (1, 2)]
    return {
        "backtest": [
            _node(f"BN-{1:032x}", "B-MICRO node 00000001", "B-MICRO", (2, 8.0, 0, 50)),
            _node(f"BN-{2:032x}", "B4-12 node 00000002", "B4-12", (4, 12.0, 24, 100), _OWNER),
        ],
        "live": [*busy, *free],
        "research": [_node(f"RN-{1:032x}", "R1-4 node 00000001", "R1-4", (1, 4.0, 14, 50))],
    }


def account(now: float) -> Json:
    """Return the answer of account/read: credit that is used up and bought every 30 days, and a
    card that expires a year after ``now`` (unix seconds)."""
    day = datetime.fromtimestamp(now, UTC)
    return {
        "organizationId": ID,
        "creditBalance": round(2500.0 - 1200.0 * (now % _MONTH) / _MONTH, 2),
        "card": {
            "brand": "visa",
            "expiration": f"{day.month:02d}/{(day.year + 1) % 100:02d}",
            "last4": "0042",
        },
        "success": True,
    }


def _running(projects: Iterable[Project], now: float) -> Iterable[tuple[Project, Deployment]]:
    for project in projects:
        deployment = project.deployment(now)
        if deployment is not None and not deployment.ended(now):
            yield project, deployment


def _live(node_id: str, number: int, project: Project | None = None) -> Json:
    name = f"L1-1 node {number:08d}"
    if project is None:
        return _node(node_id, name, "L1-1", (1, 1.0, 24, 50))
    live = _node(node_id, name, "L1-1", (1, 1.0, 24, 50), _OWNER)
    return live | {
        "projectName": project.name,
        "projectId": project.project_id,
        "host": f"LIVE-{node_id[3:11]}",
    }


def _node(
    node_id: str, name: str, sku: str, size: tuple[int, float, int, int], user: str = ""
) -> Json:
    cpu, ram, monthly, assets = size
    return {
        "speed": 2.5,
        "price": {"monthly": monthly, "yearly": 10 * monthly},
        "cpu": cpu,
        "ram": ram,
        "name": name,
        "sku": sku,
        "description": "",
        "usedBy": user,
        "userProfile": _PROFILE if user else "",
        "projectName": "",
        "projectId": None,
        "busy": bool(user),
        "id": node_id,
        "assets": assets,
        "host": None,
        "active": False,
        "hasGpu": 0,
    }
