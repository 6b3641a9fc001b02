"""What Exporter says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.dashboards import scenes
from tests.dashboards.reading import NO_DATA, Reading
from tests.dashboards.scenes import ALL_PROJECTS, DAY, DERIVATIVES, NEVER

from .fleet import ages
from .scene import AGES, FRESH, About, Expected, Named, Panels, Rows, Scene, Wanted, a_number

if TYPE_CHECKING:
    from collections.abc import Sequence

INSTANCE = "127.0.0.1:10270"
# What is read of a deployment alone, and of every project.
OF_DEPLOYMENTS = {"orders", "trades", "benchmark"}
SOURCES = {"portfolio", "status", "statistics", *OF_DEPLOYMENTS}


def reads(scene: Scene, board: Reading) -> Rows:
    table = board["Reads by project"]
    sources = [(project, source) for project in scene.chosen for source in SOURCES]
    sources += [(each, "logs") for each in scene.chosen if each == DERIVATIVES]
    names = sorted((ALL_PROJECTS[project], source) for project, source in sources)
    found = zip(table.column("Project"), table.column("Source"), strict=True)
    assert sorted(found) == names
    never = ALL_PROJECTS[NEVER]
    # What has no deployment has no portfolio that could grow old.
    columns: dict[str, Sequence[Expected]] = {
        "Age": [
            "0 s" if (name, source != "status") == (never, True) and not scene.silent else scene.age
            for name, source in zip(table.column("Project"), table.column("Source"), strict=True)
        ]
    }
    if not scene.dead:
        columns["Last read"] = [
            "–"
            if name == never and (not scene.silent or source in OF_DEPLOYMENTS)
            else "Failing"
            if scene.silent
            else "OK"
            for name, source in zip(table.column("Project"), table.column("Source"), strict=True)
        ]
    return Rows(len(names), columns)


def failures(scene: Scene, board: Reading) -> Wanted:
    """Every call failed while QuantConnect was down, and before it none was made."""
    if not scenes.OUTAGE < scene.at < scenes.DEATH + DAY:
        return NO_DATA
    reasons = board["Failed calls by reason"].series
    return {**dict.fromkeys(reasons, "0%"), "http_5xx": "100%"}


def accounts(scene: Scene, _: Reading) -> Rows:
    if scene.silent:
        return Rows(1, {"Account": ["demo"], "Last read": ["Failing"]})
    busy = sum(scenes.truth(each, scene.at).status == "Running" for each in ALL_PROJECTS)
    return Rows(
        1,
        {
            "Account": ["demo"],
            "Last read": ["OK"],
            "Nodes busy": [About(busy, 3)],
            "Nodes free": [a_number],
            "Nodes read": [FRESH],
            "Credit, QCC": [a_number],
            "Card expires, days": [a_number],
            "Account read": [FRESH],
        },
    )


def failing(scene: Scene, _: Reading) -> Named:
    known = len(SOURCES) * len(scene.chosen) - len(OF_DEPLOYMENTS) * (NEVER in scene.chosen)
    return {"failing": str(known + (DERIVATIVES in scene.chosen) if scene.silent else 0)}


def one_target(_: Scene, __: Reading) -> Named:
    return {INSTANCE: a_number}


EXPORTER_PANELS: Panels = {
    AGES: ages("newest read", "oldest read"),
    "Exporters up": lambda scene, _: (
        {"up": "0", "down": "1"} if scene.dead else {"up": "1", "down": "0"}
    ),
    "Reads failing": failing,
    "Oldest read": lambda scene, _: {"age": scene.age},
    "Authenticated": lambda _, __: {"demo": "OK"},
    "Request budget needed": lambda _, __: {"demo": "0%"},
    "Configuration": lambda _, __: {"loaded": "OK"},
    "Reads by project": reads,
    "Accounts": accounts,
    "Age of the last good read": lambda scene, _: {
        ALL_PROJECTS[each]: FRESH for each in scene.chosen
    },
    "Calls by endpoint": lambda _, board: {
        **dict.fromkeys(board["Calls by endpoint"].series, a_number),
        "budget": "100 req/s",
        "needed": a_number,
        "live/portfolio/read": a_number,
    },
    "Failed calls by reason": failures,
    # Nothing was, which is no series.
    "Values left out of answers": lambda _, __: "No data, or nothing was left out",
    "Latency of calls": lambda _, board: {
        **dict.fromkeys(board["Latency of calls"].series, a_number),
        "+Inf": a_number,
    },
    "Request budget by account": lambda _, __: {"demo needed": a_number, "demo used": a_number},
    "Clock skew": lambda _, __: {f"demo {INSTANCE}": a_number},
    "Scrape duration": one_target,
    "Samples per scrape": one_target,
    "Answers of the exporter": lambda _, __: {
        "/metrics 200": a_number,
        "TLS handshakes that failed": "0 req/s",
    },
    "Memory": one_target,
    "CPU": one_target,
    "Exporters": lambda _, __: Rows(1, {"Instance": [INSTANCE]}),
}
