"""Queries: what a panel asks Prometheus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}


@dataclass(frozen=True, kw_only=True)
class Query:
    """One PromQL query and the form in which its answer is wanted.

    `ref` names the answer where transformations must find it, else the query gets a letter.
    `step` is the least time between points ("1d").
    """

    expr: str
    legend: str = "__auto"
    format: Literal["time_series", "table", "heatmap"] = "time_series"
    ref: str = ""
    step: str = ""

    def target(self, ref: str, *, over_time: bool) -> dict[str, Any]:
        """Grafana's form of the query.

        Without `over_time` it asks for the end of the time range only. The last point of an answer
        over time is old by up to a step, which is hours where a narrow panel shows a month.
        """
        return {
            "datasource": DATASOURCE,
            "editorMode": "code",
            "exemplar": False,
            "expr": one_line(self.expr),
            "format": self.format,
            "instant": not over_time,
            "interval": self.step,
            "legendFormat": self.legend,
            "range": over_time,
            "refId": ref,
        }


def one_line(expr: str) -> str:
    """`expr` without the line breaks and indents that it has in the source."""
    return " ".join(expr.split())


def refs(queries: tuple[Query, ...]) -> list[str]:
    """What the queries of a panel are called: as they say, else by letters from A."""
    if len(queries) > 26:
        raise ValueError(f"a panel has letters for 26 queries, not {len(queries)}")
    found = [query.ref or chr(ord("A") + index) for index, query in enumerate(queries)]
    if len(set(found)) != len(found):
        raise ValueError(f"queries of one panel must differ in ref, not {found}")
    return found


def targets(queries: tuple[Query, ...], *, over_time: bool) -> list[dict[str, Any]]:
    """The queries in Grafana's form."""
    return [
        query.target(ref, over_time=over_time)
        for ref, query in zip(refs(queries), queries, strict=True)
    ]
