"""A whole dashboard: its rows, variables, annotations and links as one JSON document."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from typing import Any

from grafana.builder.grid import Row, place
from grafana.builder.query import DATASOURCE, one_line
from grafana.builder.variable import Variable, data_source

# 37 is Grafana 9.4's: older documents are migrated by every later Grafana, newer ones by none.
SCHEMA_VERSION = 37
TAG = "quantconnect"


@dataclass(frozen=True, kw_only=True)
class Annotation:
    """Marks on the time axis where `expr` has a value, or at the time that is its value.

    Those not `shown` are off until a reader turns them on.
    """

    name: str
    expr: str
    color: str
    title: str
    text: str = ""
    at_value: bool = False
    shown: bool = True

    def render(self) -> dict[str, Any]:
        expr = one_line(self.expr)
        return {
            "datasource": DATASOURCE,
            "enable": self.shown,
            "expr": expr,
            "hide": False,
            "iconColor": self.color,
            "name": self.name,
            "step": "60s",
            "tagKeys": "",
            # Later releases read the query here, 9.4 reads `expr` and `step`.
            "target": {"expr": expr, "interval": "60s", "refId": "Anno"},
            "textFormat": self.text,
            "titleFormat": self.title,
            "useValueForTime": self.at_value,
        }


@dataclass(frozen=True, kw_only=True)
class Link:
    """A link at the top to another dashboard; `url` says what of this one's choice it keeps.

    Grafana's own list of dashboards by tag hands every variable on, "All" to where one project is
    chosen and one project to where all are.
    """

    title: str
    url: str

    def render(self) -> dict[str, Any]:
        return {
            "asDropdown": False,
            "icon": "dashboard",
            "includeVars": False,
            "keepTime": True,
            "tags": [],
            "targetBlank": False,
            "title": self.title,
            "tooltip": "",
            "type": "link",
            "url": self.url,
        }


@dataclass(frozen=True, kw_only=True)
class Dashboard:
    """What is in a dashboard; `uid` is also the name of its file and never changes."""

    uid: str
    title: str
    description: str
    rows: tuple[Row, ...]
    variables: tuple[Variable, ...]
    annotations: tuple[Annotation, ...] = ()
    links: tuple[Link, ...] = ()
    period: str = "now-24h"
    refresh: str = "1m"

    def render(self) -> dict[str, Any]:
        """The Classic JSON model, as file provisioning wants it."""
        panels = place(self.rows)
        number(panels)
        return {
            "annotations": {"list": [_grafana_annotations(), *_rendered(self.annotations)]},
            "description": self.description,
            "editable": False,
            "fiscalYearStartMonth": 0,
            "graphTooltip": 1,
            "id": None,
            "links": _rendered(self.links),
            "liveNow": False,
            "panels": panels,
            "refresh": self.refresh,
            "schemaVersion": SCHEMA_VERSION,
            "style": "dark",
            "tags": [TAG],
            "templating": {"list": [data_source(), *_rendered(self.variables)]},
            "time": {"from": self.period, "to": "now"},
            "timepicker": {},
            "timezone": "utc",
            "title": self.title,
            "uid": self.uid,
            "version": 1,
            "weekStart": "",
        }

    def text(self) -> str:
        """The JSON text: sorted, indented, the same on every run."""
        return json.dumps(self.render(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def number(panels: list[dict[str, Any]]) -> None:
    """Give every panel an id that follows from its title, so that a new panel moves no link."""
    taken: dict[int, str] = {}
    for panel in panels:
        for each in (panel, *panel.get("panels", ())):
            name = f"{each['type'] == 'row'}/{each['title']}"
            key = zlib.crc32(name.encode()) % 999_983 + 1
            if key in taken:
                raise ValueError(f"the titles {taken[key]!r} and {each['title']!r} share an id")
            taken[key] = each["title"]
            each["id"] = key


def _rendered(
    parts: tuple[Variable, ...] | tuple[Annotation, ...] | tuple[Link, ...],
) -> list[dict[str, Any]]:
    return [part.render() for part in parts]


def _grafana_annotations() -> dict[str, Any]:
    return {
        "builtIn": 1,
        "datasource": {"type": "grafana", "uid": "-- Grafana --"},
        "enable": True,
        "hide": True,
        "iconColor": "rgba(0, 211, 255, 1)",
        "name": "Annotations & Alerts",
        "type": "dashboard",
    }
