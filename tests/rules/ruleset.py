"""The rules as they stand in prometheus/rules, and their unit tests, read for the tests here."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import promql_parser
import yaml

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]
RULE_FILES = tuple(sorted((ROOT / "prometheus" / "rules").glob("*.yml")))
UNIT_TESTS = tuple(sorted((ROOT / "prometheus" / "tests").glob("*.yml")))
RUNBOOKS = ROOT / "docs" / "runbooks.md"
ALERTMANAGER = ROOT / "alertmanager" / "alertmanager.yml"


@cache
def load(text: str) -> Any:
    """Return what a YAML text says; callers share it, and leave it as it is."""
    return yaml.load(text, yaml.CSafeLoader)


def dump(document: object) -> str:
    return yaml.dump(document, Dumper=yaml.CSafeDumper, width=1_000_000)


@dataclass(frozen=True)
class Rule:
    """One recording or alerting rule; ``name`` is the record's or the alert's.

    It is evaluated every so many ``minutes``, 0 for the global interval.
    """

    name: str
    group: str
    minutes: int
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
            minutes=int(group.get("interval", "0m").removesuffix("m")),
            expr=str(raw["expr"]),
            is_alert="alert" in raw,
            labels=raw.get("labels", {}),
            annotations=raw.get("annotations", {}),
            keep_firing_for=raw.get("keep_firing_for", ""),
        )
        for file in RULE_FILES
        for group in load(file.read_text())["groups"]
        for raw in group["rules"]
    )


RULES = rules()
ALERTS = tuple(rule for rule in RULES if rule.is_alert)
RECORDS = tuple(rule for rule in RULES if not rule.is_alert)


@cache
def _texts(file: str) -> list[tuple[str, str]]:
    """The name and the text of each rule."""
    return [
        (rule.get("alert") or rule["record"], dump(rule))
        for group in load(file)["groups"]
        for rule in group["rules"]
    ]


def needed(asked: str, files: Sequence[str]) -> str:
    """A rule file of what a unit test asks for, by its text, and of what that is built on.

    Without it promtool evaluates every rule at every minute of every case.
    """
    groups = [group for file in files for group in load(file)["groups"]]
    texts = [named for file in files for named in _texts(file)]
    wanted: set[str] = set()
    while more := {name for name, _ in texts if name in asked} - wanted:
        wanted |= more
        asked += "".join(text for name, text in texts if name in more)
    chosen = []
    for group in groups:
        rules = [rule for rule in group["rules"] if (rule.get("alert") or rule["record"]) in wanted]
        if rules:
            chosen.append({**group, "rules": rules})
    return dump({"groups": chosen})


def run(*command: str | Path) -> str:
    """What a program prints that must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def headings(markdown: str) -> list[str]:
    """The second-level headings of a page."""
    return re.findall(r"^## (.+)$", markdown, flags=re.MULTILINE)
