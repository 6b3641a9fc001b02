"""The configuration as the commands load it, check it, and say what is wrong with it."""

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
    """The configuration, or None after saying all that is wrong with it."""
    try:
        return resolve(find(options.config_file), os.environ)
    except ConfigError as error:
        complain(error, options)
        return None


def load_again(path: Path | None) -> Config:
    """The configuration of ``find`` for a reload; raises ``ConfigError``."""
    if path is not None:
        with suppress(OSError):  # of which reading it has more to say
            mode = path.stat().st_mode
            if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
                # A pipe would be waited for, perhaps for ever.
                raise ConfigError(f"{path}: expected a file, got what can be read only once")
    return resolve(path, os.environ)


def load_web(options: argparse.Namespace) -> WebConfig | None:
    """The web configuration, if there is one; raises ``ConfigError``."""
    if not options.web_config_file:
        return None
    from exporter.web.config import WebConfig

    return WebConfig(Path(options.web_config_file))


def complain(error: ConfigError, options: argparse.Namespace) -> None:
    """Say on stderr all that is wrong with a configuration, one problem a line.

    It is for people, who see it as it is; but where the log is JSON, a program reads it, and text
    in between would break it.
    """
    if options.log_format == "json":
        for problem in error.problems:
            log.error("The configuration cannot be used", problem=problem)
    else:
        print(error, file=sys.stderr)


def check(options: argparse.Namespace) -> int:
    """Say what the configurations come to, or all that is wrong with both."""
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
