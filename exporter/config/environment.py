"""``${NAME}`` in a value of the configuration is the environment variable of that name.

What the variable holds is taken as text, whatever it looks like: a ``${`` or a ``#`` in it means
nothing. ``$${`` stands for a plain ``${``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from exporter.config.problems import shown_name

if TYPE_CHECKING:
    from collections.abc import Mapping

_REFERENCE: Final = re.compile(r"\$\$\{|\$\{([^}]*)\}?")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Substituted(NamedTuple):
    """A value with its variables filled in, and their names in the order of appearance."""

    text: str
    names: tuple[str, ...]


class SubstitutionError(ValueError):
    """A ``${…}`` that can't be filled in: what was ``expected`` and what was ``got``."""

    def __init__(self, expected: str, got: str) -> None:
        super().__init__(expected, got)
        self.expected = expected
        self.got = got


def substitute(text: str, environ: Mapping[str, str]) -> Substituted:
    """``text`` with every ``${NAME}`` filled in; raises ``SubstitutionError``."""
    names: list[str] = []

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name is None:
            return "${"
        if not match[0].endswith("}") or not _NAME.fullmatch(name):
            raise SubstitutionError(
                "${NAME}, a name of letters, digits and _ (a plain ${ is written $${)",
                "a ${ that is something else",
            )
        if name not in environ:
            raise SubstitutionError(
                f"the environment variable {shown_name(name)} to be set", "none of that name"
            )
        names.append(name)
        return environ[name]

    return Substituted(_REFERENCE.sub(value, text), tuple(names))


def escape(text: str) -> str:
    """``text`` such that ``substitute`` gives it back."""
    return text.replace("${", "$${")
