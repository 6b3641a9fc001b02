"""Which environment variables the exporter knows."""

from __future__ import annotations

import re

import pytest

from exporter.cli.flags import parse


def variables(capsys: pytest.CaptureFixture[str]) -> set[str]:
    """Every variable that mirrors a flag, from the help that a user reads."""
    with pytest.raises(SystemExit):
        parse(["--help"], {})
    return set(re.findall(r"QUANTCONNECT_EXPORTER_[A-Z_]+", capsys.readouterr().out))
