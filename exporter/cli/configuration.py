"""Load and check the configuration for the commands, and print its problems."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from exporter.cli.findings import plural
from exporter.config import ConfigError, doubts, find, resolve
from exporter.log import Log

if TYPE_CHECKING:
    import argparse

    from exporter.config import Config
    from exporter.web.config import WebConfig

log = Log(__name__)


def load(options: argparse.Namespace) -> Config | None:
    """Return the configuration, or None after printing every problem."""
    try:
        return resolve(find(options.config_file), os.environ)
    except ConfigError as error:
        complain(error, options)
        return None


def load_again(path: Path | None) -> Config:
    """Return the configuration of ``find`` for a reload. Raise ``ConfigError``."""
    if path is not None:
        with suppress(OSError):  # reading the file explains it better
            mode = path.stat().st_mode
            if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
                # Reading a pipe could block forever.
                raise ConfigError(f"{path}: expected a regular file, got a pipe or a device")
    return resolve(path, os.environ)


def load_web(options: argparse.Namespace) -> WebConfig | None:
    """Return the web configuration, None without one. Raise ``ConfigError``."""
    if not options.web_config_file:
        return None
    from exporter.web.config import WebConfig

    return WebConfig(Path(options.web_config_file))


def complain(error: ConfigError, options: argparse.Namespace) -> None:
    """Print every problem of a configuration on stderr, one a line.

    With JSON logs, log the problems instead: a program reads stderr then, and expects JSON.
    """
    if options.log_format == "json":
        for problem in error.problems:
            log.error("The configuration cannot be used", problem=problem)
    else:
        print(error, file=sys.stderr)


def check(options: argparse.Namespace) -> int:
    """Print a summary of both configurations, or every problem of both."""
    config = load(options)
    try:
        web = load_web(options)
    except ConfigError as error:
        complain(error, options)
        return 1
    if config is None:
        return 1
    for remark in web.remarks() if web is not None else ():
        print(f"{options.web_config_file}: warning: {remark}")
    for account in config.accounts:
        listed = f"{plural(len(account.projects), 'project')} listed"
        found = "discovers live ones" if account.discover else "no discovery"
        print(f"account {account.name}: {listed}, {found}")
    for doubt in doubts(config):
        print(f"account {doubt.account}: warning: {doubt}; {doubt.advice}")
    print(f"{config.source}: ok")
    return 0
