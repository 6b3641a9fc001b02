"""The man page and the completions name what --help names, and shells take them."""

from __future__ import annotations

import re
import shlex
import subprocess

import pytest

from exporter.cli import main
from exporter.cli.commands import COMMANDS
from exporter.cli.flags import declare
from exporter.cli.parser import variable_of

FLAGS = {command: [flag.name for flag in declare(command, {}).flags] for command in COMMANDS}


def printed(flag: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main([flag]) == 0
    return capsys.readouterr().out


def test_the_man_page_has_every_command_and_flag(capsys: pytest.CaptureFixture[str]) -> None:
    page = printed("--help-man", capsys).replace(r"\-", "-")
    assert page.startswith('.TH QUANTCONNECT-EXPORTER 1 ""')
    assert re.findall(r"(?m)^\.TP\n\\fB(\w+)\\fR", page) == list(COMMANDS)
    shown = re.findall(r"(?m)^\\fB--([\w.-]+)\\fR", page)
    # The output of one command has a default, that of another has none.
    declared = {flag for command in COMMANDS for flag in declare(command, {}).flags}
    assert sorted(shown) == sorted(flag.name for flag in declared)
    assert len(shown) == len({name for names in FLAGS.values() for name in names}) + 1
    for command, names in FLAGS.items():
        for name in names:
            of = re.findall(rf"Of (.+); \${variable_of(name)}\.", page)
            assert command in ", ".join(of).split(", ")
    assert "--log.format\\fR=\\fIlogfmt|json\\fR\nFormat of log lines. Default: logfmt.\n" in page


def test_roff_takes_nothing_for_a_request(capsys: pytest.CaptureFixture[str]) -> None:
    page = printed("--help-man", capsys)
    requests = {line.split()[0] for line in page.splitlines() if line.startswith((".", "'"))}
    assert requests == {".TH", ".SH", ".B", ".TP", ".br"}
    assert set(re.findall(r"\\(.)", page)) == {"f", "-"}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("quantconnect-exporter ", set(COMMANDS) - {"run"}),
        ("quantconnect-exporter do", {"doctor"}),
        ("quantconnect-exporter --log.le", {"--log.level"}),
        ("quantconnect-exporter --log.level ", {"debug", "info", "warn", "error"}),
        ("quantconnect-exporter --log.format = j", {"json"}),
        ("quantconnect-exporter --log.format =", {"logfmt", "json"}),
        ("quantconnect-exporter --config.file ", set()),
        (
            "quantconnect-exporter simulate -",
            {f"--{name}" for name in FLAGS["simulate"]} | {"--help", "--version"},
        ),
        (
            "quantconnect-exporter --shard 1 -",
            {f"--{name}" for name in FLAGS["run"]} | {"--help", "--version"},
        ),
    ],
)
def test_bash_completes(line: str, expected: set[str], capsys: pytest.CaptureFixture[str]) -> None:
    words = line.split(" ")
    script = (
        f"{printed('--completion-script-bash', capsys)}\n"
        f"COMP_WORDS=({shlex.join(words)}); COMP_CWORD={len(words) - 1}\n"
        '_quantconnect_exporter; printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == expected
    assert done.stderr == ""


def test_zsh_gets_them_through_its_own_bridge(capsys: pytest.CaptureFixture[str]) -> None:
    script = printed("--completion-script-zsh", capsys)
    head = "#compdef quantconnect-exporter\nautoload -U +X bashcompinit && bashcompinit\n"
    assert script == head + printed("--completion-script-bash", capsys)
