"""What GitHub runs: understood by actionlint, pinned, with few permissions, and through make."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from .paths import ROOT

FOLDER = ROOT / ".github"
WORKFLOWS = sorted((FOLDER / "workflows").glob("*.yml"))
ACTIONLINT = shutil.which("actionlint", path=f"{ROOT / 'bin'}:{os.environ['PATH']}")
TARGETS = set(re.findall(r"(?m)^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8")))

each_workflow = pytest.mark.parametrize("name", [path.name for path in WORKFLOWS])


def text(name: str) -> str:
    return (FOLDER / "workflows" / name).read_text(encoding="utf-8")


def jobs(name: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(text(name))["jobs"]
    return found


@pytest.mark.skipif(ACTIONLINT is None, reason="not installed: actionlint (make linters)")
def test_actionlint_has_no_complaint() -> None:
    assert ACTIONLINT is not None
    files = [str(path) for path in WORKFLOWS]
    done = subprocess.run([ACTIONLINT, *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_action_is_pinned_to_one_commit() -> None:
    pins: dict[str, set[str]] = {}
    for path in WORKFLOWS:
        for use in re.findall(r"uses: (.+)", path.read_text(encoding="utf-8")):
            pin = re.fullmatch(r"([\w./-]+)@([0-9a-f]{40} # v\d+\.\d+\.\d+)", use)
            assert pin is not None, f"{path.name}: {use}"
            pins.setdefault(pin[1], set()).add(pin[2])
    assert all(len(found) == 1 for found in pins.values()), pins


def test_only_the_release_may_write() -> None:
    ci = yaml.safe_load(text("ci.yml"))
    assert ci["permissions"] == {"contents": "read"}
    assert not [name for name, job in ci["jobs"].items() if "permissions" in job]
    assert yaml.safe_load(text("release.yml"))["permissions"] == {}
    writes = {
        name: {right for right, level in job["permissions"].items() if level == "write"}
        for name, job in jobs("release.yml").items()
    }
    assert writes == {
        "build": set(),
        "pypi": {"id-token"},
        "image": {"packages", "id-token", "attestations"},
        "chart": {"packages"},
        "notes": {"contents"},
    }


@each_workflow
def test_no_expression_is_written_into_a_shell(name: str) -> None:
    """A branch or a tag may be called `$(anything)`; as a variable it is only text."""
    runs = [step["run"] for job in jobs(name).values() for step in job["steps"] if "run" in step]
    assert runs
    assert not [run for run in runs if "${{" in run]


@each_workflow
def test_every_target_of_make_exists(name: str) -> None:
    matrix = jobs("ci.yml")["dependencies"]["strategy"]["matrix"]["versions"]
    named = set(re.findall(r"run: (?:sudo )?make (?:--silent )?([a-z]+)", text(name)))
    assert named
    assert named | set(matrix) <= TARGETS


def test_ci_runs_what_the_local_script_runs() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    here = set(re.findall(r"(?m)^make (\w+)", script))
    matrix = jobs("ci.yml")["dependencies"]["strategy"]["matrix"]["versions"]
    there = set(re.findall(r"run: make (\w+)", text("ci.yml"))) | set(matrix)
    assert here <= there


def test_every_python_of_the_package_is_tested() -> None:
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    named = re.findall(r"Programming Language :: Python :: (3\.\d+)", pyproject)
    assert jobs("ci.yml")["test"]["strategy"]["matrix"]["python"] == named


def test_updates_look_where_something_is_pinned() -> None:
    files = {"pip": "pyproject.toml", "gomod": "go.mod", "docker": "Dockerfile"}
    files["docker-compose"] = "compose.yaml"
    updates = yaml.safe_load((FOLDER / "dependabot.yml").read_text(encoding="utf-8"))["updates"]
    assert {each["package-ecosystem"] for each in updates} == {*files, "github-actions"}
    for update in updates:
        file = files.get(update["package-ecosystem"], ".github/workflows/ci.yml")
        for folder in update.get("directories", [update.get("directory")]):
            assert (ROOT / folder.lstrip("/") / file).is_file()


def test_whoever_reports_a_fault_is_asked_for_the_doctor() -> None:
    form = yaml.safe_load((FOLDER / "ISSUE_TEMPLATE" / "bug.yml").read_text(encoding="utf-8"))
    (doctor,) = [each for each in form["body"] if each.get("id") == "doctor"]
    assert "quantconnect-exporter doctor" in doctor["attributes"]["description"]
    assert doctor["validations"] == {"required": True}
