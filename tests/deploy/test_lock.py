"""What the image installs is pinned, hashed, within the bounds of pyproject.toml, and from nowhere
in particular."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from .paths import ROOT

PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKED = {
    "requirements.lock": PYPROJECT["project"]["dependencies"],
    "requirements-build.lock": PYPROJECT["build-system"]["requires"],
}

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


def test_every_dependency_has_a_lower_and_an_upper_bound() -> None:
    for text in PYPROJECT["project"]["dependencies"]:
        operators = {specifier.operator for specifier in Requirement(text).specifier}
        assert operators == {">=", "<"}, text
