"""The command ``quantconnect-exporter``: parses flags, wires the rooms and returns an exit status.

Only this package wires rooms together. Each subcommand is a module that is imported only when it
runs, so that none pays for another's imports.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from exporter.cli import version
from exporter.cli.flags import parse
from exporter.cli.signals import stop_cleanly_while_starting
from exporter.cli.streams import written
from exporter.log import Log, configure, flush

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

log = Log(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    return written(lambda: _run(sys.argv[1:] if argv is None else argv))


def _run(argv: Sequence[str]) -> int:
    options = parse(argv)
    if options.version:
        print(version.line())
        return 0
    if getattr(options, "print", None):
        from exporter.cli.manual import PRINTS

        print(PRINTS[options.print](), end="")
        return 0
    configure(level=options.log_level, format=options.log_format)
    _warn_of_variables(options)
    if options.command in ("run", "demo"):
        stop_cleanly_while_starting()
    try:
        match options.command:
            case "run":
                from exporter.cli.run import run

                return run(options)
            case "demo":
                from exporter.cli.demo import demo

                return demo(options)
            case "simulate":
                from exporter.cli.simulate import simulate

                return simulate(options)
            case "doctor":
                from exporter.cli.doctor import doctor

                return doctor(options)
            case "rules":
                from exporter.cli.rules import rules

                return rules(options)
            case "dashboards":
                from exporter.cli.dashboards import dashboards

                return dashboards(options)
            case "backfill":
                from exporter.cli.backfill import backfill

                return backfill(options)
            case _:
                from exporter.cli.dump import dump

                return dump(options)
    except KeyboardInterrupt:
        return 130
    finally:
        flush()


def _warn_of_variables(options: argparse.Namespace) -> None:
    for name, meant in options.unknown_variables:
        suggestion = {"did_you_mean": meant} if meant else {}
        log.warning(
            "Environment variable is not a flag of the exporter", variable=name, **suggestion
        )
