"""What the image installs is pinned, hashed, within the bounds of pyproject.toml, and from nowhere
in particular."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from typing import TYPE_CHECKING, Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from .paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
RUNTIME: list[str] = PYPROJECT["project"]["dependencies"]
DEVELOPMENT: list[str] = PYPROJECT["project"]["optional-dependencies"]["dev"]
BUILD: list[str] = PYPROJECT["build-system"]["requires"]
LOCKED = {"requirements.lock": RUNTIME, "requirements-build.lock": BUILD}

each_lock = pytest.mark.parametrize("name", sorted(LOCKED))


def pins(name: str) -> dict[str, tuple[str, list[str]]]:
    """The version and the hashes of every package in a lock file."""
    found: dict[str, tuple[str, list[str]]] = {}
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        if line.strip() and not line.strip().startswith("#"):
            pin = re.match(r"([\w.-]+)==([\w.]+)", line)
            assert pin is not None, line
            found[canonicalize_name(pin[1])] = (
                pin[2],
                re.findall(r"--hash=sha256:([0-9a-f]{64})\b", line),
            )
    return found


@each_lock
def test_what_pyproject_asks_for_is_locked_within_its_bounds(name: str) -> None:
    locked = pins(name)
    for text in LOCKED[name]:
        requirement = Requirement(text)
        version, _ = locked[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f"{text}: run `make lock`"


@each_lock
def test_every_package_has_the_hashes_of_its_files(name: str) -> None:
    for package, (_, hashes) in pins(name).items():
        assert hashes, package
        assert len(hashes) == len(set(hashes)), package


@each_lock
def test_no_registry_is_named(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r"://|--(extra-)?index-url|--find-links|--trusted-host", text)


@pytest.mark.parametrize("text", [*RUNTIME, *DEVELOPMENT, *BUILD])
def test_every_dependency_has_a_lower_and_an_upper_bound(text: str) -> None:
    assert {specifier.operator for specifier in Requirement(text).specifier} == {">=", "<"}


@pytest.mark.parametrize(
    ("folder", "named"),
    [
        ("exporter", RUNTIME),
        ("deploy", []),
        *((name, RUNTIME + DEVELOPMENT) for name in ("tests", "benchmarks", "grafana")),
        ("prometheus", RUNTIME + DEVELOPMENT),
    ],
)
def test_what_is_imported_is_named_as_a_dependency(folder: str, named: list[str]) -> None:
    """Not only brought along by another package, which may do without it, or take any version."""
    distributions = packages_distributions()
    names = {canonicalize_name(Requirement(text).name) for text in named}
    ours = {path.name for path in ROOT.iterdir() if path.is_dir()}
    for module in sorted(imported(ROOT / folder) - sys.stdlib_module_names - ours):
        assert {canonicalize_name(name) for name in distributions[module]} <= names, module


def imported(folder: Path) -> set[str]:
    """The top-level names of all that is imported by absolute name."""
    found = set()
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found
