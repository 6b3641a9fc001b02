"""The rules load, and their unit tests pass, in the promtool of Debian and of Prometheus 3."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from .ruleset import ROOT, RULE_FILES, UNIT_TESTS, dump, load, needed, run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.needs_prometheus


def test_the_rules_load(promtool: str) -> None:
    run(promtool, "check", "rules", *RULE_FILES)


def test_the_configuration_for_users_loads(promtool: str) -> None:
    run(promtool, "check", "config", ROOT / "prometheus" / "prometheus.yml")


@pytest.mark.parametrize("file", UNIT_TESTS, ids=lambda file: file.stem)
def test_the_unit_tests_pass(promtool: str, file: Path, tmp_path: Path) -> None:
    """Each case with the rules that it asks for."""
    rules = [rule_file.read_text() for rule_file in RULE_FILES]
    content = load(file.read_text())
    cases = []
    for number, case in enumerate(content["tests"]):
        of_case = tmp_path / f"{number}.rules.yml"
        of_case.write_text(needed(dump(case), rules))
        alone = tmp_path / f"{number}.yml"
        alone.write_text(dump(content | {"rule_files": [of_case.name], "tests": [case]}))
        cases.append(alone)
    # promtool's storage compacts while rules are evaluated, and under load it once answered a query
    # over a month with nil. A rule that is wrong is wrong both times.
    first = subprocess.run([promtool, "test", "rules", *cases], capture_output=True, check=False)
    if first.returncode:
        run(promtool, "test", "rules", *cases)
