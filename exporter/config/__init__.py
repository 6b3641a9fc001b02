"""The configuration: YAML or environment in, frozen and valid values out.

``tree`` makes a YAML tree of a file, and ``reader`` lays a schema over it: ``schema`` is that of
this file, the web configuration has its own. ``validation`` checks what spans several keys. Only a
document without problems becomes the ``Config`` of ``model``, which is all that the rest of the
exporter sees. All problems come out together, as one ``ConfigError``; no message, no repr and no
dump contains a secret.
"""

from __future__ import annotations

from exporter.config.doubts import Doubt, doubts
from exporter.config.loading import find, load, load_from_environment, load_text, resolve
from exporter.config.model import Account, Config, Defaults, Discover, ProjectSettings
from exporter.config.problems import ConfigError
from exporter.config.rendering import to_yaml
from exporter.config.secret import Secret, Token

__all__ = [
    "Account",
    "Config",
    "ConfigError",
    "Defaults",
    "Discover",
    "Doubt",
    "ProjectSettings",
    "Secret",
    "Token",
    "doubts",
    "find",
    "load",
    "load_from_environment",
    "load_text",
    "resolve",
    "to_yaml",
]
