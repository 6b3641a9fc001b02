"""``quantconnect-exporter dashboards``: the Grafana dashboards of this version, as files.

The files in ``grafana/dashboards`` are part of the package as they are (``exporter/dashboards`` is
a link to them).
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from exporter.log import Log

if TYPE_CHECKING:
    import argparse

log = Log(__name__)


def dashboards(options: argparse.Namespace) -> int:
    """Write the dashboards into the folder ``--output`` and print their paths; 1 if that fails."""
    folder = Path(options.output)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file in sorted(
            (files("exporter") / "dashboards").iterdir(), key=lambda each: each.name
        ):
            if file.name.endswith(".json"):
                (folder / file.name).write_bytes(file.read_bytes())
                print(folder / file.name)
    except OSError as error:
        log.error("Cannot write the dashboards", output=str(folder), error=error.strerror)
        return 1
    return 0
