"""The flags, and the environment variables that mirror them.

Named as the Prometheus exporters name theirs. Every flag can also be set by an environment
variable, QUANTCONNECT_EXPORTER_ and the flag in capitals; a flag on the command line beats it.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from exporter.cli.commands import COMMANDS, PROGRAM, epilog, stray, unknown_command
from exporter.cli.parser import FlagParser, variable_of
from exporter.config.duration import parse_duration
from exporter.log import FORMATS, LEVELS
from exporter.web.listen import parse_address

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

DEFAULT_ADDRESS = "127.0.0.1:10270"
DEFAULT_SIMULATOR_ADDRESS = "127.0.0.1:10271"

# What is served there are not the metrics.
_OWN_PATHS = ("/", "/config")
_OWN_FOLDERS = ("/-/", "/projects/")


def parse(argv: Sequence[str], environ: Mapping[str, str] | None = None) -> argparse.Namespace:
    """The command and its flags; ends the process with a message where they make no sense."""
    environ = os.environ if environ is None else environ
    word = argv[0] if argv and not argv[0].startswith("-") else ""
    command = word if word in COMMANDS else "run"
    rest = argv[1:] if word else argv
    parser = declare(command, environ)
    if word and word not in COMMANDS:
        parser.error(unknown_command(word))
    options = parser.parse(rest, stray=lambda unknown: stray(unknown, argv))
    if command in ("run", "dump"):
        _settle_shard(parser, options)
    options.command = command
    return options


def declare(command: str, environ: Mapping[str, str]) -> FlagParser:
    """Return a parser with every flag of the command."""
    description = COMMANDS[command]
    parser = FlagParser(
        PROGRAM,
        usage=f"{PROGRAM} [flags]" if command == "run" else f"{PROGRAM} {command} [flags]",
        description=f"{description[0].upper()}{description[1:]}.",
        epilog=epilog() if command == "run" else None,
        environ=environ,
    )
    if command == "run":
        parser.add_print("help-man", help="print the man page and exit")
        for shell in ("bash", "zsh"):
            parser.add_print(
                f"completion-script-{shell}", help=f"print the completions of {shell} and exit"
            )
    _log_flags(parser)
    if command in ("run", "doctor", "dump"):
        _config_flags(parser, check=command == "run")
    if command in ("run", "demo"):
        _web_flags(parser)
    if command in ("run", "dump"):
        _shard_flags(parser)
    if command in ("demo", "simulate"):
        _simulator_flags(parser)
    return parser


def _config_flags(parser: FlagParser, *, check: bool) -> None:
    parser.add(
        "config.file",
        metavar="FILE",
        help="configuration; without it quantconnect.yaml if it exists, else the environment"
        " variables QUANTCONNECT_USER_ID, QUANTCONNECT_API_TOKEN or QUANTCONNECT_API_TOKEN_FILE,"
        " and QUANTCONNECT_PROJECTS",
    )
    if check:
        parser.add_switch(
            "config.check", help="validate the configuration, say so, and exit with 0 or 1"
        )
        parser.add_switch(
            "config.enable-auto-reload", help="reload the configuration when its file changes"
        )
        parser.add(
            "config.auto-reload-interval",
            metavar="DURATION",
            default="30s",
            convert=_interval,
            help="how often to look whether it did",
        )


def _web_flags(parser: FlagParser) -> None:
    parser.add(
        "web.listen-address",
        metavar="HOST:PORT",
        default=[DEFAULT_ADDRESS],
        convert=parse_address,
        many=True,
        help="where to listen, repeatable; [::1]:10270 for IPv6, :10270 for every interface",
    )
    parser.add_switch(
        "web.systemd-socket",
        help="listen on the sockets that systemd opens (socket activation), and nowhere else",
    )
    parser.add(
        "web.config.file",
        metavar="FILE",
        help="TLS, basic auth, headers and a rate limit, in the format of the Prometheus"
        " exporter-toolkit",
    )
    parser.add(
        "web.telemetry-path",
        metavar="PATH",
        default="/metrics",
        convert=_path,
        help="path of the metrics, none that the exporter has for something else",
    )
    parser.add(
        "web.max-requests",
        metavar="N",
        default="40",
        convert=_not_negative,
        help="how many requests are answered at once, beyond it 503; 0 is no limit",
    )


def _shard_flags(parser: FlagParser) -> None:
    parser.add(
        "shard",
        metavar="N",
        convert=_not_negative,
        help="this replica's share: the projects whose id modulo --total-shards is N; to be given"
        " where there are several",
    )
    parser.add(
        "total-shards",
        metavar="N",
        default="1",
        convert=_positive,
        help="how many replicas share the projects and the budget of requests",
    )


def _settle_shard(parser: FlagParser, options: argparse.Namespace) -> None:
    """The only shard is 0; of several, one that is not told which it is would double another."""
    total = options.total_shards
    if options.shard is None and total > 1 and not getattr(options, "config_check", False):
        parser.error(
            f"--shard: expected a number from 0 to {total - 1}, as --total-shards is {total}, got"
            f" none; each replica needs its own, here or in {variable_of('shard')}"
        )
    options.shard = options.shard or 0
    if not options.shard < total:
        parser.error(
            f"--shard: expected less than --total-shards, which is {total}, got {options.shard}"
        )


def _simulator_flags(parser: FlagParser) -> None:
    parser.add(
        "simulator.listen-address",
        metavar="HOST:PORT",
        default=DEFAULT_SIMULATOR_ADDRESS,
        convert=parse_address,
        help="where the simulated QuantConnect listens",
    )
    parser.add(
        "simulator.started",
        metavar="SECONDS",
        convert=_unix_time,
        help="unix time at which the simulated world begins; the same time gives the same world"
        " (default now)",
    )


def _log_flags(parser: FlagParser) -> None:
    parser.add("log.level", default="info", choices=list(LEVELS), help="least severe level logged")
    parser.add("log.format", default="logfmt", choices=list(FORMATS), help="format of log lines")


def _path(text: str) -> str:
    if not re.fullmatch(r"/[\w./~-]*", text, re.ASCII):
        raise ValueError(f"expected a path such as /metrics, got {text!r}")
    if text in _OWN_PATHS or text.startswith(_OWN_FOLDERS):
        raise ValueError(
            f"expected a path such as /metrics, got {text!r}, where the exporter answers something"
            " else"
        )
    return text


def _not_negative(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"expected a whole number, 0 or more, got {text!r}")
    return int(text)


def _positive(text: str) -> int:
    if not _not_negative(text):
        raise ValueError(f"expected a whole number, 1 or more, got {text!r}")
    return int(text)


def _unix_time(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,11}(\.[0-9]{1,9})?", text, re.ASCII):
        raise ValueError(f"expected seconds since 1970, got {text!r}")
    return float(text)


def _interval(text: str) -> float:
    expected = f"expected a duration of 1s or more, such as 30s, got {text!r}"
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise ValueError(f"{expected} ({error})" if str(error) else expected) from None
    if seconds < 1:
        raise ValueError(expected)
    return seconds
