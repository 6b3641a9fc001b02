"""Panels: one thing shown, in one of the forms that Grafana has had since 9.4.

Every panel has a title, a description (what it means and where it comes from) and a unit; the
functions here ask for them by name, so that none can be forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from grafana.builder import palette
from grafana.builder.query import DATASOURCE, Query, targets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grafana.builder.palette import State, Thresholds

# The release whose form the panels have: migrations of newer releases start from it.
PLUGIN_VERSION = "9.4.7"


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A panel in general; the functions below make the particular ones."""

    type: str
    title: str
    description: str
    queries: tuple[Query, ...]
    options: Mapping[str, Any]
    defaults: Mapping[str, Any] = field(default_factory=dict)
    overrides: tuple[dict[str, Any], ...] = ()
    transformations: tuple[dict[str, Any], ...] = ()
    links: tuple[dict[str, Any], ...] = ()

    def render(self) -> dict[str, Any]:
        return {
            "datasource": DATASOURCE,
            "description": " ".join(self.description.split()),
            "fieldConfig": {"defaults": dict(self.defaults), "overrides": list(self.overrides)},
            "links": list(self.links),
            "options": dict(self.options),
            "pluginVersion": PLUGIN_VERSION,
            "targets": targets(self.queries),
            "title": self.title,
            "transformations": list(self.transformations),
            "type": self.type,
        }


def values(
    *,
    unit: str,
    decimals: int | None = None,
    thresholds: Thresholds = palette.PLAIN,
    states: tuple[State, ...] = (),
    no_value: str = "",
    limits: tuple[float | None, float | None] = (None, None),
    by_series: bool = False,
) -> dict[str, Any]:
    """How numbers are written and coloured; `limits` are the least and most on an axis or bar."""
    low, high = limits
    given = {"decimals": decimals, "min": low, "max": high, "noValue": no_value or None}
    return {key: value for key, value in given.items() if value is not None} | {
        "color": {"mode": "palette-classic" if by_series else "thresholds"},
        "mappings": palette.mappings(states),
        "thresholds": palette.thresholds(thresholds),
        "unit": unit,
    }


def override(name: str, **properties: Any) -> dict[str, Any]:
    """Properties of the one field called `name`; `custom__width=80` sets `custom.width`."""
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [
            {"id": key.replace("__", "."), "value": value} for key, value in properties.items()
        ],
    }


def override_query(ref: str, **properties: Any) -> dict[str, Any]:
    """Properties of whatever the query `ref` answers."""
    matcher = {"id": "byFrameRefID", "options": ref}
    return override("", **properties) | {"matcher": matcher}


def color(name: str, code: str, **properties: Any) -> dict[str, Any]:
    """The series called `name` always in this colour."""
    return override(name, color={"mode": "fixed", "fixedColor": code}, **properties)


def stat(
    *,
    title: str,
    description: str,
    queries: tuple[Query, ...],
    style: Mapping[str, Any],
    sparkline: bool = False,
    names: bool = False,
    size: int | None = None,
    overrides: tuple[dict[str, Any], ...] = (),
    links: tuple[dict[str, Any], ...] = (),
) -> Panel:
    """A number to be read from afar, of the last value of each query; `names` says whose it is.

    Where there is none, it is a dash: a rule may not have been evaluated yet.
    """
    options = {
        "colorMode": "value",
        "graphMode": "area" if sparkline else "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "text": {} if size is None else {"valueSize": size},
        "textMode": "value_and_name" if names else "value",
    }
    return Panel(
        type="stat",
        title=title,
        description=description,
        queries=queries,
        options=options,
        defaults={"noValue": "–", **style},
        overrides=overrides,
        links=links,
    )


def timeseries(
    *,
    title: str,
    description: str,
    queries: tuple[Query, ...],
    style: Mapping[str, Any],
    draw: Literal["line", "bars", "steps"] = "line",
    fill: int = 0,
    stack: bool = False,
    limit_lines: bool = False,
    legend: tuple[str, ...] = ("lastNotNull",),
    legend_right: bool = False,
    overrides: tuple[dict[str, Any], ...] = (),
    gap: int | bool = False,
) -> Panel:
    """Values over time. `gap` bridges holes up to that many milliseconds, or all (True)."""
    custom = {
        "axisCenteredZero": False,
        "axisColorMode": "text",
        "axisLabel": "",
        "axisPlacement": "auto",
        "barAlignment": 0,
        "drawStyle": "bars" if draw == "bars" else "line",
        "fillOpacity": 70 if draw == "bars" else fill,
        "gradientMode": "none",
        "hideFrom": {"legend": False, "tooltip": False, "viz": False},
        "lineInterpolation": "stepAfter" if draw == "steps" else "linear",
        "lineWidth": 0 if draw == "bars" else 1,
        "pointSize": 4,
        "scaleDistribution": {"type": "linear"},
        "showPoints": "auto",
        "spanNulls": gap,
        "stacking": {"group": "A", "mode": "normal" if stack else "none"},
        "thresholdsStyle": {"mode": "dashed" if limit_lines else "off"},
    }
    options = {
        "legend": {
            "calcs": list(legend),
            "displayMode": "table" if legend_right else "list",
            "placement": "right" if legend_right else "bottom",
            "showLegend": True,
        },
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    return Panel(
        type="timeseries",
        title=title,
        description=description,
        queries=queries,
        options=options,
        defaults={**style, "custom": custom},
        overrides=overrides,
    )


def bars(
    *,
    title: str,
    description: str,
    queries: tuple[Query, ...],
    style: Mapping[str, Any],
) -> Panel:
    """One horizontal bar for each series of an instant query, in the order of the answer."""
    options = {
        "displayMode": "basic",
        "minVizHeight": 10,
        "minVizWidth": 0,
        "orientation": "horizontal",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "showUnfilled": False,
        "valueMode": "color",
    }
    return Panel(
        type="bargauge",
        title=title,
        description=description,
        queries=queries,
        options=options,
        defaults=style,
    )


def donut(
    *, title: str, description: str, queries: tuple[Query, ...], style: Mapping[str, Any]
) -> Panel:
    """Shares of a whole; only for values that cannot be negative."""
    hide = {"hideFrom": {"legend": False, "tooltip": False, "viz": False}}
    options = {
        "displayLabels": ["percent"],
        "legend": {
            "displayMode": "table",
            "placement": "right",
            "showLegend": True,
            "values": ["value", "percent"],
        },
        "pieType": "donut",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "tooltip": {"mode": "single", "sort": "none"},
    }
    return Panel(
        type="piechart",
        title=title,
        description=description,
        queries=queries,
        options=options,
        defaults={**style, "custom": hide},
    )


def state_timeline(
    *, title: str, description: str, queries: tuple[Query, ...], style: Mapping[str, Any]
) -> Panel:
    """A band for each series, coloured by its state."""
    options = {
        "alignValue": "left",
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False},
        "mergeValues": True,
        "rowHeight": 0.8,
        "showValue": "auto",
        "tooltip": {"mode": "single", "sort": "none"},
    }
    return Panel(
        type="state-timeline",
        title=title,
        description=description,
        queries=queries,
        options=options,
        defaults={**style, "custom": {"fillOpacity": 75, "lineWidth": 0}},
    )


def heatmap(*, title: str, description: str, query: Query, unit: str) -> Panel:
    """A histogram over time, from the rates of its buckets by `le`."""
    options = {
        "calculate": False,
        "cellGap": 1,
        "color": {
            "exponent": 0.5,
            "fill": palette.GAIN,
            "mode": "scheme",
            "reverse": False,
            "scale": "exponential",
            "scheme": "Blues",
            "steps": 64,
        },
        "exemplars": {"color": "rgba(255,0,255,0.7)"},
        "filterValues": {"le": 1e-9},
        "legend": {"show": True},
        "rowsFrame": {"layout": "auto"},
        # What shows a tooltip: `mode` in later releases, `show` in 9.4.
        "tooltip": {"mode": "single", "show": True, "yHistogram": False},
        "yAxis": {"axisPlacement": "left", "reverse": False, "unit": unit},
    }
    hide = {"hideFrom": {"legend": False, "tooltip": False, "viz": False}}
    return Panel(
        type="heatmap",
        title=title,
        description=description,
        queries=(query,),
        options=options,
        defaults={"custom": {**hide, "scaleDistribution": {"type": "linear"}}, "unit": unit},
    )
