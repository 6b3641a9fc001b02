"""Places on Grafana's grid: 24 columns, filled line by line, so that nothing can overlap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from grafana.builder.panel import Panel

COLUMNS = 24


@dataclass(frozen=True)
class Line:
    """Panels side by side, all `height` high, with widths that fill the 24 columns."""

    height: int
    panels: tuple[tuple[int, Panel], ...]

    def __post_init__(self) -> None:
        width = sum(width for width, _ in self.panels)
        if width != COLUMNS:
            titles = ", ".join(panel.title for _, panel in self.panels)
            raise ValueError(f"the line of {titles} is {width} columns wide, expected {COLUMNS}")


def line(height: int, *panels: tuple[int, Panel]) -> Line:
    """`line(8, (16, equity), (8, drawdown))`."""
    return Line(height, panels)


@dataclass(frozen=True)
class Row:
    """A section of lines: with a heading if titled, folded at first where `collapsed`."""

    title: str
    lines: tuple[Line, ...]
    collapsed: bool = False

    def __post_init__(self) -> None:
        if self.collapsed and not self.title:
            raise ValueError("a collapsed row needs a title to be opened by")


def place(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """The rows' panels with their places; ids are given elsewhere."""
    placed: list[dict[str, Any]] = []
    y = 0
    for row in rows:
        header = {
            "collapsed": row.collapsed,
            "gridPos": {"h": 1, "w": COLUMNS, "x": 0, "y": y},
            "panels": [],
            "title": row.title,
            "type": "row",
        }
        y += bool(row.title)
        inside: list[dict[str, Any]] = []
        for each in row.lines:
            x = 0
            for width, panel in each.panels:
                position = {"h": each.height, "w": width, "x": x, "y": y}
                inside.append(panel.render() | {"gridPos": position})
                x += width
            y += each.height
        if row.collapsed:
            placed.append(header | {"panels": inside})
        else:
            placed += [header, *inside] if row.title else inside
    return placed
