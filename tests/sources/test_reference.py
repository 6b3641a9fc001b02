"""The reference page is made from the catalogue, whole and current."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from exporter.sources import CATALOGUE, SOURCES
from exporter.sources.reference import page

ROOT = Path(__file__).parents[2]


def test_the_reference_page_is_current() -> None:
    assert (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8") == page(), (
        "docs/metrics.md is not what the catalogue says: run make docs"
    )


def test_the_reference_page_is_what_its_command_prints() -> None:
    command = [sys.executable, "-m", "exporter.sources.reference"]
    printed = subprocess.run(command, capture_output=True, check=True, cwd=ROOT)
    assert (printed.stdout.decode(), printed.stderr) == (page(), b"")


def test_the_reference_page_names_every_family_with_all_its_labels() -> None:
    rows = {
        match[1]: set(re.findall(r"`(\w+)`", match[2]))
        for match in re.finditer(r"(?m)^\| `(quantconnect_\w+)` \| \w+ \| ([^|]*)\|", page())
    }
    assert rows == {family.name: set(family.labels) for family in CATALOGUE}


def test_the_reference_page_has_the_interval_and_the_delay_of_each_source() -> None:
    for source in SOURCES:
        row = f"| `{source.name}` | {source.every} | {source.delay} |"
        assert (row in page()) is source.is_reading_published
