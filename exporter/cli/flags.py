"""The flags of each command, and the environment variables that set them.

Flags are named like those of other Prometheus exporters. Every flag can also be set by an
environment variable, QUANTCONNECT_EXPORTER_ and the flag in capitals; the command line takes
precedence.
"""

from __future__ import annotations

import os
import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

from exporter.cli.commands import COMMANDS, PROGRAM, epilog, stray, unknown_command
from exporter.cli.moments import moment_or_age, project_ids, target_label
from exporter.cli.parser import PREFIX, FlagParser, variable_of
from exporter.cli.rules import RUNBOOKS, runbooks_url, time_of_day
from exporter.config.duration import parse_duration
from exporter.config.values import label_name
from exporter.log import FORMATS, LEVELS
from exporter.web.listen import parse_address

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

DEFAULT_ADDRESS = "127.0.0.1:10270"
DEFAULT_SIMULATOR_ADDRESS = "127.0.0.1:10271"

# For a service named quantconnect-exporter, Kubernetes sets variables such as
# QUANTCONNECT_EXPORTER_SERVICE_HOST and QUANTCONNECT_EXPORTER_PORT_10270_TCP_ADDR.
_KUBERNETES = re.compile(r"_PORT(_|$)|_SERVICE_")
# These paths serve something other than metrics.
_OWN_PATHS = ("/", "/config")
_OWN_FOLDERS = ("/-/", "/projects/")


def parse(argv: Sequence[str], environ: Mapping[str, str] | None = None) -> argparse.Namespace:
    """Return the command and its flags; exit with a message if they are invalid.

    ``unknown_variables`` are the environment variables that look like a flag's but are not, each
    with the one probably meant, or an empty text.
    """
    environ = os.environ if environ is None else environ
    word = argv[0] if argv and not argv[0].startswith("-") else ""
    command = word if word in COMMANDS else "run"
    rest = argv[1:] if word else argv
    parser = declare(command, environ)
    if word and word not in COMMANDS:
        parser.error(unknown_command(word))
    options = parser.parse(
        rest, stray=lambda unknown: stray(unknown, argv, [flag.name for flag in parser.flags])
    )
    if command in ("run", "dump"):
        _settle_shard(parser, options)
    options.command = command
    options.unknown_variables = _unknown_variables(parser, environ)
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
    if command in ("run", "doctor", "rules", "backfill", "dump"):
        _config_flags(parser, check=command == "run")
    if command in ("run", "demo"):
        _web_flags(parser)
    if command in ("run", "dump"):
        _shard_flags(parser)
    if command in ("demo", "simulate"):
        _simulator_flags(parser)
    if command == "rules":
        _rules_flags(parser)
    if command == "backfill":
        _backfill_flags(parser)
    if command == "dashboards":
        parser.add(
            "output", metavar="DIR", default=".", help="folder to write to, created if missing"
        )
    return parser


def _unknown_variables(
    parser: FlagParser, environ: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    ours = {name for name in environ if name.startswith(PREFIX) and not _KUBERNETES.search(name)}
    if ours <= {variable_of(flag.name) for flag in parser.flags}:
        return ()
    # One environment may serve several commands.
    parsers = [declare(command, {}) for command in COMMANDS]
    known = {variable_of(flag.name).removeprefix(PREFIX) for each in parsers for flag in each.flags}
    unknown = sorted({name.removeprefix(PREFIX) for name in ours} - known)
    near = {name: get_close_matches(name, known, n=1) for name in unknown}
    return tuple((PREFIX + name, PREFIX + each[0] if each else "") for name, each in near.items())


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
            help="how often to check for a change",
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
        help="path of the metrics, other than the exporter's own paths",
    )
    parser.add(
        "web.max-requests",
        metavar="N",
        default="40",
        convert=_not_negative,
        help="most requests in parallel, further ones get 503; 0 is no limit",
    )


def _shard_flags(parser: FlagParser) -> None:
    parser.add(
        "shard",
        metavar="N",
        convert=_not_negative,
        help="this replica's share: the projects whose id modulo --total-shards is N; required if"
        " there are several",
    )
    parser.add(
        "total-shards",
        metavar="N",
        default="1",
        convert=_positive,
        help="number of replicas that share the projects and the budget of requests",
    )


def _settle_shard(parser: FlagParser, options: argparse.Namespace) -> None:
    """Default to shard 0 if it is the only one; otherwise require a number for each replica."""
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


def _rules_flags(parser: FlagParser) -> None:
    parser.add(
        "label",
        metavar="NAME",
        default=[],
        convert=label_name,
        many=True,
        help="project label (labels in the configuration) to add to alerts, repeatable;"
        " --config.file adds all of its labels, and the severities of its log queries",
    )
    parser.add(
        "day-starts",
        metavar="HH:MM",
        default="00:00",
        convert=time_of_day,
        help="when a trading day begins, UTC, for the profit and loss of a day",
    )
    parser.add(
        "runbooks",
        metavar="URL",
        default=RUNBOOKS,
        convert=runbooks_url,
        help="page with a heading for each alert, for the annotation runbook_url",
    )
    parser.add_switch(
        "past",
        help="print the recording rules for a past that was backfilled instead, for promtool tsdb"
        " create-blocks-from rules",
    )


def _backfill_flags(parser: FlagParser) -> None:
    parser.add(
        "since",
        metavar="TIME",
        default="2y",
        convert=moment_or_age,
        help="start of the past: a duration before now, a date or a timestamp",
    )
    parser.add(
        "until",
        metavar="TIME",
        default="3h",
        convert=moment_or_age,
        help="end of the past, in the same forms: the time of Prometheus's first scrape; never"
        " within the 3 hours that Prometheus keeps in memory, unless it has no samples yet",
    )
    parser.add(
        "projects",
        metavar="IDS",
        convert=project_ids,
        help="projects to read, separated by commas (default all that the exporter reads)",
    )
    parser.add(
        "target-label",
        metavar="NAME=VALUE",
        default=[],
        convert=target_label,
        many=True,
        help="label that Prometheus adds at the scrape, repeatable: job=quantconnect and instance",
    )
    parser.add(
        "output",
        metavar="DIR",
        help="folder for a file per project, created if missing; projects whose file exists are"
        " skipped (default standard output)",
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
