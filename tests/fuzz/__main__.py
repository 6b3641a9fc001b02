"""``python -m tests.fuzz --minutes 60``: every target in turn; status 1 if anything fell out.

With atheris, if it is installed (it needs no more than ``pip install atheris``), inputs are chosen
by what code they reach; else they are hypothesis's. What falls out is left in ``--artifacts``.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from tests.fuzz.seeds import seeds
from tests.fuzz.targets import TARGETS

_EXECUTED = re.compile(r"stat::number_of_executed_units:\s+(\d+)")


def main() -> int:
    """Fuzz, and say how it went."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--artifacts", type=Path, default=Path("fuzz-found"))
    parser.add_argument("targets", nargs="*", metavar="target", help=f"of {', '.join(TARGETS)}")
    options = parser.parse_args()
    names = options.targets or list(TARGETS)
    if unknown := set(names) - set(TARGETS):
        parser.error(f"unknown targets: {', '.join(sorted(unknown))}")
    seconds = max(1, int(60 * options.minutes / len(names)))
    options.artifacts.mkdir(parents=True, exist_ok=True)
    engine = "atheris" if find_spec("atheris") else "hypothesis"
    print(f"{len(names)} targets, {seconds} s each, by {engine}", flush=True)
    total, failed = 0, []
    for name in names:
        inputs, fault = _fuzz(name, seconds, options.artifacts)
        total += inputs
        print(f"{name:20}{inputs:>12,} inputs  {'a fault' if fault else 'nothing'}", flush=True)
        if fault:
            failed.append(name)
            print(fault, flush=True)
    print(f"{'in all':20}{total:>12,} inputs  {', '.join(failed) or 'nothing fell out'}")
    return 1 if failed else 0


def _fuzz(name: str, seconds: int, artifacts: Path) -> tuple[int, str]:
    """How many inputs one target was given in a process of its own, and what fell out."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as directory:
        corpus = Path(directory, "corpus")
        corpus.mkdir()
        for number, seed in enumerate(seeds(name)):
            (corpus / f"seed-{number}").write_bytes(seed)
        ended = subprocess.run(
            [*(sys.executable, "-m", "tests.fuzz.engine", name), str(seconds), corpus, artifacts],
            env={**os.environ, "TMPDIR": directory},  # atheris ends without cleaning up
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    executed = _EXECUTED.search(ended.stderr)
    fault = ended.stderr[-4000:] if ended.returncode else ""
    return int(executed[1]) if executed else 0, fault


if __name__ == "__main__":
    sys.exit(main())
