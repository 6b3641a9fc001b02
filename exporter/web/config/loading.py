"""The file to ``Settings`` and a TLS context, or to one error with all that is wrong."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from pathlib import Path

from exporter.config.problems import ConfigError
from exporter.config.tree import MAX_BYTES
from exporter.config.tree import parse as parse_document
from exporter.web.config.files import UnreadableError, read_file
from exporter.web.config.problems import DiscreetProblems
from exporter.web.config.reading import read
from exporter.web.config.settings import Settings
from exporter.web.config.tls import ServerContext, UnusableError, server_context


@dataclass(frozen=True)
class Loaded:
    """What came of loading: ``error``, or ``settings`` and, if they have TLS, a ``context``.

    ``files`` are those that it came from; whatever came of it stands until one of them changes,
    unless it is an error that is ``passing``: what could not be read may be there later.
    """

    files: tuple[Path, ...]
    settings: Settings | None = None
    context: ServerContext | None = None
    error: ConfigError | None = None
    passing: bool = False


def load(path: Path, *, certificates: bool) -> Loaded:
    """Load the file, and the certificates that it names if those are asked for."""
    files: tuple[Path, ...] = (path,)
    problems = DiscreetProblems(str(path))
    context, passing = None, False
    try:
        settings = _settings(path, problems)
        if settings.tls is not None and certificates:
            files += settings.tls.files
            try:
                context = server_context(settings.tls)
            except UnusableError as error:
                problems.add(error.place, error.expected, because=error.because)
                passing = error.passing
        problems.raise_if_any()
        return Loaded(files, settings, context)
    except ConfigError as error:
        return Loaded(files, error=error, passing=passing)
    except UnreadableError as error:
        fault = f"{path}: expected a file that can be read, got: {error}"
        return Loaded(files, error=ConfigError(fault), passing=error.passing)
    except Exception as error:  # noqa: BLE001 - whatever it is, nobody must get in or fill the log
        fault = f"{path}: expected what can be used, got: {_describe(error)}"
        return Loaded(files, error=ConfigError(fault), passing=True)


def _describe(error: Exception) -> str:
    """What nobody has foreseen, and not in its own words, which may quote a secret."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}"


def _settings(path: Path, problems: DiscreetProblems) -> Settings:
    content = read_file(path, most=MAX_BYTES)
    root = parse_document(content, str(path))
    if root is None:
        return Settings()
    directory = path.absolute().parent
    settings = read(root, directory=directory, problems=problems, source=str(path))
    problems.raise_if_any()  # before a file that it names is looked for
    return settings
