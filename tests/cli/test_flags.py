"""Flags, the environment that mirrors them, and what is said when they make no sense."""

from __future__ import annotations

import re

import pytest

from exporter.cli.commands import COMMANDS
from exporter.cli.flags import parse
from exporter.cli.parser import variable_of
from exporter.web.listen import Address
from tests.web.serving import serving_site

P = "QUANTCONNECT_EXPORTER_"


def refused(
    capsys: pytest.CaptureFixture[str], *argv: str, environ: dict[str, str] | None = None
) -> str:
    """What is said, in the last line, about flags that make no sense."""
    with pytest.raises(SystemExit) as caught:
        parse(argv, environ or {})
    captured = capsys.readouterr()
    assert (caught.value.code, captured.out) == (2, "")
    return captured.err.splitlines()[-1]


def test_defaults() -> None:
    options = vars(parse([], {}))
    assert {
        "command": "run",
        "version": False,
        "config_file": None,
        "config_check": False,
        "config_enable_auto_reload": False,
        "config_auto_reload_interval": 30.0,
        "web_listen_address": [Address("127.0.0.1", 10270)],
        "web_telemetry_path": "/metrics",
        "web_max_requests": 40,
        "shard": 0,
        "total_shards": 1,
        "log_level": "info",
        "log_format": "logfmt",
    }.items() <= options.items()
    assert parse(["simulate", "--simulator.started", "12.5"], {}).simulator_started == 12.5
    assert parse(["simulate"], {}).simulator_listen_address == Address("127.0.0.1", 10271)


def test_flags_and_the_environment_say_the_same() -> None:
    by_flag = parse(
        [
            *("--config.file", "a.yaml", "--config.check", "--log.level=debug"),
            *("--web.listen-address", ":1", "--web.listen-address=[::1]:2"),
            *("--web.telemetry-path", "/m", "--web.max-requests", "0", "--log.format", "json"),
            *("--shard", "1", "--total-shards", "3"),
        ],
        {},
    )
    by_environment = parse(
        ["run"],
        {
            f"{P}CONFIG_FILE": "a.yaml",
            f"{P}CONFIG_CHECK": "true",
            f"{P}LOG_LEVEL": "debug",
            f"{P}WEB_LISTEN_ADDRESS": ":1, [::1]:2",
            f"{P}WEB_TELEMETRY_PATH": "/m",
            f"{P}WEB_MAX_REQUESTS": "0",
            f"{P}LOG_FORMAT": "json",
            f"{P}SHARD": "1",
            f"{P}TOTAL_SHARDS": "3",
        },
    )
    assert by_flag == by_environment
    assert by_flag.web_listen_address == [Address("", 1), Address("::1", 2)]
    assert (by_flag.config_check, by_flag.web_max_requests) == (True, 0)


def test_a_flag_beats_the_environment_and_an_empty_variable_is_none() -> None:
    environ = {f"{P}LOG_LEVEL": "error", f"{P}WEB_LISTEN_ADDRESS": ":1", f"{P}CONFIG_FILE": ""}
    options = parse(["--log.level", "warn", "--web.listen-address", ":2"], environ)
    assert options.log_level == "warn"
    assert options.web_listen_address == [Address("", 2)]
    assert options.config_file is None


def test_the_only_shard_needs_no_number_and_one_of_several_may_be_0() -> None:
    assert parse([], {f"{P}SHARD": "", f"{P}TOTAL_SHARDS": "1"}).shard == 0
    assert parse(["dump", "--total-shards", "4"], {f"{P}SHARD": "0"}).shard == 0


@pytest.mark.parametrize(
    ("value", "expected"),
    [("TRUE", True), ("1", True), ("on", True), ("", False), ("false", False), ("0", False)],
)
def test_a_switch_in_the_environment(value: str, *, expected: bool) -> None:
    assert parse([], {f"{P}CONFIG_CHECK": value}).config_check is expected
    assert parse(["--config.check"], {f"{P}CONFIG_CHECK": value}).config_check is True


def test_what_makes_no_sense(capsys: pytest.CaptureFixture[str]) -> None:
    program = "quantconnect-exporter: error: "
    assert refused(capsys, "--web.max-requests", "-1") == (
        f"{program}--web.max-requests: expected a whole number, 0 or more, got '-1'"
    )
    assert refused(capsys, "--web.telemetry-path", "metrics") == (
        f"{program}--web.telemetry-path: expected a path such as /metrics, got 'metrics'"
    )
    assert refused(capsys, "--web.listen-address", "10270") == (
        f"{program}--web.listen-address: expected HOST:PORT, [IPV6]:PORT or :PORT, got '10270'"
    )
    assert refused(capsys, environ={f"{P}WEB_LISTEN_ADDRESS": ":1,"}) == (
        f"{program}{P}WEB_LISTEN_ADDRESS: expected HOST:PORT, [IPV6]:PORT or :PORT, got ''"
    )
    assert refused(capsys, environ={f"{P}LOG_LEVEL": "loud"}) == (
        f"{program}{P}LOG_LEVEL: expected one of debug, info, warn, error, got 'loud'"
    )
    assert refused(capsys, environ={f"{P}CONFIG_CHECK": "perhaps"}) == (
        f"{program}{P}CONFIG_CHECK: expected true or false, got 'perhaps'"
    )
    assert refused(capsys, "--shard", "3", "--total-shards", "3") == (
        f"{program}--shard: expected less than --total-shards, which is 3, got 3"
    )
    # Whichever shard it will be, its configuration is the same.
    assert parse(["--config.check", "--total-shards", "4"], {}).shard == 0
    for environ in ({}, {f"{P}SHARD": ""}):
        assert refused(capsys, "--total-shards", "4", environ=environ) == (
            f"{program}--shard: expected a number from 0 to 3, as --total-shards is 4, got none;"
            f" each replica needs its own, here or in {P}SHARD"
        )
    assert "--total-shards: expected" in refused(capsys, "--total-shards", "0")
    for given, more in (("often", ""), ("0s", ""), ("30", " (it has no unit)")):
        assert refused(capsys, "--config.auto-reload-interval", given) == (
            f"{program}--config.auto-reload-interval: expected a duration of 1s or more, such as"
            f" 30s, got '{given}'{more}"
        )
    assert "invalid choice: 'loud'" in refused(capsys, "--log.level", "loud")
    assert "unrecognized arguments: --nonsense" in refused(capsys, "--nonsense")
    assert "unrecognized arguments: --log.lev" in refused(capsys, "--log.lev", "info")
    assert "unrecognized arguments: --config.file" in refused(capsys, "demo", "--config.file", "x")
    assert "--simulator.started: " in refused(capsys, "simulate", "--simulator.started", "noon")


COMMANDS_KNOWN = "commands: run, demo, simulate, doctor, rules, dashboards, backfill, dump"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["frobnicate"], f"unknown command 'frobnicate'; {COMMANDS_KNOWN}"),
        (["docter"], f"unknown command 'docter' (did you mean doctor?); {COMMANDS_KNOWN}"),
        (["version"], f"unknown command 'version' (did you mean --version?); {COMMANDS_KNOWN}"),
        (["help"], f"unknown command 'help' (did you mean --help?); {COMMANDS_KNOWN}"),
        (
            ["check", "--nonsense"],
            f"unknown command 'check' (did you mean --config.check?); {COMMANDS_KNOWN}",
        ),
        (
            ["--config.file", "a b.yaml", "doctor"],
            "the command comes first: quantconnect-exporter doctor --config.file 'a b.yaml'",
        ),
        (
            ["--log.level=debug", "demo", "--web.listen-address", ":1"],
            (
                "the command comes first: quantconnect-exporter demo --log.level=debug"
                " --web.listen-address :1"
            ),
        ),
        (
            ["--config.file", "doctor", "doctor"],
            "the command comes first: quantconnect-exporter doctor --config.file doctor",
        ),
        (["demo", "doctor"], "unrecognized arguments: doctor"),
        (["--config.check", "a.yaml"], "unrecognized arguments: a.yaml"),
    ],
)
def test_a_command_that_is_none_and_one_at_the_wrong_place(
    capsys: pytest.CaptureFixture[str], argv: list[str], said: str
) -> None:
    assert refused(capsys, *argv) == f"quantconnect-exporter: error: {said}"


OWN_PATHS = ["/", "/config", "/-/healthy", "/-/ready", "/-/reload", "/projects/1"]


@pytest.mark.parametrize("path", OWN_PATHS)
def test_the_metrics_are_at_no_path_that_has_something_else(
    capsys: pytest.CaptureFixture[str], path: str
) -> None:
    for origin, said in (
        ("--web.telemetry-path", refused(capsys, "--web.telemetry-path", path)),
        (
            f"{P}WEB_TELEMETRY_PATH",
            refused(capsys, environ={f"{P}WEB_TELEMETRY_PATH": path}),
        ),
    ):
        assert said == (
            f"quantconnect-exporter: error: {origin}: expected a path such as /metrics, got"
            f" '{path}', where the exporter answers something else"
        )


def test_these_are_all_the_paths_that_the_exporter_has() -> None:
    paths = {route.path for route in serving_site()[0].routes()}
    assert paths - {"/metrics"} == {path.replace("/1", "/<id>") for path in OWN_PATHS}
    for path in ("/configuration", "/projects", "/-", "/metrics/", "/a/projects/1"):
        assert parse(["--web.telemetry-path", path], {}).web_telemetry_path == path


@pytest.mark.parametrize("command", COMMANDS)
def test_help_names_every_flag_with_its_variable_and_default(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parse([command, "--help"], {})
    assert caught.value.code == 0
    text = capsys.readouterr().out
    usage = f"quantconnect-exporter{'' if command == 'run' else ' ' + command} [flags]"
    assert text.startswith(f"usage: {usage}\n\n{COMMANDS[command][0].upper()}")
    flags = re.findall(r"(?m)^  --([a-z.-]+)", text)
    assert set(flags) >= {"log.level", "log.format", "version"}
    unwrapped = " ".join(text.split())
    prints = {"version", "help-man", "completion-script-bash", "completion-script-zsh"}
    for flag in set(flags) - prints:
        assert f"${variable_of(flag)})" in unwrapped
    if command == "run":
        assert all(
            f"  {name:<10} {said}\n" in text for name, said in COMMANDS.items() if name != "run"
        )


def test_which_flags_each_command_has() -> None:
    given = {command: set(vars(parse([command], {}))) for command in COMMANDS}
    assert "config_check" in given["run"]
    assert not any("config_check" in given[command] for command in COMMANDS if command != "run")
    assert {command for command in COMMANDS if "config_file" in given[command]} == {
        *("run", "doctor", "rules", "backfill", "dump"),
    }
    assert {command for command in COMMANDS if "web_listen_address" in given[command]} == {
        *("run", "demo"),
    }
