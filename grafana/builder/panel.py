"""Panels: one thing shown, in one of the forms that Grafana has had since 9.4.

Every panel has a title, a description (what it means and where it comes from) and a unit; the
functions here ask for them by name, so that none can be forgotten. A number asks for the present,
a graph for the time range: the form of the panel decides, not its author.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from grafana.builder import palette
from grafana.builder.query import DATASOURCE, Query, refs, targets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grafana.builder.palette import State, Thresholds

# The release whose form the panels have: migrations of newer releases start from it.
PLUGIN_VERSION = "9.4.7"
_SHOWN = {"legend": False, "tooltip": False, "viz": False}
# The unit that separates thousands, and the one in which Grafana writes -0.4 as "-0".
_SIGNED_ZERO = "locale"
# A label in a legend.
_LABEL = re.compile(r"\{\{(\w+)\}\}")


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A panel in general; the functions below make the particular ones.

    `over_time` asks for the time range, or for `period` up to its end where one is given ("30d").
    """

    type: str
    title: str
    description: str
    queries: tuple[Query, ...]
    options: Mapping[str, Any]
    over_time: bool = False
    period: str = ""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    overrides: tuple[dict[str, Any], ...] = ()
    transformations: tuple[dict[str, Any], ...] = ()
    links: tuple[dict[str, Any], ...] = ()

    def render(self) -> dict[str, Any]:
        return ({"timeFrom": self.period} if self.period else {}) | {
            "datasource": DATASOURCE,
            "description": " ".join(self.description.split()),
            "fieldConfig": {"defaults": dict(self.defaults), "overrides": list(self.overrides)},
            "links": list(self.links),
            "options": dict(self.options),
            "pluginVersion": PLUGIN_VERSION,
            "targets": targets(self.queries, over_time=self.over_time),
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
    no_value: str = "No data",
    limits: tuple[float | None, float | None] = (None, None),
    by_series: bool = False,
) -> dict[str, Any]:
    """How numbers are written and coloured; `limits` are the least and most on an axis or bar.

    `no_value` is written where there is no data, so it must not read as good news.
    """
    low, high = limits
    given = {"min": low, "max": high, "noValue": no_value}
    return {key: value for key, value in given.items() if value is not None} | {
        "color": {"mode": "palette-classic" if by_series else "thresholds"},
        "thresholds": palette.thresholds(thresholds),
        **number(unit, decimals, states=states, missing=no_value),
    }


def number(
    unit: str,
    decimals: int | None = None,
    *,
    states: tuple[State, ...] = (),
    missing: str = "–",
) -> dict[str, Any]:
    """Properties that say how numbers are written, for a panel or an `override`; never as "-0".

    The mappings of an override are complete: releases differ in whether they add the panel's.
    """
    given: dict[str, Any] = {"unit": unit, "mappings": palette.mappings(states, missing=missing)}
    if decimals is not None:
        given["decimals"] = decimals
    if unit == _SIGNED_ZERO:
        if decimals is None:
            raise ValueError(f"the unit {unit} needs decimals: without, -0.0001 is written as -0")
        given["mappings"].append(palette.rounded_zero(decimals))
    return given


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
    size: int,
    show: Literal["value", "value_and_name", "name"] = "value",
    background: bool = False,
    lines: bool = False,
    overrides: tuple[dict[str, Any], ...] = (),
    links: tuple[dict[str, Any], ...] = (),
) -> Panel:
    """Numbers to be read from afar, one for each series of the present answer.

    `size` is that of the figures in pixels: left to itself, Grafana writes the shortest number
    largest. `show` adds the series' names, or writes them in place of the values, and `background`
    colours the whole panel instead of the figures. `lines` gives each series a line of its own, for
    names that are long.
    """
    options = {
        "colorMode": "background" if background else "value",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "horizontal" if lines else "auto",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "text": {"titleSize": 14, "valueSize": size},
        "textMode": show,
    }
    return Panel(
        type="stat",
        title=title,
        description=description,
        queries=queries,
        options=options,
        defaults=style,
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
    at_least: tuple[float | None, float | None] = (None, None),
    period: str = "",
    overrides: tuple[dict[str, Any], ...] = (),
) -> Panel:
    """Values over time.

    The axis reaches `at_least` from and to these values: Grafana stretches the axis of a line that
    is flat at 0 to a hundred times what it could ever be. `period` is the panel's own time range.
    """
    low, high = at_least
    custom = {
        "axisCenteredZero": False,
        "axisColorMode": "text",
        "axisLabel": "",
        "axisPlacement": "auto",
        # A bar begins at its point, which is the start of the time that it stands for.
        "barAlignment": 1 if draw == "bars" else 0,
        "drawStyle": "bars" if draw == "bars" else "line",
        "fillOpacity": 70 if draw == "bars" else fill,
        "gradientMode": "none",
        "hideFrom": _SHOWN,
        "lineInterpolation": "stepAfter" if draw == "steps" else "linear",
        "lineWidth": 0 if draw == "bars" else 1,
        "pointSize": 4,
        "scaleDistribution": {"type": "linear"},
        "showPoints": "auto",
        "spanNulls": False,
        "stacking": {"group": "A", "mode": "normal" if stack else "none"},
        "thresholdsStyle": {"mode": "dashed" if limit_lines else "off"},
    }
    soft = {"axisSoftMin": low, "axisSoftMax": high}
    custom |= {key: value for key, value in soft.items() if value is not None}
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
        over_time=True,
        period=period,
        defaults={**_without_text_at_ticks(style), "custom": custom},
        overrides=overrides,
    )


def _without_text_at_ticks(style: Mapping[str, Any]) -> dict[str, Any]:
    """Return a style without the text for a missing value where there are only whole numbers.

    Grafana takes the ticks between whole numbers for missing values, and writes that text there.
    """
    if style.get("decimals") != 0:
        return dict(style)
    mappings = [each for each in style["mappings"] if each["type"] != "special"]
    kept = {key: value for key, value in style.items() if key != "noValue"}
    return {**kept, "mappings": mappings}


def bars(
    *,
    title: str,
    description: str,
    queries: tuple[Query, ...],
    style: Mapping[str, Any],
    unfilled: bool = False,
    overrides: tuple[dict[str, Any], ...] = (),
) -> Panel:
    """One horizontal bar for each series, in the order of the answer, all in text of one size.

    `unfilled` draws what is left up to the most that there can be. Where there is one bar only,
    Grafana leaves its name away unless the whole panel has one; each query has its own.
    """
    names = [_LABEL.sub(r"${__field.labels.\1}", query.legend) for query in queries]
    named = (
        override_query(ref, displayName=name)
        for ref, name in zip(refs(queries), names, strict=True)
    )
    options = {
        "displayMode": "basic",
        "minVizHeight": 10,
        "minVizWidth": 0,
        "orientation": "horizontal",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "showUnfilled": unfilled,
        "text": {"titleSize": 13, "valueSize": 13},
        "valueMode": "color",
    }
    return Panel(
        type="bargauge",
        title=title,
        description=description,
        queries=queries,
        options=options,
        defaults={**style, "displayName": names[0]},
        overrides=(*named, *overrides),
    )


def state_timeline(
    *,
    title: str,
    description: str,
    queries: tuple[Query, ...],
    states: tuple[State, ...],
) -> Panel:
    """A band for each series, coloured and named by its state."""
    options = {
        "alignValue": "left",
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False},
        "mergeValues": True,
        "rowHeight": 0.8,
        "showValue": "auto",
        "tooltip": {"mode": "single", "sort": "none"},
    }
    # Coloured by thresholds, Grafana merges the values into those and forgets what states are
    # called.
    fixed = {"mode": "fixed", "fixedColor": palette.MUTED}
    return Panel(
        type="state-timeline",
        title=title,
        description=description,
        queries=queries,
        options=options,
        over_time=True,
        defaults={
            **values(unit="none", states=states),
            "color": fixed,
            "custom": {"fillOpacity": 75, "lineWidth": 0},
        },
    )


def heatmap(*, title: str, description: str, query: Query, unit: str) -> Panel:
    """A histogram over time, from the rates of its buckets by `le`."""
    options = {
        "calculate": False,
        "cellGap": 1,
        "color": {
            "exponent": 0.5,
            "fill": palette.GAIN,
            # One colour, the fainter the fewer: a scheme from dark to light means the opposite in
            # the other theme.
            "mode": "opacity",
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
    return Panel(
        type="heatmap",
        title=title,
        description=description,
        queries=(query,),
        options=options,
        over_time=True,
        defaults={
            "custom": {"hideFrom": _SHOWN, "scaleDistribution": {"type": "linear"}},
            "unit": unit,
        },
    )
