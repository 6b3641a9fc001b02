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
_LAST_OVER_TIME = re.compile(r"\w+_over_time\(")


def complaints(board: Mapping[str, Any]) -> list[str]:
    """What is wrong with a dashboard, in the order of its panels; nothing if it keeps the rules."""
    found = [*_first_line(board), *_links(board)]
    for panel in panels(board):
        for rule in (_range_queries, _no_value, _joined, _old_numbers, _states, _missing_values):
            found += [f"{panel['title']}: {complaint}" for complaint in rule(panel)]
    return found


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
