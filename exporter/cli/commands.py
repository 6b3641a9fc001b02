"""The commands, and the errors for an unknown one or one in the wrong place."""

from __future__ import annotations

import shlex
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PROGRAM = "quantconnect-exporter"

COMMANDS: Mapping[str, str] = {
    "run": "run the exporter",
    "demo": "run it against a built-in simulated QuantConnect: no account, no config needed",
    "simulate": "run only the simulated QuantConnect, for other clients",
    "doctor": "check config, credentials, clock and every project once",
    "rules": "print the recording rules and alerts of this version",
    "dashboards": "write the Grafana dashboards of this version",
    "backfill": "write the equity and benchmark of the past as OpenMetrics, for promtool",
    "dump": "read every project once, print the metrics on stdout, exit",
}

# Flags that users may type as commands.
_FLAGS_FOR = {
    "version": "--version",
    "help": "--help",
    "check": "--config.check",
    "validate": "--config.check",
}


def unknown_command(word: str) -> str:
    """Return the error for an unknown command, with the nearest known one."""
    near = _FLAGS_FOR.get(word) or next(iter(get_close_matches(word, COMMANDS, n=1)), None)
    meant = f" (did you mean {near}?)" if near else ""
    return f"unknown command {word!r}{meant}; commands: {', '.join(COMMANDS)}"


def stray(unknown: Sequence[str], argv: Sequence[str], flags: Sequence[str]) -> str:
    """Return the error for arguments that are not among the command's ``flags``."""
    word = next((each for each in unknown if each in COMMANDS), None)
    if word is None or argv[0] in COMMANDS:
        names = [each.lstrip("-").partition("=")[0] for each in unknown if each.startswith("-")]
        near = [f"--{flag}" for each in names for flag in get_close_matches(each, flags, n=1)]
        meant = f" (did you mean {' '.join(near)}?)" if near else ""
        return f"unrecognized arguments: {' '.join(unknown)}{meant}"
    last = len(argv) - 1 - list(reversed(argv)).index(word)
    flags = [*argv[:last], *argv[last + 1 :]]
    return f"the command comes first: {shlex.join([PROGRAM, word, *flags])}"


def epilog() -> str:
    """Return the part of the help that lists the commands."""
    commands = "\n".join(f"  {name:<10} {text}" for name, text in COMMANDS.items() if name != "run")
    return (
        f"commands:\n{commands}\n\n`{PROGRAM} COMMAND --help` lists the flags of a command.\n"
        "Every flag can be set by the environment variable named with it."
    )
