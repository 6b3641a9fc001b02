"""The systemd unit, as systemd judges it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from .flags import variables
from .paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

NAME = "quantconnect-exporter.service"
TEXT = (ROOT / "deploy" / "systemd" / NAME).read_text(encoding="utf-8")
PROGRAM = "/opt/quantconnect-exporter/bin/quantconnect-exporter"
EXPOSURE = 1.1
"""On systemd's scale from 0 (none) to 10; what is left is the network, /proc and one's own root."""

pytestmark = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="not installed: systemd-analyze"
)


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with a program that exists here."""
    assert PROGRAM in TEXT
    file = tmp_path / NAME
    file.write_text(TEXT.replace(PROGRAM, sys.executable))
    return file


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, check=False, timeout=60
    )


def test_systemd_understands_every_line(unit: Path) -> None:
    done = analyze("verify", "--man=no", str(unit))
    complaints = [line for line in done.stderr.splitlines() if NAME in line]
    assert complaints == []
    assert done.returncode == 0


def test_a_line_it_does_not_understand_would_be_noticed(unit: Path) -> None:
    unit.write_text(unit.read_text().replace("ProtectHome=", "ProtectHouse="))
    assert NAME in analyze("verify", "--man=no", str(unit)).stderr


def test_it_is_exposed_to_next_to_nothing(unit: Path) -> None:
    done = analyze("security", "--no-pager", "--offline=true", str(unit))
    level = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert level is not None, done.stderr
    assert float(level[1]) <= EXPOSURE, done.stdout


def test_the_token_is_a_credential_and_nothing_secret_is_in_the_unit() -> None:
    assert "LoadCredential=quantconnect_token:/etc/quantconnect-exporter/token\n" in TEXT
    assert "${CREDENTIALS_DIRECTORY}/quantconnect_token" in (
        ROOT / "docs" / "deployment.md"
    ).read_text(encoding="utf-8")


def test_its_environment_is_the_exporters(capsys: pytest.CaptureFixture[str]) -> None:
    assert set(re.findall(r"QUANTCONNECT_EXPORTER_[A-Z_]+\b", TEXT)) <= variables(capsys)
