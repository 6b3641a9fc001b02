"""The configuration: YAML or environment in, frozen and validated values out.

A file goes through two stages. ``schema`` is what may be written: msgspec Structs whose
annotations carry the ranges and the words for them; ``reading`` lays a YAML document over it and
notes everything that does not fit, with its line and path, and ``validation`` what spans several
keys. Only of a document without problems does ``assembly`` make the ``Config`` of ``model``,
which is all that the rest of the exporter sees. Whatever is wrong comes out as one
``ConfigError`` with every problem in it; no message, no repr and no dump contains a secret.
"""

from __future__ import annotations

from exporter.config.doubts import Doubt, doubts
from exporter.config.errors import ConfigError
from exporter.config.fileless import load_from_environment
from exporter.config.loading import find, load, load_text, resolve
from exporter.config.model import Account, Config, Discover, Project
from exporter.config.secret import Secret, Token

__all__ = [
    "Account",
    "Config",
    "ConfigError",
    "Discover",
    "Doubt",
    "Project",
    "Secret",
    "Token",
    "doubts",
    "find",
    "load",
    "load_from_environment",
    "load_text",
    "resolve",
]
