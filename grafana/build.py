"""Write `dashboards/*.json` from `boards/`; with `--check`, only say whether they are up to date.

python -m grafana.build [--check]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

if __name__ == "__main__":  # also by its path, from anywhere
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from grafana.boards import exporter, fleet, portfolio, symbol

OUTPUT = Path(__file__).resolve().parent / "dashboards"
DASHBOARDS = (fleet.DASHBOARD, portfolio.DASHBOARD, symbol.DASHBOARD, exporter.DASHBOARD)


def documents() -> dict[str, str]:
    """The file name and the JSON text of each dashboard."""
    made = {f"{dashboard.uid}.json": dashboard.text() for dashboard in DASHBOARDS}
    if len(made) != len(DASHBOARDS):
        raise ValueError("two dashboards share a uid")
    return made


def stale(directory: Path) -> list[str]:
    """Names of files in `directory` that are not what the source gives, or that it doesn't give."""
    made = documents()
    there = {path.name: path.read_text(encoding="utf-8") for path in directory.glob("*.json")}
    return sorted(name for name in made.keys() | there.keys() if made.get(name) != there.get(name))


def main() -> int:
    parser = argparse.ArgumentParser(description="Build the dashboards from their source.")
    parser.add_argument("--check", action="store_true", help="write nothing, fail if out of date")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="the folder of the JSON files")
    arguments = parser.parse_args()
    differing = stale(arguments.output)
    if arguments.check:
        for name in differing:
            sys.stderr.write(f"{arguments.output / name} is not what the source builds\n")
        return 1 if differing else 0
    made = documents()
    for name in differing:
        if name in made:
            (arguments.output / name).write_text(made[name], encoding="utf-8")
        else:
            (arguments.output / name).unlink()
        sys.stdout.write(f"{name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
