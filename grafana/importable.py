"""The dashboards as grafana.com and Grafana's page "Import" want them, from the same source.

They ask for the data source in ``__inputs``, and Grafana puts the answer where ``${DS_PROMETHEUS}``
stands: as the value of the dashboard's variable, which remains for changing it later. What
``grafana/dashboards/`` holds names no data source and asks nothing, as provisioning wants it.

python -m grafana.importable [--output FOLDER]
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grafana.build import documents

if TYPE_CHECKING:
    from collections.abc import Iterator

OUTPUT = Path(__file__).resolve().parents[1] / "dist" / "dashboards"
_INPUT = "DS_PROMETHEUS"
_OLDEST_GRAFANA = "9.4.0"
_PANELS = {
    "bargauge": "Bar gauge",
    "heatmap": "Heatmap",
    "piechart": "Pie chart",
    "stat": "Stat",
    "state-timeline": "State timeline",
    "table": "Table",
    "text": "Text",
    "timeseries": "Time series",
}


def importable(dashboard: dict[str, Any]) -> dict[str, Any]:
    """Return the dashboard with what it asks for and what it needs; KeyError for a panel of a
    kind that has no name here.
    """
    made = copy.deepcopy(dashboard)
    for variable in made["templating"]["list"]:
        if variable["type"] == "datasource":
            chosen = f"${{{_INPUT}}}"
            variable["current"] = {"selected": True, "text": chosen, "value": chosen}
    return {
        "__inputs": [
            {
                "name": _INPUT,
                "label": "Prometheus",
                "description": "The Prometheus that scrapes the exporter and evaluates its rules",
                "type": "datasource",
                "pluginId": "prometheus",
                "pluginName": "Prometheus",
            }
        ],
        "__elements": {},
        "__requires": [
            {"type": "grafana", "id": "grafana", "name": "Grafana", "version": _OLDEST_GRAFANA},
            {"type": "datasource", "id": "prometheus", "name": "Prometheus", "version": "1.0.0"},
            *(
                {"type": "panel", "id": kind, "name": _PANELS[kind], "version": ""}
                for kind in sorted(set(_kinds(made["panels"])) - {"row"})
            ),
        ],
        **made,
    }


def _kinds(panels: list[dict[str, Any]]) -> Iterator[str]:
    for panel in panels:
        yield panel["type"]
        yield from _kinds(panel.get("panels", []))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=OUTPUT, help="the folder of the JSON files")
    folder = parser.parse_args().output
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in documents().items():
        made = importable(json.loads(text))
        (folder / name).write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
        sys.stdout.write(f"{folder / name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
