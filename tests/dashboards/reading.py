"""Readings of the dashboards: the texts that a person reads, as Grafana's own code makes them.

`read` runs `node/read.js` once for many dashboards. What it gives is typed here for the tests.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

NODE = Path(__file__).parent / "node"
# The oldest release that the dashboards are for, and the newest there is.
RELEASES = ("release-9.4", "newest")
NO_DATA = "No data"


@dataclass(frozen=True, kw_only=True)
class Request:
    """A dashboard as one opens it: `now` is unix seconds, `seconds` the time range up to it."""

    board: Mapping[str, Any]
    prometheus: str
    now: float
    variables: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 86_400.0
    pixels: int = 1600


@dataclass(frozen=True)
class Text:
    """What is written, and its colour: "" for that of ordinary text."""

    text: str
    color: str = ""


@dataclass(frozen=True)
class Panel:
    """A panel as it is read; `written` is its title with variables.

    `answered` are the letters of the queries that have a number in their answer. `says` is the one
    text of a panel without data, in `color`. `values` are the numbers of a stat or the bars, with
    their names; `columns` and `rows` are a table's; `series` are the lines or bands of a graph,
    each by its last value.
    """

    title: str
    written: str
    type: str
    answered: frozenset[str]
    says: str = ""
    color: str = ""
    values: Mapping[str, Text] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Text, ...], ...] = ()
    series: Mapping[str, Text] = field(default_factory=dict)

    def column(self, name: str) -> list[str]:
        """The texts of a column, from the first row to the last."""
        place = self.columns.index(name)
        return [row[place].text for row in self.rows]

    def row(self, first: str) -> dict[str, str]:
        """The texts of the row that begins with `first`, by column."""
        (found,) = (row for row in self.rows if row[0].text == first)
        return {column: cell.text for column, cell in zip(self.columns, found, strict=True)}

    @property
    def texts(self) -> list[str]:
        """Everything that is written in the panel but its title."""
        cells = [cell.text for row in self.rows for cell in row]
        numbers = [text for name, each in self.values.items() for text in (name, each.text)]
        return [text for text in (self.says, *cells, *numbers) if text]


@dataclass(frozen=True)
class Reading:
    """A dashboard as it is read: its panels by title, and its links by theirs."""

    panels: Mapping[str, Panel]
    links: Mapping[str, str]
    variables: Mapping[str, str]

    def __getitem__(self, title: str) -> Panel:
        return self.panels[title]

    def said(self, title: str) -> dict[str, str]:
        """The names and texts of a stat or of bars."""
        return {name: each.text for name, each in self.panels[title].values.items()}


def read(requests: Iterable[Request], releases: Sequence[str]) -> list[list[Reading]]:
    """What each request shows, by the code of each release of Grafana; RuntimeError if it fails."""
    asked = [
        {
            "board": request.board,
            "prometheus": request.prometheus,
            "now": request.now,
            "variables": request.variables,
            "range": request.seconds,
            "width": request.pixels,
        }
        for request in requests
    ]
    done = subprocess.run(
        ["node", NODE / "read.js", *releases],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return [[_reading(each) for each in readings] for readings in json.loads(done.stdout)]


def _reading(found: Mapping[str, Any]) -> Reading:
    panels = [_panel(each) for each in found["panels"]]
    return Reading(
        panels={panel.title: panel for panel in panels},
        links={link["title"]: link["url"] for link in found["links"]},
        variables=found["variables"],
    )


def _panel(found: Mapping[str, Any]) -> Panel:
    return Panel(
        title=found["title"],
        written=found["written"],
        type=found["type"],
        answered=frozenset(found["answered"]),
        says=found.get("says", ""),
        color=found.get("color", ""),
        values={
            each["name"]: Text(each["text"], each["color"]) for each in found.get("values", ())
        },
        columns=tuple(found.get("columns", ())),
        rows=tuple(
            tuple(Text(cell["text"], cell["color"]) for cell in row)
            for row in found.get("rows", ())
        ),
        series={
            each["name"]: Text(each["last"], each["color"]) for each in found.get("series", ())
        },
    )
