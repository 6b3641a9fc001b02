"""Every query of the committed dashboards, with their variables filled in.

For tests that only read the queries, and for those that run them against a real Prometheus:

    for query in queries({"project": "23456789", "account_currency": "USD", "symbol": "SPY ..."}):
        prometheus.query(query.expr)

A project id, a currency and a symbol id serve both where a dashboard lets one choose several and
where it lets one choose one.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DASHBOARDS = Path(__file__).resolve().parents[2] / "grafana" / "dashboards"

# What Grafana itself fills in, for an hour on the screen and a scrape every 15 seconds; and "All".
DEFAULTS: Mapping[str, str] = {
    "__from": "0",
    "__interval": "15s",
    "__rate_interval": "1m",
    "__range": "1h",
    "account_currency": ".*",
    "datasource": "prometheus",
    "job": ".+",
    "project": ".+",
    "symbol": "SPY R735QTJ8XC9X",
}

_VARIABLE = re.compile(r"\$(?:(?P<plain>[a-z_]\w*)|\{(?P<braced>\w+)(?::\w+)?\})")
_LABEL_VALUES = re.compile(r"label_values\((?P<expr>.+),\s*\w+\)")
_QUERY_RESULT = re.compile(r"query_result\((?P<expr>.+)\)")


@dataclass(frozen=True)
class DashboardQuery:
    """One PromQL query: `written` as in the dashboard, `expr` as Prometheus is asked.

    `place` is the panel's title, the variable's or annotation's name. An `instant` query is asked
    for the end of the time range, the others over it, in steps of at least `step` ("" for any).
    """

    dashboard: str
    kind: Literal["panel", "variable", "annotation"]
    place: str
    ref: str
    written: str
    expr: str
    instant: bool
    step: str = ""

    def __str__(self) -> str:
        return f"{self.dashboard}: {self.kind} {self.place!r}, query {self.ref}"


@cache
def dashboards() -> Mapping[str, dict[str, Any]]:
    """The committed dashboards by file name without its ending, for all tests the same."""
    return {
        path.stem: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(DASHBOARDS.glob("*.json"))
    }


def panels(dashboard: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """All panels, those in collapsed rows included, the rows' own headings not."""
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            yield from panel["panels"]
        else:
            yield panel


def fill(written: str, values: Mapping[str, str]) -> str:
    """`written` with every `$name` and `${name:format}` replaced."""

    def value(match: re.Match[str]) -> str:
        name = match["plain"] or match["braced"]
        if name not in values:
            raise ValueError(f"no value for ${name} in {written!r}")
        return values[name]

    return _VARIABLE.sub(value, written)


def queries(variables: Mapping[str, str] | None = None) -> Iterator[DashboardQuery]:
    """Every query of every dashboard; `variables` override DEFAULTS."""
    values = {**DEFAULTS, **(variables or {})}
    for uid, dashboard in dashboards().items():
        for panel in panels(dashboard):
            for target in panel["targets"]:
                yield DashboardQuery(
                    dashboard=uid,
                    kind="panel",
                    place=panel["title"],
                    ref=target["refId"],
                    written=target["expr"],
                    expr=fill(target["expr"], values),
                    instant=target["instant"],
                    step=target["interval"],
                )
        for variable in dashboard["templating"]["list"]:
            if variable["type"] == "query":
                yield _variable(uid, variable, values)
        for annotation in dashboard["annotations"]["list"]:
            if not annotation.get("builtIn"):
                yield DashboardQuery(
                    dashboard=uid,
                    kind="annotation",
                    place=annotation["name"],
                    ref="",
                    written=annotation["expr"],
                    expr=fill(annotation["expr"], values),
                    instant=False,
                    step=annotation["step"],
                )


def _variable(uid: str, variable: Mapping[str, Any], values: Mapping[str, str]) -> DashboardQuery:
    written = variable["query"]["query"]
    match = _LABEL_VALUES.fullmatch(written) or _QUERY_RESULT.fullmatch(written)
    if match is None:
        raise ValueError(f"{uid}: the query of variable {variable['name']} is {written!r}")
    return DashboardQuery(
        dashboard=uid,
        kind="variable",
        place=variable["name"],
        ref="",
        written=written,
        expr=fill(match["expr"], values),
        instant=True,
    )
