"""A parser on argparse, with dots in flags and an environment variable for each."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, Any, NoReturn

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

PREFIX = "QUANTCONNECT_EXPORTER_"
_YES = ("true", "1", "yes", "on")
_NO = ("", "false", "0", "no", "off")


class Flag(Struct, frozen=True):
    """A declared flag, for the help, the man page and shell completions."""

    name: str
    """Without the dashes."""
    help: str
    metavar: str | None = None
    """None for a switch, and for a flag with choices."""
    choices: tuple[str, ...] = ()
    default: str | None = None


class FlagParser:
    """The parser of a command: takes its flags one by one, then parses its command line."""

    def __init__(
        self,
        program: str,
        *,
        usage: str,
        description: str,
        epilog: str | None,
        environ: Mapping[str, str],
    ) -> None:
        self._parser = argparse.ArgumentParser(
            prog=program,
            usage=usage,
            description=description,
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        self._parser.add_argument(
            "--version", action="store_true", help="print the version and exit"
        )
        self.description = description
        self.flags: list[Flag] = []
        self._environ = environ
        self._finish: list[Callable[[argparse.Namespace], None]] = []

    def add(
        self,
        flag: str,
        *,
        help: str,  # noqa: A002
        metavar: str | None = None,
        default: str | list[str] | None = None,
        choices: Sequence[str] | None = None,
        convert: Callable[[str], object] = str,
        many: bool = False,
    ) -> None:
        """Add a flag with a value; ``many`` makes it repeatable, and its value a list."""
        shown = ", ".join(default) if isinstance(default, list) else default
        variable = variable_of(flag)
        self.flags.append(Flag(flag, help, metavar, tuple(choices or ()), shown))
        suffix = f" (default {shown}; ${variable})" if default else f" (${variable})"
        self._parser.add_argument(
            f"--{flag}",
            dest=_name(flag),
            action="append" if many else "store",
            metavar=metavar,
            choices=choices,
            help=help + suffix,
        )

        def finish(options: argparse.Namespace) -> None:
            given: Any = getattr(options, _name(flag))
            origin = f"--{flag}"
            if given is None and self._environ.get(variable):
                given, origin = self._environ[variable], variable
                given = [part.strip() for part in given.split(",")] if many else given
                if choices and given not in choices:
                    self._parser.error(
                        f"{variable}: expected one of {', '.join(choices)}, got {given!r}"
                    )
            given = default if given is None else given
            try:
                value = (
                    [convert(part) for part in given]
                    if many
                    else (None if given is None else convert(given))
                )
            except ValueError as error:
                self._parser.error(f"{origin}: {error}")
            setattr(options, _name(flag), value)

        self._finish.append(finish)

    def add_switch(self, flag: str, *, help: str) -> None:  # noqa: A002
        """Add a flag without a value."""
        variable = variable_of(flag)
        self.flags.append(Flag(flag, help))
        self._parser.add_argument(
            f"--{flag}",
            dest=_name(flag),
            action="store_true",
            default=None,
            help=f"{help} (${variable})",
        )

        def finish(options: argparse.Namespace) -> None:
            if getattr(options, _name(flag)) is None:
                said = self._environ.get(variable, "").lower()
                if said not in _YES + _NO:
                    self._parser.error(f"{variable}: expected true or false, got {said!r}")
                setattr(options, _name(flag), said in _YES)

        self._finish.append(finish)

    def add_print(self, flag: str, *, help: str) -> None:  # noqa: A002
        """Add a flag that prints something and exits; its name is then in ``options.print``."""
        self._parser.add_argument(
            f"--{flag}", dest="print", action="store_const", const=flag, help=help
        )

    def error(self, message: str) -> NoReturn:
        """End the process with the usage and this message."""
        self._parser.error(message)

    def parse(
        self, argv: Sequence[str], *, stray: Callable[[Sequence[str]], str]
    ) -> argparse.Namespace:
        """Return the flags, converted; ``stray`` words the error for unknown arguments."""
        options, unknown = self._parser.parse_known_args(argv)
        if unknown:
            self.error(stray(unknown))
        for finish in self._finish:
            finish(options)
        return options


def variable_of(flag: str) -> str:
    """Return the environment variable of a flag."""
    return PREFIX + re.sub(r"[.-]", "_", flag).upper()


def _name(flag: str) -> str:
    return re.sub(r"[.-]", "_", flag)
