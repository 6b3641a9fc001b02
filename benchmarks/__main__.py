"""``python -m benchmarks``: measure, print the table, write docs/performance.md."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from benchmarks import contention, growth, memory, page, poll, scrape, start, usual
from benchmarks.sizes import FULL, QUICK
from benchmarks.table import Row, markdown

_PARTS = {
    "scrape": scrape.measure,
    "usual": usual.measure,
    "poll": poll.measure,
    "memory": memory.measure,
    "growth": growth.measure,
    "contention": contention.measure,
    "start": start.measure,
}
_PAGE = Path(__file__).parent.parent / "docs" / "performance.md"


def main(argv: list[str]) -> int:
    """Measure what is asked for; 0 if it could be measured, whatever was reached."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="little of everything: does it run?")
    parser.add_argument("--only", choices=list(_PARTS), action="append", help="repeatable")
    parser.add_argument("--output", type=Path, help=f"the page; default {_PAGE.name} of a full run")
    options = parser.parse_args(argv)
    sizes = QUICK if options.quick else FULL
    rows: list[Row] = []
    for name in options.only or _PARTS:
        began = time.monotonic()
        rows += _PARTS[name](sizes)
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    print(markdown(rows))
    whole = not (options.quick or options.only)
    output = options.output or (_PAGE if whole else None)
    if output is not None:
        page.write(output, rows, start.imports(), " --quick" if options.quick else "")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
