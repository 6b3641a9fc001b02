"""What every panel of every dashboard says in every scene.

`EXPECTED` has an entry for each panel: a function of the scene, whose numbers are the simulator's
own, or follow from other panels that do. `disagreements` compares a dashboard's reading with it.
While nothing is known, a number says "No data" unless its entry is one of `SPEAKING`, and a graph
ends with what was known last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.dashboards.reading import NO_DATA, Reading
from tests.dashboards.scenes import ALL_PROJECTS, DEAD_8_MINUTES, QUANTCONNECT_DOWN

from .exporter import EXPORTER_PANELS
from .fleet import FLEET_PANELS
from .portfolio import PORTFOLIO_PANELS
from .scene import (
    AAPL,
    AGES,
    EXPORTER,
    FLEET,
    NOT_HELD,
    NOT_READ,
    PORTFOLIO,
    SYMBOL,
    Drawn,
    Panels,
    Scene,
    Wanted,
    agrees,
)
from .symbol import SYMBOL_PANELS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

EXPECTED: Mapping[str, Panels] = {
    FLEET: FLEET_PANELS,
    PORTFOLIO: PORTFOLIO_PANELS,
    SYMBOL: SYMBOL_PANELS,
    EXPORTER: EXPORTER_PANELS,
}
NOT_READ_PANELS = {"Orders by status", "Open orders", "Last fill", "Realized P/L", "Win rate"}
# Panels for numbers that speak while nothing is known: of ages, of what is missing, of Prometheus.
SPEAKING = {
    FLEET: {AGES, "Equity", "Profit today", "Needs a look", "Projects", "Running"}
    | {"Alerts firing", "Firing alerts"},
    PORTFOLIO: {AGES, "Status", "Alerts"},
    SYMBOL: {AGES},
    EXPORTER: {AGES, "Exporters up", "Oldest read", "Reads by project"},
}


def disagreements(scene: Scene, uid: str, board: Reading) -> Iterator[str]:
    """A sentence for each panel that does not say what it must, or of which nothing is expected."""
    expected = {
        title.format(
            project=ALL_PROJECTS[scene.project],
            currency=scene.currency,
            symbol="AAPL"
            if scene.holders or scene.at in {DEAD_8_MINUTES, QUANTCONNECT_DOWN}
            else AAPL,
        ): what
        for title, what in EXPECTED[uid].items()
    }
    yield from (f"{title} is expected, and not there" for title in expected.keys() - board.panels)
    for title, panel in board.panels.items():
        if title not in expected:
            yield f"nothing says what {title} must say"
            continue
        wanted: Wanted
        if scene.silent and panel.type in {"stat", "bargauge", "table"}:
            speaks = title in SPEAKING[uid] or (uid == EXPORTER and not scene.dead)
            wanted = expected[title](scene, board) if speaks else missing(uid, title)
        elif scene.silent:
            wanted = Drawn()
        else:
            wanted = expected[title](scene, board)
        if not agrees(panel, wanted):
            yield f"{title} must say {wanted}, and is {panel}"


def missing(uid: str, title: str) -> str:
    if uid == PORTFOLIO and title in NOT_READ_PANELS:
        return NOT_READ
    return NO_DATA if uid != SYMBOL or "by project" in title or title == "Contract" else NOT_HELD
