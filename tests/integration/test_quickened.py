"""Quicker rules are the rules that users get, but for the waits."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from prometheus.stack import ROOT, quickened

if TYPE_CHECKING:
    from pathlib import Path

FILES = sorted((ROOT / "prometheus" / "rules").glob("*.yml"))
DURATION = re.compile(r"\b\d+(?:ms|[smhd])\b")
AGE = re.compile(r"(clamp_min\(3 \* .+?, )[\d.]+\)")
NUMBER = re.compile(r"clamp_min\(3 \* .+?, ([\d.]+)\)")


def rules(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [rule for group in document["groups"] for rule in group["rules"]]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_only_waits_differ(file: Path) -> None:
    written = yaml.safe_load(file.read_text())
    quick = quickened(written, 60)
    assert written == yaml.safe_load(file.read_text())
    waits = ("for", "keep_firing_for")
    for one, other in zip(rules(written), rules(quick), strict=True):
        assert {name: one[name] for name in one if name not in (*waits, "expr")} == {
            name: other[name] for name in other if name not in (*waits, "expr")
        }
        if "record" in one:
            assert one["expr"] == other["expr"]
        masked = [AGE.sub(r"\1_)", DURATION.sub("_", rule["expr"])) for rule in (one, other)]
        assert masked[0] == masked[1]
        assert set(one) == set(other)
        ages = [[float(age) for age in NUMBER.findall(rule["expr"])] for rule in (one, other)]
        assert [age / 60 for age in ages[0]] == ages[1]


def test_waits_are_divided() -> None:
    rule = {
        "alert": "Late",
        "expr": (
            'clamp_min(3 * interval{source="status"}, 600) < rate(x[5m]) + y offset 1d'
            " + clamp_min(3 * max_over_time(interval{}[1h]), 1200)"
            " + max_over_time(z[2h:5m] offset 10m) + 600 * 5"
        ),
        "for": "15m",
        "keep_firing_for": "1m",
    }
    record = {"record": "a:b", "expr": "x offset 7d"}
    document = {"groups": [{"name": "g", "interval": "1m", "rules": [rule, record]}]}
    (group,) = quickened(document, 60)["groups"]
    assert group == {
        "name": "g",
        "interval": "1000ms",
        "rules": [
            {
                "alert": "Late",
                "expr": (
                    'clamp_min(3 * interval{source="status"}, 10) < rate(x[5000ms])'
                    " + y offset 1440000ms"
                    " + clamp_min(3 * max_over_time(interval{}[60000ms]), 20)"
                    " + max_over_time(z[120000ms:5000ms] offset 10000ms) + 600 * 5"
                ),
                "for": "15000ms",
                "keep_firing_for": "1000ms",
            },
            record,
        ],
    }


@pytest.mark.needs_prometheus
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_they_are_rules(file: Path, tmp_path: Path) -> None:
    quick = tmp_path / file.name
    quick.write_text(yaml.safe_dump(quickened(yaml.safe_load(file.read_text()), 60)))
    checked = subprocess.run(
        ["promtool", "check", "rules", str(quick)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
