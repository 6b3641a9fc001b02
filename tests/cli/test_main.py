"""What the command says and the status it exits with, for what ends by itself."""

from __future__ import annotations

import errno
import json
import re
from typing import TYPE_CHECKING

import pytest

from exporter import __version__, cli
from exporter.cli import main
from exporter.web.listen import Address, bind

if TYPE_CHECKING:
    from pathlib import Path

GOOD = "accounts: [{user_id: 1, api_token: x, projects: [{id: 5}, {id: 6}]}]\n"


def test_version(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["--version"]) == 0
    assert re.fullmatch(
        rf"quantconnect-exporter, version {re.escape(__version__)}"
        r" \(revision: unknown, python: 3\.\d+\.\S+\)\n",
        capsys.readouterr().out,
    )
    monkeypatch.setenv("QUANTCONNECT_EXPORTER_REVISION", "abc123")
    assert main(["doctor", "--version"]) == 0
    assert "(revision: abc123," in capsys.readouterr().out


def test_the_arguments_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["quantconnect-exporter", "--version"])
    assert main() == 0


def test_a_good_configuration(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "quantconnect.yaml").write_text(GOOD)
    assert main(["--config.check"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out == (
        "account default: 2 projects listed, no discovery\nquantconnect.yaml: ok\n"
    )


TWICE = """\
accounts:
  - {name: a, user_id: 1, api_token: x}
  - {name: b, user_id: 1, api_token: x}
"""


def test_a_configuration_with_something_to_doubt(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "quantconnect.yaml").write_text(TWICE)
    assert main(["--config.check"]) == 0
    assert capsys.readouterr().out.splitlines()[2:] == [
        (
            "account b: warning: another account has the same user_id: a; make them one account:"
            " two make twice the calls, and a project that both discover is read by one of them"
            " only"
        ),
        "quantconnect.yaml: ok",
    ]


def test_a_web_configuration_that_is_good_but_for_a_remark(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "quantconnect.yaml").write_text(GOOD)
    (tmp_path / "web.yaml").write_text("http_server_config: {http2: true}\n")
    assert main(["--config.check", "--web.config.file=web.yaml"]) == 0
    assert "web.yaml: warning: " in capsys.readouterr().out


def test_one_project(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "quantconnect.yaml").write_text(GOOD.replace(", {id: 6}", ""))
    assert main(["--config.check"]) == 0
    assert "account default: 1 project listed, no discovery\n" in capsys.readouterr().out


def test_a_configuration_that_discovers(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUANTCONNECT_USER_ID", "1")
    monkeypatch.setenv("QUANTCONNECT_API_TOKEN", "secret")
    assert main(["--config.check"]) == 0
    assert capsys.readouterr().out == (
        "account default: 0 projects listed, discovers live ones\nenvironment: ok\n"
    )


@pytest.mark.parametrize("command", ["run", "doctor", "dump"])
def test_all_that_is_wrong_with_a_configuration_at_once(
    command: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("accounts: [{user_id: x, api_token: secret-token, projects: 5}]\n")
    assert main([command, "--config.file", str(file)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "bad.yaml" in captured.err
    assert "user_id" in captured.err
    assert "projects" in captured.err
    assert "secret-token" not in captured.err


@pytest.mark.parametrize("command", ["run", "doctor", "dump"])
def test_no_configuration_at_all(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command]) == 1
    assert "QUANTCONNECT_USER_ID" in capsys.readouterr().err


def test_a_bad_web_configuration(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "quantconnect.yaml").write_text(GOOD)
    (tmp_path / "web.yaml").write_text("tls_server_config: {cert_file: missing.pem}\n")
    for check in (["--config.check"], ["--web.listen-address", "127.0.0.1:0"]):
        assert main(["--web.config.file", "web.yaml", *check]) == 1
        captured = capsys.readouterr()
        assert "web.yaml" in captured.err
        assert captured.out == ""


def test_both_bad_configurations_are_checked(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "quantconnect.yaml").write_text("accounts: 5\n")
    (tmp_path / "web.yaml").write_text("tls_server_config: {cert_file: missing.pem}\n")
    assert main(["--web.config.file", "web.yaml", "--config.check"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert {line.partition(":")[0] for line in captured.err.splitlines()} == {
        *("quantconnect.yaml", "web.yaml"),
    }


@pytest.mark.parametrize("web", [[], ["--web.config.file", "missing.yaml"]])
def test_where_the_log_is_json_a_bad_configuration_is_too(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, web: list[str]
) -> None:
    (tmp_path / "quantconnect.yaml").write_text(GOOD if web else "accounts: 5\nmore: 6\n")
    for command in ([], [] if web else ["doctor"]):
        assert main([*command, "--log.format", "json", *web]) == 1
        lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
        said = [line["problem"] for line in lines if line["level"] == "error"]
        assert len(said) == (1 if web else 2)
        name = "missing.yaml" if web else "quantconnect.yaml"
        assert all(problem.startswith(name) for problem in said)


def test_a_named_file_that_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config.file", "missing.yaml", "--config.check"]) == 1
    assert "missing.yaml" in capsys.readouterr().err


def test_an_address_in_use(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "quantconnect.yaml").write_text(GOOD)
    with bind(Address("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        assert main(["--web.listen-address", address]) == 1
        said = capsys.readouterr().err
        assert "level=error" in said
        assert f"cannot listen on {address}: Address already in use" in said
        for command in ("demo", "simulate"):
            assert main([command, "--simulator.listen-address", address]) == 1
            said = capsys.readouterr().err
            assert "The simulator cannot listen" in said
            assert address in said


def test_an_interrupted_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(options: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("exporter.cli.dump.dump", interrupted)
    assert cli.main(["dump"]) == 130


def test_an_error_that_has_nothing_to_do_with_printing(monkeypatch: pytest.MonkeyPatch) -> None:
    def out_of_files(options: object) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("exporter.cli.dump.dump", out_of_files)
    with pytest.raises(OSError, match="Too many open files"):
        main(["dump"])
