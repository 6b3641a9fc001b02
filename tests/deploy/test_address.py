"""The repository's address stands in pyproject.toml; wherever else it must be, it is the same."""

from __future__ import annotations

import re
import subprocess
import tomllib

import yaml

from .paths import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ADDRESS: str = PROJECT["urls"]["Homepage"]
NAME = PROJECT["name"]


def test_every_address_of_the_project_is_this_one() -> None:
    """Of whatever owner: a fork that changes one place is told of the others."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    found = {
        (path.relative_to(ROOT), address)
        for path in paths
        if path.is_file()
        for address in re.findall(
            rf"https://github\.com/[\w.-]+/{NAME}\b", path.read_text(errors="replace")
        )
    }
    assert {address for _, address in found} == {ADDRESS}, found


def test_the_image_of_the_chart_is_the_repositorys() -> None:
    """As .github/workflows/release.yml names it."""
    values = yaml.safe_load(
        (ROOT / "deploy/helm/quantconnect-exporter/values.yaml").read_text(encoding="utf-8")
    )
    image = values["image"]
    assert image["registry"] == "ghcr.io"
    assert f"https://github.com/{image['repository']}" == ADDRESS


def test_every_link_of_the_project_begins_there() -> None:
    assert all(url.startswith(ADDRESS) for url in PROJECT["urls"].values())
