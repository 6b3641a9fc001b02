"""The log of live/logs/read: all deployments of a project in one file.

The algorithm's lines begin with the time in New York, always in winter time; start-up lines have no
time.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from exporter.simulator import wire
from exporter.simulator.noise import uniform
from exporter.simulator.orders import INVALID, orders

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.simulator.orders import Order
    from exporter.simulator.project import Deployment, Project

_NEW_YORK = -5 * 3600
_DAY = 86_400
_OPENING = 14.5 * 3600
_WARNED = 0.25  # of all days


def logs(project: Project, now: float) -> list[tuple[Deployment, str]]:
    """Return each line up to ``now`` with its deployment, oldest first."""
    found = orders(project, now)
    return [
        (deployment, line)
        for deployment in project.deployments
        if deployment.launched <= now
        for line in _lines(deployment, [o for o in found if o.deployment is deployment], now)
    ]


def _lines(deployment: Deployment, placed: list[Order], now: float) -> Iterator[str]:
    yield (f"Launching analysis for {deployment.deploy_id} with LEAN Engine v2.5.0.0.17484")
    yield "Algorithm Initialization: Warming up."
    timed = [*_days(deployment, now), *((order.fill.time, _order(order)) for order in placed)]
    yield from (f"{_clock(time)} {line}" for time, line in sorted(timed))
    if deployment.ended(now):
        last = deployment.stopped or now
        if deployment.error:
            yield f"{_clock(last)} {deployment.error}"
        yield f"{_clock(last)} Algorithm Id:({deployment.deploy_id}) is shutting down."


def _days(deployment: Deployment, now: float) -> Iterator[tuple[float, str]]:
    """Yield a line for every day, and on some days a warning."""
    end = deployment.latest(now)
    day = math.floor(deployment.launched / _DAY)
    while (opening := day * _DAY + _OPENING) <= end:
        if opening >= deployment.launched:
            yield opening, "Debug: New day: signals updated."
            warned, after, _, _ = uniform(deployment.deploy_id, day)
            warning = opening + 23_400 * after
            if warned < _WARNED and warning <= end:
                yield warning, "Warning: No data for 60 seconds; the last price is used."
        day += 1


def _order(order: Order) -> str:
    if order.status == INVALID:
        return order.message
    return (
        f"New Order Event: OrderID: {order.number} Symbol: {wire.display(order.instrument)} "
        f"Quantity: {wire.number(order.fill.quantity)} Price: {order.price}"
    )


def _clock(time: float) -> str:
    time_in_new_york = datetime.fromtimestamp(math.floor(time) + _NEW_YORK, UTC)
    return time_in_new_york.replace(tzinfo=None).isoformat(" ")
