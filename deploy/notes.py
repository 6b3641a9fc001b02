"""The notes of a release, from CHANGELOG.md: python deploy/notes.py v0.1.0.

Exits with 1 where the tag, the exporter's version and the changelog do not agree.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def notes(tag: str, version: str, changelog: str) -> str:
    """Return the section of this version; ValueError where it is missing or the tag is another."""
    if tag != f"v{version}":
        raise ValueError(f"the tag is {tag}, but exporter/__init__.py has version {version}")
    for section in changelog.split("\n## ")[1:]:
        title, _, text = section.partition("\n")
        if title.split()[0] == version:
            return text.strip() + "\n"
    raise ValueError(f"CHANGELOG.md has no section {version}")


def main() -> int:
    """Print the notes for the tag that is the argument; return the exit status."""
    source = (ROOT / "exporter" / "__init__.py").read_text(encoding="utf-8")
    (version,) = re.findall(r'(?m)^__version__ = "(.+)"$', source)
    try:
        text = notes(sys.argv[1], version, (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
