"""What pip-audit found, in words: ``audited.py FOUND SAID``.

FOUND is its JSON, SAID what it wrote on stderr. The exit status is 1 if a vulnerability is known, 0
if none is, and 2 if none is but that could not be found out for each package.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def judge(found: str, said: str) -> tuple[int, list[str]]:
    """The exit status and what to print."""
    try:
        packages = json.loads(found)["dependencies"]
    except ValueError:
        last = (said.strip().splitlines() or ["nothing"])[-1]
        return 2, [f"{_UNKNOWN}; pip-audit said: {last}"]
    lines = [
        f"{package['name']} {package['version']}: {flaw['id']}"
        f" ({', '.join(flaw['aliases']) or 'no other name'}),"
        f" fixed in {', '.join(flaw['fix_versions']) or 'no version yet'}"
        for package in packages
        for flaw in package.get("vulns", [])
    ]
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    if len(skipped) == len(packages):
        return 2, [f"{_UNKNOWN}: all {len(packages)} packages are unknown to what was asked"]
    status = 1 if lines else 2 if skipped else 0
    if skipped:
        lines.append(f"Nothing was found out about {', '.join(skipped)}: not in the database")
    return status, lines or [f"No vulnerability is known in {len(packages)} packages."]


_UNKNOWN = "No vulnerability database was reached and nothing was found out"


def _read(path: str) -> str:
    file = Path(path)
    return file.read_text(encoding="utf-8") if file.exists() else ""


if __name__ == "__main__":
    status, lines = judge(_read(sys.argv[1]), _read(sys.argv[2]))
    print(*lines, sep="\n", file=sys.stderr if status else sys.stdout)
    sys.exit(status)
