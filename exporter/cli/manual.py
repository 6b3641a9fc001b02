"""The man page and the shell completions, made from the same data as the help.

Printed by ``--help-man`` and ``--completion-script-bash`` or ``-zsh``, as the Prometheus exporters
name them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter import __version__
from exporter.cli.commands import COMMANDS, PROGRAM
from exporter.cli.flags import declare
from exporter.cli.parser import Flag, variable_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_FUNCTION = "_quantconnect_exporter"


def manual() -> str:
    """Return the man page, in roff: each flag once, with the commands that have it."""
    lines = [
        f'.TH {PROGRAM.upper()} 1 "" "{PROGRAM} {__version__}"',
        ".SH NAME",
        rf"{PROGRAM} \- Prometheus exporter for QuantConnect live algorithms",
        ".SH SYNOPSIS",
        f".B {PROGRAM}",
        r"[\fICOMMAND\fR] [\fIFLAGS\fR]",
        ".SH COMMANDS",
        *(
            line
            for name, text in COMMANDS.items()
            for line in (
                ".TP",
                rf"\fB{name}\fR" + (" (may be left out)" if name == "run" else ""),
                _text(text),
            )
        ),
        ".SH FLAGS",
        "Each can also be set by the environment variable named with it; the flag beats it.",
    ]
    for flag, commands in _flags().items():
        value = flag.metavar or "|".join(flag.choices)
        default = f" Default: {flag.default}." if flag.default else ""
        lines += [
            ".TP",
            rf"\fB{_text('--' + flag.name)}\fR" + (rf"=\fI{_text(value)}\fR" if value else ""),
            _text(f"{flag.help[0].upper()}{flag.help[1:]}.{default}"),
            ".br",
            _text(f"Of {', '.join(commands)}; ${variable_of(flag.name)}."),
        ]
    lines += [
        ".SH FILES",
        ".TP",
        r"\fIquantconnect.yaml\fR",
        "The configuration, in the working directory, unless a flag names another.",
        ".SH EXIT STATUS",
        "0 after a clean stop, 1 after a failure, 2 where the flags make no sense.",
    ]
    return "\n".join(lines) + "\n"


def bash() -> str:
    """Return the completions for bash: commands, their flags, and known values."""
    flags = _flags()
    values = [
        f"        --{flag.name}) {_words(flag.choices)}; return ;;"
        for flag in flags
        if flag.choices
    ]
    # For values that are not listed, bash proposes files.
    free = "|".join(f"--{flag.name}" for flag in flags if flag.metavar)
    own = [f"        {name}) {_words(_of(name, flags))} ;;" for name in COMMANDS if name != "run"]
    first = " ".join(name for name in COMMANDS if name != "run")
    return "\n".join(
        [
            f"{_FUNCTION}() {{",
            "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}",
            "    # bash takes --flag=value for three words.",
            '    [[ $before == "=" ]] && before=${COMP_WORDS[COMP_CWORD-2]}',
            '    [[ $word == "=" ]] && word=',
            "    COMPREPLY=()",
            "    case $before in",
            *values,
            f"        {free}) return ;;",
            "    esac",
            f"    if [[ $COMP_CWORD == 1 && $word != -* ]]; then {_words([first])}; return; fi",
            "    case ${COMP_WORDS[1]} in",
            *own,
            f"        *) {_words(_of('run', flags))} ;;",
            "    esac",
            "}",
            f"complete -o default -F {_FUNCTION} {PROGRAM}",
            "",
        ]
    )


def zsh() -> str:
    """Return the completions for zsh, which can load those of bash."""
    return f"#compdef {PROGRAM}\nautoload -U +X bashcompinit && bashcompinit\n{bash()}"


PRINTS: Mapping[str, Callable[[], str]] = {
    "help-man": manual,
    "completion-script-bash": bash,
    "completion-script-zsh": zsh,
}


def _flags() -> dict[Flag, list[str]]:
    """Return each flag with the commands that have it."""
    found: dict[Flag, list[str]] = {}
    for command in COMMANDS:
        for flag in declare(command, {}).flags:
            found.setdefault(flag, []).append(command)
    return found


def _of(command: str, flags: Mapping[Flag, list[str]]) -> list[str]:
    names = [f"--{flag.name}" for flag, commands in flags.items() if command in commands]
    return [*names, "--help", "--version"]


def _words(words: list[str] | tuple[str, ...]) -> str:
    return f'COMPREPLY=($(compgen -W "{" ".join(words)}" -- "$word"))'


def _text(text: str) -> str:
    """Return text escaped for roff."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{escaped}" if escaped.startswith((".", "'")) else escaped
