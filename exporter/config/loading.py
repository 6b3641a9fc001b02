"""The ways in: a file that is named, ``quantconnect.yaml`` if it exists, or the environment.

From the environment alone comes one account: ``QUANTCONNECT_USER_ID``, ``QUANTCONNECT_API_TOKEN``
or ``QUANTCONNECT_API_TOKEN_FILE``, and ``QUANTCONNECT_PROJECTS``, a comma-separated list of ids,
where not everything live is wanted. An empty variable counts as not set.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from exporter.config.assembly import assemble
from exporter.config.problems import (
    ConfigError,
    Problems,
    describe_secret,
    describe_text,
    reason,
)
from exporter.config.reader import Leaf, Reader
from exporter.config.schema import (
    AccountEntry,
    ApiToken,
    Document,
    FilePath,
    ProjectEntry,
    ProjectId,
    UserId,
)
from exporter.config.secret import read_token_file
from exporter.config.tree import MAX_BYTES, parse
from exporter.config.validation import validate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.config.model import Config

DEFAULT_FILE: Final = "quantconnect.yaml"
ENVIRONMENT: Final = "environment"
USER_ID: Final = "QUANTCONNECT_USER_ID"
API_TOKEN: Final = "QUANTCONNECT_API_TOKEN"  # noqa: S105 - the variable's name
API_TOKEN_FILE: Final = "QUANTCONNECT_API_TOKEN_FILE"  # noqa: S105 - the variable's name
PROJECTS: Final = "QUANTCONNECT_PROJECTS"


def load(path: Path, environ: Mapping[str, str]) -> Config:
    """Return the configuration in the file, with ``${NAME}`` taken from ``environ``.

    Raises ``ConfigError`` with every problem, each as ``FILE:LINE: PATH: expected …, got …``.
    """
    source = str(path)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            f"{source}: expected a file that can be read, got: {reason(error)}"
        ) from None
    if len(content) > MAX_BYTES:
        raise ConfigError(f"{source}: expected at most {MAX_BYTES} bytes, got more")
    directory = _absolute(path, source).parent
    config, variables = _load(content, environ, source, directory)
    ignored = tuple(name for name in _given(environ) if name not in variables)
    return replace(config, ignored=ignored)


def load_text(text: str, environ: Mapping[str, str], *, source: str) -> Config:
    """Return the configuration in ``text``; messages call it ``source``.

    Relative paths in it stay relative. Raises ``ConfigError``.
    """
    config, _ = _load(text.encode(), environ, source, Path())
    return config


def _load(
    content: bytes, environ: Mapping[str, str], source: str, directory: Path
) -> tuple[Config, set[str]]:
    """Return the configuration, and the environment variables that it refers to."""
    root = parse(content, source)
    if root is None:
        raise ConfigError(
            f"{source}: expected at least accounts with a user_id and an api_token_file "
            "or api_token, got an empty file"
        )
    problems = Problems(source)
    reader = Reader(problems, environ=environ)
    document = reader.read(root, Document)
    validate(document, problems, directory=directory)
    problems.raise_if_any()
    return assemble(document, source=source, directory=directory), reader.variables


def find(config_file: str | None) -> Path | None:
    """Return the file of the configuration: the one named, else ``quantconnect.yaml``.

    None means the environment alone. Call it once, at the start: if a reload called it again, a
    default file that has been deleted would silently make the environment the configuration.
    Raises ``ConfigError`` where the current directory cannot be searched.
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
    """Return the configuration from the place that ``find`` returned; raises ``ConfigError``.

    Without a configuration, the error tells a newcomer the ways in.
    """
    if path is not None:
        return load(path, environ)
    if _given(environ):
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


def _given(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the variables that are set to configure an account."""
    names = (USER_ID, API_TOKEN, API_TOKEN_FILE, PROJECTS)
    return tuple(name for name in names if environ.get(name))


def load_from_environment(environ: Mapping[str, str]) -> Config:
    """Return the configuration; raises ``ConfigError`` with every problem, naming the variables."""
    problems = Problems(ENVIRONMENT)
    user_id = _value(USER_ID, environ.get(USER_ID), UserId, problems)
    token = _value(API_TOKEN, environ.get(API_TOKEN), ApiToken, problems)
    file = _value(API_TOKEN_FILE, environ.get(API_TOKEN_FILE), FilePath, problems)
    if user_id is None and not problems.has_failed(USER_ID):
        problems.add(USER_ID, Leaf.of(UserId).expected)
    _check_token(file, problems)
    projects = _projects(environ.get(PROJECTS), problems)
    problems.raise_if_any()
    if file is not None:
        file = str(_absolute(Path(file), f"{ENVIRONMENT}: {API_TOKEN_FILE}"))
    account = AccountEntry(
        user_id=user_id, api_token=token, api_token_file=file, projects=projects or None
    )
    return assemble(Document(accounts=(account,)), source=ENVIRONMENT, directory=Path())


def _check_token(file: str | None, problems: Problems) -> None:
    inline = problems.is_given(API_TOKEN)
    if inline == problems.is_given(API_TOKEN_FILE):
        got = "both" if inline else "neither"
        problems.add(API_TOKEN, f"either this or {API_TOKEN_FILE} to be set", got=got)
    elif file is not None:
        try:
            read_token_file(Path(file))
        except ValueError as error:
            problems.add(API_TOKEN_FILE, "a file that holds the API token", because=str(error))


def _projects(text: str | None, problems: Problems) -> tuple[ProjectEntry, ...]:
    ids: list[int] = []
    for part in text.split(",") if text else ():
        project_id = _value(PROJECTS, part.strip(), ProjectId, problems, listed=True)
        if project_id in ids:
            problems.add(PROJECTS, "each project once", got=f"{project_id} again")
        elif project_id is not None:
            ids.append(project_id)
    return tuple(ProjectEntry(id=project_id) for project_id in ids)


def _value(
    name: str, text: str | None, annotation: Any, problems: Problems, *, listed: bool = False
) -> Any:
    """Return the variable's value; None if it is not set, or does not fit (a problem)."""
    if text is None or not (text or listed):
        return None
    leaf = Leaf.of(annotation)
    described = describe_secret if annotation is ApiToken else describe_text
    problems.locate(name, line=0, got=described(text))
    try:
        return leaf.convert(text)
    except ValueError as error:
        problems.add(name, leaf.expected, because=str(error) if text.strip() else "")
        return None


def _absolute(path: Path, where: str) -> Path:
    """Return ``path`` from the root on; raises ``ConfigError`` that begins with ``where``.

    The current directory may have been removed under a process, or be closed to it.
    """
    try:
        return path.absolute()
    except OSError as error:
        raise ConfigError(
            f"{where}: expected an absolute path, or a current directory, "
            f"got: {reason(error)} for the current directory"
        ) from None
