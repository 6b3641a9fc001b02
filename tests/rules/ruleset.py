"""The rules as they stand in prometheus/rules, and their unit tests, read for the tests here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import promql_parser
import yaml

ROOT = Path(__file__).parents[2]
RULE_FILES = tuple(sorted((ROOT / "prometheus" / "rules").glob("*.yml")))
UNIT_TESTS = tuple(sorted((ROOT / "prometheus" / "tests").glob("*.yml")))
RUNBOOKS = ROOT / "docs" / "runbooks.md"
ALERTMANAGER = ROOT / "alertmanager" / "alertmanager.yml"


@dataclass(frozen=True)
class Rule:
    """One recording or alerting rule; ``name`` is the record's or the alert's."""

    name: str
    group: str
    expr: str
    is_alert: bool
    labels: dict[str, str]
    annotations: dict[str, str]
    keep_firing_for: str

    def __str__(self) -> str:
        return " ".join((self.name, *self.labels.values()))

    def nodes(self) -> list[Any]:
        """Every node of the expression's syntax tree."""
        found: list[Any] = []
        promql_parser.walk(promql_parser.parse(self.expr), found.append)
        return found


def rules() -> tuple[Rule, ...]:
    return tuple(
        Rule(
            name=raw.get("alert") or raw["record"],
            group=group["name"],
            expr=str(raw["expr"]),
            is_alert="alert" in raw,
            labels=raw.get("labels", {}),
            annotations=raw.get("annotations", {}),
            keep_firing_for=raw.get("keep_firing_for", ""),
        )
        for file in RULE_FILES
        for group in yaml.safe_load(file.read_text())["groups"]
        for raw in group["rules"]
    )


RULES = rules()
ALERTS = tuple(rule for rule in RULES if rule.is_alert)
RECORDS = tuple(rule for rule in RULES if not rule.is_alert)


def headings(markdown: str) -> list[str]:
    """The second-level headings of a page."""
    return re.findall(r"^## (.+)$", markdown, flags=re.MULTILINE)
