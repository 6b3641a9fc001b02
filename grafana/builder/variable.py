"""Template variables: the drop-downs at the top of a dashboard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from grafana.builder.query import DATASOURCE, one_line

ON_TIME_RANGE_CHANGE = 2
UNSORTED, SORT_ALPHABETICAL = 0, 5  # ascending, without regard to case
SHOWN, HIDDEN = 0, 2
LABEL_VALUES, QUERY_RESULT = 1, 3  # what Grafana's editor calls the two kinds of query


@dataclass(frozen=True, kw_only=True)
class Variable:
    """A variable filled by Prometheus: `label_values(...)` or `query_result(...)`.

    `pattern` takes text and value out of a `query_result` by its groups of these names: that is
    how a list can show names and select ids. `all_value`, where given, adds "All" and allows
    several choices; it is the regular expression that "All" stands for. The list is in
    alphabetical order, or `as_answered`, and a single choice begins with the first. A `hidden` one
    follows from the others: it is neither shown nor taken from the address.
    """

    name: str
    label: str
    query: str
    pattern: str = ""
    all_value: str = ""
    description: str = ""
    as_answered: bool = False
    hidden: bool = False

    def render(self) -> dict[str, Any]:
        several = bool(self.all_value)
        query = one_line(self.query)
        kind = LABEL_VALUES if query.startswith("label_values(") else QUERY_RESULT
        everything = {"selected": True, "text": ["All"], "value": ["$__all"]}
        given = {"allValue": self.all_value, "description": self.description}
        return {key: value for key, value in given.items() if value} | {
            "current": everything if several else {},
            "datasource": DATASOURCE,
            "definition": query,
            "hide": HIDDEN if self.hidden else SHOWN,
            "includeAll": several,
            "label": self.label,
            "multi": several,
            "name": self.name,
            "options": [],
            "query": {
                "qryType": kind,
                "query": query,
                "refId": "PrometheusVariableQueryEditor-VariableQuery",
            },
            "refresh": ON_TIME_RANGE_CHANGE,
            "regex": self.pattern,
            "skipUrlSync": self.hidden,
            "sort": UNSORTED if self.as_answered else SORT_ALPHABETICAL,
            "type": "query",
        }


def data_source() -> dict[str, Any]:
    """The choice of a Prometheus among Grafana's data sources."""
    return {
        "current": {},
        "hide": 0,
        "includeAll": False,
        "label": "Data source",
        "multi": False,
        "name": "datasource",
        "options": [],
        "query": "prometheus",
        "refresh": 1,
        "regex": "",
        "skipUrlSync": False,
        "type": "datasource",
    }
