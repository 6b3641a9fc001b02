"""What README.md shows works."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from exporter.config import load
from exporter.sources import READ_FAMILIES

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "README.md").read_text(encoding="utf-8")
FAMILIES = {family.name: set(family.labels) for family in READ_FAMILIES}


def blocks(language: str) -> list[str]:
    found = re.findall(r"(?ms)^```(\w*)\n(.*?)^```$", PAGE)
    return [text for of, text in found if of == language]


CONFIGURATIONS = [text for text in blocks("yaml") if text.startswith("accounts:")]
(PROMETHEUS,) = (text for text in blocks("yaml") if text not in CONFIGURATIONS)
ADDRESS: str = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
    "urls"
]["Homepage"]


@pytest.mark.parametrize("text", CONFIGURATIONS)
def test_a_configuration_is_valid(text: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret")
    file = tmp_path / "quantconnect.yaml"
    file.write_text(text.replace("/run/secrets/quantconnect_token", "token"))
    assert load(file, {}).accounts


def test_prometheus_finds_the_exporter_the_rules_and_alertmanager() -> None:
    given = yaml.safe_load(PROMETHEUS)
    ours = yaml.safe_load((ROOT / "prometheus" / "prometheus.yml").read_text())
    assert given["alerting"] == ours["alerting"]
    (job,), (our_job,) = given["scrape_configs"], ours["scrape_configs"]
    assert job["static_configs"] == our_job["static_configs"]
    (pattern,) = given["rule_files"]
    assert list(ROOT.glob(pattern.removeprefix("/path/to/quantconnect-exporter/")))


def test_the_sample_is_of_metrics_and_labels_that_there_are() -> None:
    (sample,) = (text for text in blocks("") if text.startswith("quantconnect_"))
    samples = [each for family in text_string_to_metric_families(sample) for each in family.samples]
    assert len(samples) == len(sample.splitlines())
    for each in samples:
        assert set(each.labels) == FAMILIES[each.name]


def test_the_tables_labels_are_the_metrics() -> None:
    rows = re.findall(r"(?m)^\| (`quantconnect_.+?) \| (`.+?|the same, .+?) \| ", PAGE)
    assert len(rows) == 7
    before: set[str] = set()
    for names, labels in rows:
        found = set(re.findall(r"`(.+?)`", labels)) | (before if "the same" in labels else set())
        for name in re.findall(r"`(.+?)`", names):
            assert found == FAMILIES[name] - {"account", "project_id", "project"}, name
        before = found


def test_it_is_short() -> None:
    assert len(PAGE.splitlines()) < 150


def test_every_link_works_outside_the_repository() -> None:
    """On the page of a package index a relative link leads nowhere."""
    ours = rf"{re.escape(ADDRESS)}/(?:blob|tree)/main/(\S+)"
    targets = re.findall(r"(?m)^\[\w+\]: (\S+)$|\]\(([^)]+)\)", PAGE)
    assert targets
    for target in map("".join, targets):
        assert target.startswith("https://"), target
        if path := re.fullmatch(ours, target):
            assert (ROOT / path[1]).exists(), target
    named = set(re.findall(r"(?m)^\[(\w+)\]: ", PAGE))
    assert set(re.findall(r"\]\[(\w+)\]", PAGE)) == named


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_every_link_of_the_documentation_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(((?!https?:)[^)\s]+)\)", text):
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), target
        if anchor:
            headings = re.findall(r"(?m)^#+ (.+)$", linked.read_text(encoding="utf-8"))
            anchors = {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}
            assert anchor in anchors, target


def test_the_map_has_every_page() -> None:
    text = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\]\(([\w-]+\.md)\)", text))
    assert linked == {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md"}
