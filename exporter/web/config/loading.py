"""The file as ``Settings`` and a TLS context, or one error with all that is wrong."""

from __future__ import annotations

import traceback
from pathlib import Path

from msgspec import Struct

from exporter.config.problems import ConfigError, Problems
from exporter.config.reader import Reader
from exporter.config.tree import MAX_BYTES, parse
from exporter.web.config.assembly import assemble, check
from exporter.web.config.files import UnreadableError, read_file
from exporter.web.config.schema import WebDocument
from exporter.web.config.settings import Settings
from exporter.web.config.tls import ServerContext, UnusableError, server_context


class Loaded(Struct, frozen=True):
    """The result of loading: ``error``, or ``settings`` and, if they have TLS, a ``context``.

    ``files`` are those that were read. The result stands until one of them changes, unless it is
    an error that is ``passing``: a file that could not be read may be readable later.
    """

    files: tuple[Path, ...]
    settings: Settings | None = None
    context: ServerContext | None = None
    error: ConfigError | None = None
    passing: bool = False


def load(path: Path, *, certificates: bool) -> Loaded:
    """Load the file and, with ``certificates``, those that it names."""
    files: tuple[Path, ...] = (path,)
    problems = Problems(str(path))
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
    except Exception as error:  # noqa: BLE001 - no fault may admit a client or fill the log
        fault = f"{path}: expected what can be used, got: {_describe(error)}"
        return Loaded(files, error=ConfigError(fault), passing=True)


def _describe(error: Exception) -> str:
    """Return the type and place of an unforeseen error; its own words may quote a secret."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}"


def _settings(path: Path, problems: Problems) -> Settings:
    root = parse(read_file(path, most=MAX_BYTES), str(path))
    if root is None:
        return Settings()  # as for the exporter-toolkit: valid, and protects nothing
    document = Reader(problems, null_is_absent=True).read(root, WebDocument)
    check(document, problems)
    problems.raise_if_any()  # before a file that it names is looked for
    return assemble(document, directory=path.absolute().parent)
