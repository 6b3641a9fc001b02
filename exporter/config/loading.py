"""The ways in: a file that is named, ``quantconnect.yaml`` where one is, or the environment."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from exporter.config.assembly import assemble
from exporter.config.document import parse_document, read_document
from exporter.config.errors import ConfigError, Problems
from exporter.config.fileless import USER_ID, given, load_from_environment
from exporter.config.paths import absolute, reason
from exporter.config.reading import read
from exporter.config.validation import validate

if TYPE_CHECKING:
    from collections.abc import Mapping

    import yaml

    from exporter.config.model import Config

DEFAULT_FILE: Final = "quantconnect.yaml"


def load(path: Path, environ: Mapping[str, str]) -> Config:
    """The configuration in the file, with ``${NAME}`` taken from ``environ``.

    Raises ``ConfigError`` with every problem, each as ``FILE:LINE: PATH: expected …, got …``.
    """
    source = str(path)
    written = read_document(path, source)
    directory = absolute(path, source).parent
    config, variables = _load(written, environ, source, directory)
    ignored = tuple(name for name in given(environ) if name not in variables)
    return replace(config, ignored=ignored)


def load_text(text: str, environ: Mapping[str, str], *, source: str) -> Config:
    """The same of a document that is in no file; ``source`` is what messages call it.

    Relative paths in it stay so.
    """
    config, _ = _load(parse_document(text.encode(), source), environ, source, Path())
    return config


def _load(
    written: yaml.Node, environ: Mapping[str, str], source: str, directory: Path
) -> tuple[Config, frozenset[str]]:
    """The configuration, and the environment variables that the document refers to."""
    problems = Problems(source)
    document, variables = read(written, environ, problems, source)
    validate(document, problems, directory=directory)
    problems.raise_if_any()
    return assemble(document, source=source, directory=directory), variables


def find(config_file: str | None) -> Path | None:
    """The file that is the configuration: the one named, else ``quantconnect.yaml`` if it exists.

    None means the environment alone. To be asked once, at the start: were it asked again for a
    reload, a default file that has gone would silently make the environment the configuration.
    Raises ``ConfigError`` where it can't be told whether there is a default file.
    """
    if config_file is not None:
        return Path(config_file)
    default = Path(DEFAULT_FILE)
    try:
        default.lstat()  # a link to nothing was meant to be a file
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(
            f"{DEFAULT_FILE}: expected to see whether it is in the current directory, "
            f"got: {reason(error)}; name a file with --config.file, or start elsewhere"
        ) from None
    return default


def resolve(path: Path | None, environ: Mapping[str, str]) -> Config:
    """The configuration from where ``find`` found it; raises ``ConfigError``.

    If it is nowhere, the error tells a newcomer the ways in.
    """
    if path is not None:
        return load(path, environ)
    if given(environ):
        return load_from_environment(environ)
    raise ConfigError(
        f"no configuration: there is no {DEFAULT_FILE} here and {USER_ID} is not set",
        "either set QUANTCONNECT_USER_ID and QUANTCONNECT_API_TOKEN (or "
        "QUANTCONNECT_API_TOKEN_FILE) to read whatever is live; both are on "
        "https://www.quantconnect.com/account",
        f"or write them to {DEFAULT_FILE} (config.example.yaml explains every key), or name "
        "another file with --config.file",
        "to look around without an account: quantconnect-exporter demo",
    )
