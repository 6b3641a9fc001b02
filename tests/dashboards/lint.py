"""Rules that every dashboard keeps, each found broken once in a real Grafana.

`complaints(board)` gives a sentence for each breach. Boards that break one rule each are in
`data/`, with the sentence that names the breach.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import promql_parser as promql

from .queries import DEFAULTS, fill, panels

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Panels whose numbers are read as those of now.
PRESENT = {"stat", "gauge", "bargauge", "piechart", "table"}
LAST_READ = "project:quantconnect_read_last_success_timestamp_seconds:last"
# Screens on which a name must be readable, and up to which width Grafana puts panels one below the
# other; the least width of a name; what is around and within a panel. All in pixels.
SCREENS = (1280, 420)
PHONE = 768
NAME = 200
_MARGIN, _PADDING = 16, 9
# Grafana writes -0.4 as "-0" in this unit only.
SIGNED_ZERO = "locale"
_ALL_PROJECTS = re.compile(r" or max by \(job, project_id, project\) \(.+\) \* NaN$")
# What is subtracted from a number is there only as long as that is.
_LAST_OVER_TIME = re.compile(r"(?<!- )\b\w+_over_time\(")


def complaints(board: Mapping[str, Any]) -> list[str]:
    """What is wrong with a dashboard, in the order of its panels; nothing if it keeps the rules."""
    found = [*_first_line(board), *_links(board), *_annotations(board)]
    for panel in panels(board):
        for rule in RULES:
            found += [f"{panel['title']}: {complaint}" for complaint in rule(panel)]
    return found


def widths(panel: Mapping[str, Any], screen: int) -> dict[str, float]:
    """The columns of a table that are shown, from left to right, and the pixels Grafana gives each.

    Those without a width of their own share what the others leave, but never less than their least.
    """
    places: dict[str, int] = {}
    names: dict[str, str] = {}
    for step in panel["transformations"]:
        if step["id"] == "organize":
            places, names = step["options"]["indexByName"], step["options"]["renameByName"]
    asked = {}
    for name in sorted(names, key=places.__getitem__):
        properties = dict(panel["fieldConfig"]["defaults"].get("custom", {}))
        for override in panel["fieldConfig"]["overrides"]:
            if override["matcher"]["options"] == names[name]:
                properties |= {
                    part["id"].removeprefix("custom."): part["value"]
                    for part in override["properties"]
                }
        if not properties.get("hidden"):
            asked[names[name]] = properties
    left = inside(panel, screen) - sum(each.get("width", 0) for each in asked.values())
    share = left / max(1, sum("width" not in each for each in asked.values()))
    return {
        name: each.get("width", max(share, each.get("minWidth", 150)))
        for name, each in asked.items()
    }


def inside(panel: Mapping[str, Any], screen: int) -> float:
    """The pixels within a panel from left to right."""
    columns = 24 if screen <= PHONE else panel["gridPos"]["w"]
    return float((screen - 2 * _MARGIN) * columns / 24 - 2 * _PADDING)


def _range_queries(panel: Mapping[str, Any]) -> Iterator[str]:
    if panel["type"] in PRESENT:
        for target in panel["targets"]:
            if target["range"] or not target["instant"]:
                yield f"query {target['refId']} asks for a range, whose last point is old"


def _no_value(panel: Mapping[str, Any]) -> Iterator[str]:
    if panel["type"] == "table" and "noValue" in panel["fieldConfig"]["defaults"]:
        yield "noValue fills every empty cell, not only an empty table"


def _joined(panel: Mapping[str, Any]) -> Iterator[str]:
    """Merge joins rows on all labels that their queries share, so one query decides on which."""
    if "merge" not in {step["id"] for step in panel["transformations"]}:
        return
    keys: list[set[str]] = []
    for target in panel["targets"]:
        expr = promql.parse(fill(target["expr"], DEFAULTS))
        if isinstance(expr, promql.Call) and expr.func.name == "label_replace":
            continue  # the line that says that there is nothing
        by = getattr(expr, "modifier", None)
        if not isinstance(expr, promql.AggregateExpr) or by is None:
            yield f"query {target['refId']} is not aggregated by the labels of a row"
            continue
        keys.append(set(by.labels))
    if keys and (key := min(keys, key=len)) and not all(key <= each for each in keys):
        yield f"not every query has the labels {', '.join(sorted(key))}"


def _old_numbers(panel: Mapping[str, Any]) -> Iterator[str]:
    """A number of the present that reaches into the past says so in its column's title."""
    if panel["type"] not in PRESENT:
        return
    titles = " ".join(
        title
        for step in panel["transformations"]
        if step["id"] == "organize"
        for title in step["options"]["renameByName"].values()
    )
    for target in panel["targets"]:
        if _LAST_OVER_TIME.search(target["expr"]) and "last" not in titles.lower():
            yield f"query {target['refId']} gives a number that may be old, and does not say so"


def _states(panel: Mapping[str, Any]) -> Iterator[str]:
    mode = panel["fieldConfig"]["defaults"].get("color", {}).get("mode")
    if panel["type"] == "state-timeline" and mode == "thresholds":
        yield "coloured by thresholds, its states have no names"


def _missing_values(panel: Mapping[str, Any]) -> Iterator[str]:
    """To Grafana 9.4 a text is not a number, so a mapping of NaN replaces every text."""
    mappings = [panel["fieldConfig"]["defaults"].get("mappings", [])]
    for override in panel["fieldConfig"]["overrides"]:
        mappings += [part["value"] for part in override["properties"] if part["id"] == "mappings"]
    for mapping in (each for group in mappings for each in group):
        if "nan" in str(mapping["options"].get("match", "")):
            yield "a mapping of NaN replaces every text"


def _numbers(panel: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """How the panel and each of its overrides write numbers: properties by their ids."""
    defaults = panel["fieldConfig"]["defaults"]
    if panel["type"] != "table":
        yield "a number", defaults
    for override in panel["fieldConfig"]["overrides"]:
        properties = {part["id"]: part["value"] for part in override["properties"]}
        yield str(override["matcher"]["options"]), properties


def _signed_zero(panel: Mapping[str, Any]) -> Iterator[str]:
    for name, properties in _numbers(panel):
        if properties.get("unit") != SIGNED_ZERO:
            continue
        half = 0.5 * 10.0 ** -properties.get("decimals", 99)
        ranges = [each["options"] for each in properties["mappings"] if each["type"] == "range"]
        if not any(
            -half < each["from"] < -0.99 * half
            and 0.99 * half < each["to"] < half
            and each["result"]["text"] == "0"
            for each in ranges
        ):
            yield f"{name} can read -0"


def _inherited_mappings(panel: Mapping[str, Any]) -> Iterator[str]:
    """Mappings of a field are added to the panel's, so a range of amounts would catch ratios."""
    types = {each["type"] for each in panel["fieldConfig"]["defaults"].get("mappings", [])}
    for override in panel["fieldConfig"]["overrides"]:
        unit = {part["id"]: part["value"] for part in override["properties"]}.get("unit")
        if "range" in types and unit not in {None, "none", SIGNED_ZERO}:
            yield f"{override['matcher']['options']} in {unit} is mapped as the panel's numbers are"


def _bar_names(panel: Mapping[str, Any]) -> Iterator[str]:
    if panel["type"] != "bargauge":
        return
    if not panel["fieldConfig"]["defaults"].get("displayName"):
        yield "an only bar has no name"
    named = {
        override["matcher"]["options"]
        for override in panel["fieldConfig"]["overrides"]
        if override["matcher"]["id"] == "byFrameRefID"
        and any(part["id"] == "displayName" and part["value"] for part in override["properties"])
    }
    for target in panel["targets"]:
        if target["refId"] not in named:
            yield f"the bars of query {target['refId']} have the name of the whole panel"


def _ticks(panel: Mapping[str, Any]) -> Iterator[str]:
    """Grafana takes ticks between whole numbers for missing values."""
    defaults = panel["fieldConfig"]["defaults"]
    if panel["type"] != "timeseries" or defaults.get("decimals") != 0:
        return
    mapped = [each for each in defaults.get("mappings", ()) if each["type"] == "special"]
    if "noValue" in defaults or mapped:
        yield "its axis writes the text for missing values between whole numbers"


def _colors(panel: Mapping[str, Any]) -> Iterator[str]:
    """A project has one colour on all graphs, and so has what a graph calls by a fixed name.

    Grafana colours lines in their order, so there must be one for every project, before others.
    """
    mode = panel["fieldConfig"]["defaults"].get("color", {}).get("mode")
    if panel["type"] != "timeseries" or mode != "palette-classic":
        return
    fixed = {
        override["matcher"]["options"]
        for override in panel["fieldConfig"]["overrides"]
        if any(part["id"] == "color" for part in override["properties"])
    }
    for place, target in enumerate(panel["targets"]):
        legend = target["legendFormat"]
        if "{{project}}" in legend and place:
            yield f"the projects of query {target['refId']} come after other lines"
        if "{{project}}" in legend and not _ALL_PROJECTS.search(target["expr"]):
            yield f"query {target['refId']} has no line for projects without a value"
        if "{{" not in legend and legend not in fixed:
            yield f"{legend} has the colour of its place"


def _names(panel: Mapping[str, Any]) -> Iterator[str]:
    if panel["type"] != "table":
        return
    for screen in SCREENS:
        for column, width in widths(panel, screen).items():
            if column in {"Project", "Symbol"} and width < NAME:
                yield f"{column} has {width:.0f} pixels on a screen of {screen}"


def _sizes(panel: Mapping[str, Any]) -> Iterator[str]:
    """Left to itself, Grafana writes what is shortest largest, over the curve behind it."""
    if panel["type"] in {"stat", "bargauge"}:
        if not panel["options"]["text"].get("valueSize"):
            yield "the size of its text depends on how much there is"
        if panel["options"].get("graphMode", "none") != "none":
            yield "its number is written over a curve"


def _dashes(panel: Mapping[str, Any]) -> Iterator[str]:
    """A missing value takes the colour of the lowest threshold, which is often a loss."""
    defaults = panel["fieldConfig"]["defaults"]
    matches = [each["options"].get("match") for each in defaults.get("mappings", [])]
    steps = [defaults.get("thresholds", {}).get("steps", [])]
    for override in panel["fieldConfig"]["overrides"]:
        steps += [p["value"]["steps"] for p in override["properties"] if p["id"] == "thresholds"]
    lowest = {each[0]["color"] for each in steps if each} - {"text", "transparent"}
    if panel["type"] in PRESENT and lowest and "null" not in matches:
        yield f"a missing value is coloured {', '.join(sorted(lowest))}"


RULES = (
    _range_queries,
    _no_value,
    _joined,
    _old_numbers,
    _states,
    _missing_values,
    _signed_zero,
    _inherited_mappings,
    _bar_names,
    _ticks,
    _colors,
    _names,
    _sizes,
    _dashes,
)


def _annotations(board: Mapping[str, Any]) -> Iterator[str]:
    """Grafana draws what was before the range at its left edge."""
    for annotation in board["annotations"]["list"]:
        if annotation.get("useValueForTime") and "> $__from" not in annotation["expr"]:
            yield f"the annotation {annotation['name']!r} marks what was before the range"


def _links(board: Mapping[str, Any]) -> Iterator[str]:
    for link in board["links"]:
        if link["includeVars"]:
            yield f"the link {link['title']!r} hands every variable on"


def _first_line(board: Mapping[str, Any]) -> Iterator[str]:
    """Every dashboard begins with the age of what it shows."""
    first = next(panels(board), None)
    asked = [] if first is None else [target["expr"] for target in first["targets"]]
    if not any(LAST_READ in expr and "time() -" in expr for expr in asked):
        yield "the first panel does not say how old the numbers are"
