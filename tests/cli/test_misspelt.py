"""Flags and environment variables that are misspelt."""

from __future__ import annotations

import json

import pytest

from exporter.cli import main
from exporter.cli.flags import parse


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--config.fil", "x"], "--config.fil x (did you mean --config.file?)"),
        (["--config-file=x"], "--config-file=x (did you mean --config.file?)"),
        (["-log.levle=debug", "--web.listen"], "--web.listen (did you mean --log.level"),
        (["doctor", "--config.files=x"], "--config.files=x (did you mean --config.file?)"),
        (["--nonsense"], "unrecognized arguments: --nonsense\n"),
        (["doctor", "nonsense"], "unrecognized arguments: nonsense\n"),
    ],
)
def test_an_unknown_flag_gets_a_suggestion(
    argv: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(argv, {})
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def unknown(*names: str, command: str = "run") -> dict[str, str]:
    """The unknown variables among these, and what is suggested for each."""
    argv = [] if command == "run" else [command]
    environ = {f"QUANTCONNECT_EXPORTER_{name}": "1" for name in names}
    return dict(parse(argv, environ).unknown_variables)


def test_a_misspelt_variable_gets_a_suggestion() -> None:
    assert unknown("WEB_LISTEN_ADRESS", "NONSENSE", "WEB_MAX_REQUESTS") == {
        "QUANTCONNECT_EXPORTER_WEB_LISTEN_ADRESS": "QUANTCONNECT_EXPORTER_WEB_LISTEN_ADDRESS",
        "QUANTCONNECT_EXPORTER_NONSENSE": "",
    }


def test_a_variable_for_another_command_is_known() -> None:
    assert unknown("WEB_LISTEN_ADDRESS", "SIMULATOR_LISTEN_ADDRESS", command="doctor") == {}
    assert unknown("CONFIG_FILES", command="simulate") == {
        "QUANTCONNECT_EXPORTER_CONFIG_FILES": "QUANTCONNECT_EXPORTER_CONFIG_FILE"
    }


def test_variables_that_kubernetes_sets_are_not_meant() -> None:
    """For services named quantconnect-exporter and quantconnect-exporter-web."""
    names = (
        *("PORT", "PORT_10270_TCP", "PORT_10270_TCP_ADDR", "PORT_10270_TCP_PROTO"),
        *("SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_METRICS"),
        *("WEB_SERVICE_HOST", "WEB_PORT_10270_TCP_PORT"),
    )
    assert unknown(*names) == {}


def test_other_variables_are_not_ours() -> None:
    assert parse([], {"QUANTCONNECT_USER_IDS": "1"}).unknown_variables == ()


def test_the_log_warns_of_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("QUANTCONNECT_EXPORTER_LOG_LEVELS", "debug")
    monkeypatch.setenv("QUANTCONNECT_EXPORTER_X", "")
    assert main(["dump", "--config.file=no/such/file", "--log.format=json"]) == 1
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    warnings = [line for line in lines if line["level"] == "warn"]
    assert [(line["variable"], line.get("did_you_mean")) for line in warnings] == [
        ("QUANTCONNECT_EXPORTER_LOG_LEVELS", "QUANTCONNECT_EXPORTER_LOG_LEVEL"),
        ("QUANTCONNECT_EXPORTER_X", None),
    ]
