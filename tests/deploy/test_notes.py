"""The notes of a release are the changelog's, of the version that the tag names."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from .paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

CHANGELOG = """# Changelog

## Unreleased

- [FEATURE] Later.

## 1.1.0 / 2027-01-02

- [FEATURE] New.

## 1.0.0 / 2027-01-01

- [FEATURE] Old.
"""


def run(root: Path, tag: str, version: str) -> subprocess.CompletedProcess[str]:
    """The script in a repository with that version and the changelog above."""
    for folder in ("deploy", "exporter"):
        (root / folder).mkdir()
    shutil.copy(ROOT / "deploy" / "notes.py", root / "deploy")
    (root / "exporter" / "__init__.py").write_text(f'__version__ = "{version}"\n')
    (root / "CHANGELOG.md").write_text(CHANGELOG)
    return subprocess.run(
        [sys.executable, str(root / "deploy" / "notes.py"), tag],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("version", "text"), [("1.1.0", "- [FEATURE] New.\n"), ("1.0.0", "- [FEATURE] Old.\n")]
)
def test_the_section_of_the_version(version: str, text: str, tmp_path: Path) -> None:
    done = run(tmp_path, f"v{version}", version)
    assert (done.returncode, done.stdout, done.stderr) == (0, text, "")


@pytest.mark.parametrize(
    ("tag", "version", "complaint"),
    [
        ("v1.1.0", "1.0.0", "the tag is v1.1.0, but exporter/__init__.py has version 1.0.0"),
        ("1.1.0", "1.1.0", "the tag is 1.1.0, but exporter/__init__.py has version 1.1.0"),
        ("v1.2.0", "1.2.0", "CHANGELOG.md has no section 1.2.0"),
    ],
)
def test_what_does_not_agree_is_no_release(
    tag: str, version: str, complaint: str, tmp_path: Path
) -> None:
    done = run(tmp_path, tag, version)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{complaint}\n")
