"""Environment variables in values of the configuration, written ``${NAME}``.

The value of a variable is plain text: a ``${`` or a ``#`` in it has no meaning. ``$${`` stands for
a plain ``${``.
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
    """A value with its variables filled in, and their names in order."""

    text: str
    names: tuple[str, ...]


class SubstitutionError(ValueError):
    """A ``${…}`` that cannot be filled in, with the words for ``expected`` and ``got``."""

    def __init__(self, expected: str, got: str) -> None:
        super().__init__(expected, got)
        self.expected = expected
        self.got = got


def substitute(text: str, environ: Mapping[str, str]) -> Substituted:
    """Return ``text`` with every ``${NAME}`` filled in; raises ``SubstitutionError``."""
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
    """Return a text of which ``substitute`` makes ``text``."""
    return text.replace("${", "$${")
