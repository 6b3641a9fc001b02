"""compose.yaml and Grafana's provisioning fit together with what they mount and name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from .queries import dashboards

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]

each_service = pytest.mark.parametrize("name", sorted(SERVICES))


def provisioned(kind: str) -> dict[str, Any]:
    path = ROOT / "grafana" / "provisioning" / kind / "quantconnect.yaml"
    document: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return document


def mounts(name: str) -> dict[str, str]:
    """Where each folder of this repository or volume is in the service's container."""
    return dict(volume.split(":")[:2] for volume in SERVICES[name]["volumes"])


@each_service
def test_images_are_pinned(name: str) -> None:
    service = SERVICES[name]
    assert "build" in service or re.search(r":v?\d+\.\d+\.\d+$", service["image"])


@each_service
def test_it_is_checked_for_health_and_comes_back(name: str) -> None:
    if "build" in SERVICES[name]:
        assert re.search(r"^HEALTHCHECK ", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    else:
        assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"
    assert SERVICES[name]["restart"] == "unless-stopped"


@each_service
def test_ports_are_published_on_loopback(name: str) -> None:
    assert SERVICES[name]["ports"]
    for port in SERVICES[name]["ports"]:
        assert port.startswith("127.0.0.1:")


@each_service
def test_what_is_mounted_exists(name: str) -> None:
    for source in mounts(name):
        if source.startswith("."):
            assert (ROOT / source).is_dir()
        else:
            assert source in COMPOSE["volumes"]


@each_service
def test_it_waits_for_services_that_say_when_they_are_well(name: str) -> None:
    for needed, how in SERVICES[name].get("depends_on", {}).items():
        assert how == {"condition": "service_healthy"}
        assert "build" in SERVICES[needed] or "healthcheck" in SERVICES[needed]


def test_the_demo_runs_unless_a_configuration_is_named() -> None:
    """Compose drops the empty word of `${NAME:+word}` where NAME is not set."""
    command = SERVICES["exporter"]["command"]
    assert command == "${QUANTCONNECT_CONFIG:+--config.file} ${QUANTCONNECT_CONFIG:-demo}"
    assert SERVICES["exporter"]["working_dir"] == mounts("exporter")["."]


def test_prometheus_does_what_the_example_configuration_says() -> None:
    inline = yaml.safe_load(COMPOSE["configs"]["prometheus"]["content"])
    example = yaml.safe_load((ROOT / "prometheus/prometheus.yml").read_text(encoding="utf-8"))
    assert inline.keys() == example.keys()
    assert [job["job_name"] for job in inline["scrape_configs"]] == [
        job["job_name"] for job in example["scrape_configs"]
    ]
    assert inline["rule_files"] == [f"{mounts('prometheus')['./prometheus/rules']}/*.yml"]
    assert inline["scrape_configs"][0]["static_configs"][0]["targets"] == ["exporter:10270"]
    assert inline["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] == [
        "alertmanager:9093"
    ]


def test_grafana_finds_the_dashboards_and_opens_on_the_fleet() -> None:
    (provider,) = provisioned("dashboards")["providers"]
    folder = mounts("grafana")["./grafana/dashboards"]
    assert provider["options"]["path"] == folder
    assert provider["allowUiUpdates"] is False
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == f"{folder}/quantconnect-fleet.json"
    assert "quantconnect-fleet" in dashboards()


def test_every_address_of_a_data_source_is_given() -> None:
    environment = SERVICES["grafana"]["environment"]
    sources = provisioned("datasources")["datasources"]
    assert [source["type"] for source in sources] == ["prometheus", "alertmanager"]
    assert [source.get("isDefault", False) for source in sources] == [True, False]
    wanted = set(re.findall(r"\$\{(\w+)\}", yaml.safe_dump(sources)))
    assert wanted <= environment.keys()
    for source in sources:
        name = source["url"].removeprefix("${").removesuffix("}")
        host, port = environment[name].removeprefix("http://").split(":")
        assert SERVICES[host]["ports"] == [f"127.0.0.1:{port}:{port}"]


def test_data_are_asked_for_as_often_as_they_are_scraped() -> None:
    inline = yaml.safe_load(COMPOSE["configs"]["prometheus"]["content"])
    interval = SERVICES["grafana"]["environment"]["QUANTCONNECT_SCRAPE_INTERVAL"]
    assert interval == inline["global"]["scrape_interval"]
