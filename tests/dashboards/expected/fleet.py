"""What Fleet says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.dashboards import scenes
from tests.dashboards.reading import NO_DATA, Reading
from tests.dashboards.scenes import (
    ALL_PROJECTS,
    EURO,
    NEVER,
)

from .scene import (
    AGES,
    FRESH,
    About,
    Expected,
    Named,
    Panels,
    Rows,
    Scene,
    a_number,
    percent,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def uncounted(scene: Scene) -> Named:
    return {"not counted": str(len(scene.chosen))}


def table_of(board: Reading, column: str) -> dict[str, str]:
    """A column of Fleet's projects, by their names."""
    projects = board["Projects"]
    return dict(zip(projects.column("Project"), projects.column(column), strict=True))


def ages(*names: str) -> Callable[[Scene, Reading], Named]:
    return lambda scene, _: {
        **dict.fromkeys(names, scene.age),
        "exporters down": "1" if scene.dead else "0",
    }


def needs_a_look(scene: Scene, board: Reading) -> Named:
    if scene.silent:
        names = list(board["Needs a look"].values)
        assert len(names) == 3
        return dict.fromkeys(names, NO_DATA)
    bad = {each: scene.status(each) for each in scene.deployed if scene.status(each) != "Running"}
    return {ALL_PROJECTS[each]: status for each, status in bad.items()} or {
        "all projects": "Running"
    }


def projects(scene: Scene, board: Reading) -> Rows:
    names = board["Projects"].column("Project")
    ids = {name: each for each, name in ALL_PROJECTS.items()}
    assert sorted(names) == sorted(ALL_PROJECTS[each] for each in scene.chosen)
    order = [ids[name] for name in names]
    if scene.silent:
        nothing: list[Expected] = [NO_DATA] * len(order)
        return Rows(len(order), {"Status": nothing, "Data age": [scene.age] * len(order)})

    def column(of: Callable[[str], Expected]) -> list[Expected]:
        return ["–" if each == NEVER else of(each) for each in order]

    return Rows(
        len(order),
        {
            "Status": [scene.status(each) for each in order],
            "Data age": column(lambda _: FRESH),
            "Equity": column(lambda each: About(scene.equity(each))),
            "Currency": column(lambda each: "EUR" if each == EURO else "USD"),
            "Today": column(lambda each: About(scene.profit(each), 1)),
            "Today %": column(
                lambda each: percent(
                    scene.profit(each) / (scene.equity(each) - scene.profit(each)), 0.02
                )
            ),
            "Drawdown": column(lambda each: percent(scene.drawdown(each), 0.1)),
            "Leverage": column(lambda each: About(scene.leverage(each), 0.02)),
            "Positions": column(lambda each: str(len(scene.holdings(each)))),
            "Cash": column(
                lambda each: percent(scenes.cash(each, scene.at) / scene.equity(each), 1)
            ),
            "Top weight": column(
                lambda each: percent(
                    max((abs(held.value) for held in scene.holdings(each)), default=0.0)
                    / scene.equity(each),
                    1,
                )
            ),
            "Limit used": column(lambda _: a_number),
        },
    )


def running(scene: Scene, _: Reading) -> Named:
    if scene.silent:
        return uncounted(scene)
    count = sum(scene.status(each) == "Running" for each in scene.deployed)
    return {"running": str(count), "of": str(len(scene.deployed))}


def largest(title_of_column: str) -> Callable[[Scene, Reading], Named]:
    """The project whose number in the table is the largest, and that number."""

    def found(_: Scene, board: Reading) -> Named:
        numbers = {
            name: float(text.rstrip("%"))
            for name, text in table_of(board, title_of_column).items()
            if text != "–"
        }
        most = max(numbers.values())
        shown = board["Worst drawdown" if title_of_column == "Drawdown" else "Nearest limit"]
        (name,) = shown.values
        return {name: About(most, 0.51)} if numbers[name] == most else {}

    return found


def firing(scene: Scene) -> list[tuple[str, str, str]]:
    """Severity, name and project of the alerts of the projects chosen and of the exporter."""
    found = []
    for name, severity, labels in scenes.firing(scene.at):
        about = re.search(r'project_id="(\d+)"', labels)
        if about is None or about[1] in scene.chosen:
            found.append((severity, name, ALL_PROJECTS[about[1]] if about else ""))
    return sorted(found, key=lambda each: ["critical", "warning", "info"].index(each[0]))


def alerts(scene: Scene, board: Reading) -> Rows:
    found = firing(scene)
    if not found:
        return Rows(1, {"Alert": ["No alert is firing"]})
    table = board["Firing alerts"]
    severities = [severity for severity, _, _ in found]
    assert sorted(table.column("Alert")) == sorted(name for _, name, _ in found)
    return Rows(len(found), {"Severity": severities})


def of_each(column: str, sign: str = "") -> Callable[[Scene, Reading], Named]:
    """Lines of the projects chosen that end where the table's column says, but for its decimals."""

    def lines(_: Scene, board: Reading) -> Named:
        return {
            name: NO_DATA if text == "–" else About(float(sign + text.rstrip("%")), 0.06)
            for name, text in table_of(board, column).items()
        }

    return lines


def indexed(scene: Scene, _: Reading) -> Named:
    return {
        ALL_PROJECTS[each]: NO_DATA if each == NEVER else About(100, 10) for each in scene.chosen
    }


FLEET_PANELS: Panels = {
    AGES: ages("newest read", "oldest portfolio", "oldest status"),
    "Equity": lambda scene, _: (
        uncounted(scene)
        if scene.silent
        else {name: About(amount) for name, amount in scene.currencies(scene.equity).items()}
    ),
    "Profit today": lambda scene, _: (
        uncounted(scene)
        if scene.silent
        else {name: About(amount, 3) for name, amount in scene.currencies(scene.profit).items()}
    ),
    "Today, %": lambda scene, _: {
        name: percent(amount / (scene.currencies(scene.equity)[name] - amount), 0.02)
        for name, amount in scene.currencies(scene.profit).items()
    },
    "Needs a look": needs_a_look,
    "Projects": projects,
    "Running": running,
    "Alerts firing": lambda scene, _: {
        "firing": str(sum(severity != "info" for severity, _, _ in firing(scene)))
    },
    "Worst drawdown": largest("Drawdown"),
    "Nearest limit": largest("Limit used"),
    "Firing alerts": alerts,
    "Equity indexed to 100": indexed,
    "Status": lambda scene, _: {ALL_PROJECTS[each]: scene.status(each) for each in scene.deployed},
    "Profit of the day": of_each("Today %"),
    "Drawdown": of_each("Drawdown", "-"),
    "Gross leverage": of_each("Leverage"),
}
