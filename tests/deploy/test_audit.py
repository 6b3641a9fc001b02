"""A vulnerability, none, and not knowing are three different things."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from .paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

GOOD = {"name": "h11", "version": "0.16.0", "vulns": []}
BAD = {
    "name": "urllib3",
    "version": "2.0.2",
    "vulns": [
        {
            "id": "PYSEC-2023-192",
            "fix_versions": ["1.26.17", "2.0.6"],
            "aliases": ["CVE-2023-43804"],
            "description": "Cookie header is kept across redirects",
        },
        {"id": "PYSEC-2099-1", "fix_versions": [], "aliases": [], "description": ""},
    ],
}
UNKNOWN = {"name": "idna", "skip_reason": "Dependency not found on PyPI and could not be audited"}
FLAWS = (
    "urllib3 2.0.2: PYSEC-2023-192 (CVE-2023-43804), fixed in 1.26.17, 2.0.6\n"
    "urllib3 2.0.2: PYSEC-2099-1 (no other name), fixed in no version yet\n"
)
NOT_REACHED = "No vulnerability database was reached and nothing was found out"


def audited(tmp_path: Path, packages: list[Any] | None, said: str = "") -> tuple[int, str, str]:
    """The exit status, stdout and stderr; without packages there is no file."""
    found = tmp_path / "found"
    if packages is not None:
        found.write_text(json.dumps({"dependencies": packages, "fixes": []}))
    (tmp_path / "said").write_text(said)
    done = subprocess.run(
        [sys.executable, ROOT / "deploy" / "audited.py", found, tmp_path / "said"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("packages", "status", "out", "err"),
    [
        ([GOOD, GOOD], 0, "No vulnerability is known in 2 packages.\n", ""),
        ([GOOD, BAD], 1, "", FLAWS),
        (
            [GOOD, UNKNOWN],
            2,
            "",
            "Nothing was found out about idna: not in the database\n",
        ),
        (
            [UNKNOWN, BAD],
            1,
            "",
            FLAWS + "Nothing was found out about idna: not in the database\n",
        ),
        (
            [UNKNOWN, UNKNOWN],
            2,
            "",
            f"{NOT_REACHED}: all 2 packages are unknown to what was asked\n",
        ),
    ],
)
def test_what_was_found(
    tmp_path: Path, packages: list[Any], status: int, out: str, err: str
) -> None:
    assert audited(tmp_path, packages) == (status, out, err)


def test_no_database(tmp_path: Path) -> None:
    said = "Traceback (most recent call last):\nConnectionError: Failed to resolve 'api'\n"
    expected = f"{NOT_REACHED}; pip-audit said: ConnectionError: Failed to resolve 'api'\n"
    assert audited(tmp_path, None, said) == (2, "", expected)
    assert audited(tmp_path, None) == (2, "", f"{NOT_REACHED}; pip-audit said: nothing\n")
