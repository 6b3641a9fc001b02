from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter.cli import main
from tests.support import SimulatorServer, Status, given_world

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Configure


def dump(capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, int]]:
    """The exit status, and how many samples each family has."""
    status = main(["dump"])
    families = text_string_to_metric_families(capsys.readouterr().out)
    return status, {family.name: len(family.samples) for family in families}


def test_everything_is_read_once_and_printed(
    capsys: pytest.CaptureFixture[str], quantconnect: SimulatorServer, configure: Configure
) -> None:
    configure("projects: [{id: 21048731}, {id: 21363904}]")
    status, samples = dump(capsys)
    assert status == 0
    assert samples["quantconnect_holdings"] == 2
    assert samples["quantconnect_holding_quantity"] == 21
    assert samples["quantconnect_live_equity"] == 2
    assert samples["quantconnect_live_fees"] == 2
    assert samples["quantconnect_exporter_config_last_reload_successful"] == 1
    assert len(quantconnect.requests.of("live/portfolio/read")) == 2


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
@pytest.mark.usefixtures("quantconnect")
def test_it_is_in_utf_8_whatever_the_terminal_has(
    monkeypatch: pytest.MonkeyPatch, configure: Configure, encoding: str
) -> None:
    configure("projects: [{id: 21048731, name: Größe → ₤}]")
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding=encoding))
    assert main(["dump"]) == 0
    assert 'project="Größe → ₤"' in out.getvalue().decode()


def test_no_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dump", "--config.file=none.yaml"]) == 1
    said = capsys.readouterr()
    assert (said.out, "none.yaml" in said.err) == ("", True)


def test_discovery(capsys: pytest.CaptureFixture[str], configure: Configure) -> None:
    configure()
    status, samples = dump(capsys)
    assert status == 0
    assert samples["quantconnect_holdings"] == 8


def test_nothing_to_read(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with SimulatorServer(given_world({})) as server:
        (tmp_path / "quantconnect.yaml").write_text(
            f"accounts:\n  - {{user_id: 1, api_token: demo, base_url: '{server.base_url}',"
            " requests_per_minute: 60000}\n"
        )
        assert main(["dump"]) == 1
    said = [line for line in capsys.readouterr().err.splitlines() if "level=error" in line]
    assert [line.partition(" msg=")[2] for line in said] == [
        '"No project was read; quantconnect-exporter doctor says why"'
    ]


def test_a_read_that_fails(
    capsys: pytest.CaptureFixture[str], quantconnect: SimulatorServer, configure: Configure
) -> None:
    configure("projects: [{id: 21048731, name: One}]")
    quantconnect.faults.add(Status(503), endpoint="live/read")
    status, samples = dump(capsys)
    assert status == 1
    assert (samples["quantconnect_holdings"], samples["quantconnect_live_fees"]) == (1, 0)


@pytest.mark.parametrize("name", ["", ", name: One"])
def test_an_account_that_is_refused_is_no_success(
    capsys: pytest.CaptureFixture[str],
    quantconnect: SimulatorServer,
    configure: Configure,
    name: str,
) -> None:
    configure(f"projects: [{{id: 21048731{name}}}]", token="wrong")
    status, samples = dump(capsys)
    assert (status, samples["quantconnect_holdings"]) == (1, 0)
    assert [request.endpoint for request in quantconnect.requests] == ["authenticate"]
