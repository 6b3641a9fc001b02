"""The account of the soak: the demo's projects and some with a great turnover, traded at random."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from exporter.simulator import World
from exporter.simulator.instruments import equity, forex
from exporter.simulator.project import Format
from tests.support import generated_world

if TYPE_CHECKING:
    from random import Random

_SHARES = [equity(ticker, "2001-05-11") for ticker in ("ORCL", "CSCO", "DIS", "MMM", "CAT", "NKE")]
_TRADED = [*_SHARES, forex("USDCAD"), forex("NZDUSD")]
_ENDS = ("Stopped", "RuntimeError", "Deleted", "Completed")


def soaked(*, started: float, generated: int, seed: int) -> World:
    """The ten projects of the demo, and ``generated`` whose positions change every few seconds."""
    demo = World.demo(started=started, seed=seed, stops_after=60, crashes_after=120)
    busy = generated_world(projects=generated, holdings=12, seed=seed, held_for=40.0)
    world = World([*demo.projects, *busy.projects])
    world.project(demo.project_ids[0]).format = Format(encoding="long", iso_dates=True)
    world.project(demo.project_ids[1]).format = Format(empty_as_list=True)
    return world


def trade(world: World, random: Random) -> str:
    """Something happens in one of the projects; says what."""
    project_id = random.choice(world.project_ids)
    with suppress(ValueError):  # not sensible at the moment, such as to stop what is stopped
        match random.randrange(8):
            case 0:
                world.stop(project_id, random.choice(_ENDS), "the soak ended it")
                return "stop"
            case 1:
                world.liquidate(project_id)
                return "liquidate"
            case 2 | 3:
                world.start(project_id)
                return "start"
            case 4 | 5 | 6:
                units = random.randrange(1, 50) * 100.0
                world.open(project_id, random.choice(_TRADED), units)
                return "open"
            case _:
                account = world.truth(project_id).account
                if account is not None and account.holdings:
                    world.close(project_id, random.choice(sorted(account.holdings)))
                    return "close"
    return "nothing"
