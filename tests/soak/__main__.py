"""``python -m tests.soak``: the soak for as long as is wanted; status 1 if anything was wrong."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.soak.run import soak, table


def main() -> int:
    """Run it and say how it went."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--projects", type=int, default=20, help="at least 10")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # not without ending the exporter
    print(f"seed {options.seed}, {options.projects} projects, {options.minutes:g} minutes")
    with tempfile.TemporaryDirectory() as directory:
        outcome = soak(
            Path(directory),
            seconds=60 * options.minutes,
            seed=options.seed,
            generated=max(0, options.projects - 10),
            tell=lambda text: print(text, flush=True),
        )
    print(table(outcome))
    return 1 if outcome.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
