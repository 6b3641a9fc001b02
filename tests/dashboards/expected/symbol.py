"""What Symbol says of a symbol that two projects hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.dashboards.reading import NO_DATA, Reading
from tests.dashboards.scenes import (
    ALL_PROJECTS,
)

from .fleet import ages
from .scene import (
    AAPL,
    AGES,
    NOT_HELD,
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

    from tests.dashboards import scenes


def held_by(scene: Scene) -> dict[str, scenes.Held]:
    """What each project holds of the symbol."""
    return {each: held for each in scene.holders if (held := scene.held(each, AAPL)) is not None}


def together(amount: str) -> Callable[[Scene, Reading], str | Named]:
    def said(scene: Scene, _: Reading) -> str | Named:
        held = held_by(scene).values()
        return {"USD": About(sum(getattr(each, amount) for each in held), 1)} if held else NOT_HELD

    return said


def in_each(
    of: Callable[[scenes.Held], Expected],
    name: str = "{}",
    missing: str = NO_DATA,
    **others: Expected,
) -> Callable[[Scene, Reading], Named]:
    """A line for each chosen project; those that do not hold the symbol have no value.

    An axis of whole numbers has no text for a missing value, and so neither has the legend.
    """

    def lines(scene: Scene, _: Reading) -> Named:
        held = held_by(scene)
        found = {
            name.format(ALL_PROJECTS[each]): of(held[each]) if each in held else missing
            for each in scene.chosen
        }
        return found | (others if held else {})

    return lines


def by_project(scene: Scene, board: Reading) -> Rows:
    held = held_by(scene)
    if not held:
        return Rows(1, {"Project": ["No chosen project holds this symbol"]})
    order = sorted(held, key=lambda each: held[each].pnl)
    return Rows(
        len(held),
        {
            "Project": [ALL_PROJECTS[each] for each in order],
            "P/L": [About(held[each].pnl) for each in order],
            "Value": [About(held[each].value, 1) for each in order],
            "Quantity": [About(held[each].quantity, 1e-9) for each in order],
            "Weight": [percent(held[each].value / scene.equity(each), 0.1) for each in order],
            "Currency": ["USD"] * len(order),
            "Rate to account": ["1"] * len(order),
        },
    )


def largest_weight(scene: Scene, _: Reading) -> str | Named:
    held = held_by(scene)
    if not held:
        return NOT_HELD
    ratios = {each: abs(held[each].value) / scene.equity(each) for each in held}
    most = max(ratios, key=ratios.__getitem__)
    return {ALL_PROJECTS[most]: percent(ratios[most], 0.1)}


SYMBOL_PANELS: Panels = {
    AGES: ages("oldest portfolio"),
    "Unrealized P/L": together("pnl"),
    "Market value": together("value"),
    "Quantity of {symbol}": lambda scene, _: (
        {"quantity": About(sum(each.quantity for each in held_by(scene).values()), 1e-9)}
        if held_by(scene)
        else NOT_HELD
    ),
    "Price": lambda scene, _: (
        {"price": About(max(each.price for each in held_by(scene).values()), 0.006)}
        if held_by(scene)
        else NOT_HELD
    ),
    "Largest weight": largest_weight,
    "{symbol} by project": by_project,
    "Price and average price of {symbol}": in_each(
        lambda _: a_number, "average of {}", price=a_number
    ),
    "Quantity by project": in_each(lambda held: About(held.quantity, 1e-9)),
    "Unrealized P/L by project": in_each(lambda held: About(held.pnl), missing=""),
    "Unrealized P/L % by project": in_each(lambda held: percent(held.ratio, 0.06)),
    "Value by project": in_each(lambda held: About(held.value, 1), missing=""),
    "Weight by project": in_each(lambda _: a_number),
    "Contract": lambda scene, _: (
        Rows(1, {"Symbol": ["AAPL"], "Identifier": [AAPL], "Type": ["Equity"]})
        if held_by(scene)
        else NO_DATA
    ),
}
