"""One account from environment variables alone, for whom a file is too much.

``QUANTCONNECT_USER_ID`` and ``QUANTCONNECT_API_TOKEN`` or ``QUANTCONNECT_API_TOKEN_FILE``;
``QUANTCONNECT_PROJECTS``, a comma-separated list of ids, where not everything live is wanted. A
variable that is empty counts as not set. All the rest is at its default.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from exporter.config.assembly import assemble
from exporter.config.errors import Problems
from exporter.config.leaf import leaf_of
from exporter.config.paths import absolute
from exporter.config.phrases import describe_secret, describe_text
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

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.config.model import Config

SOURCE: Final = "environment"
USER_ID: Final = "QUANTCONNECT_USER_ID"
API_TOKEN: Final = "QUANTCONNECT_API_TOKEN"  # noqa: S105 - the variable's name
API_TOKEN_FILE: Final = "QUANTCONNECT_API_TOKEN_FILE"  # noqa: S105 - the variable's name
PROJECTS: Final = "QUANTCONNECT_PROJECTS"


def given(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The variables with which somebody has set out to configure an account by environment."""
    names = (USER_ID, API_TOKEN, API_TOKEN_FILE, PROJECTS)
    return tuple(name for name in names if environ.get(name))


def load_from_environment(environ: Mapping[str, str]) -> Config:
    """The configuration; raises ``ConfigError`` with every problem, naming the variables."""
    problems = Problems(SOURCE)
    user_id = _value(USER_ID, environ.get(USER_ID), UserId, problems)
    token = _value(API_TOKEN, environ.get(API_TOKEN), ApiToken, problems)
    file = _value(API_TOKEN_FILE, environ.get(API_TOKEN_FILE), FilePath, problems)
    if user_id is None and not problems.failed(USER_ID):
        problems.add(USER_ID, leaf_of(UserId).expected)
    _check_token(file, problems)
    projects = _projects(environ.get(PROJECTS), problems)
    problems.raise_if_any()
    if file is not None:
        file = str(absolute(Path(file), f"{SOURCE}: {API_TOKEN_FILE}"))
    account = AccountEntry(
        user_id=user_id, api_token=token, api_token_file=file, projects=projects or None
    )
    return assemble(Document(accounts=(account,)), source=SOURCE, directory=Path())


def _check_token(file: str | None, problems: Problems) -> None:
    inline = problems.given(API_TOKEN)
    if inline == problems.given(API_TOKEN_FILE):
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
    """The variable's value, or None: if it is not set, or with a problem if it does not fit."""
    if text is None or not (text or listed):
        return None
    leaf = leaf_of(annotation)
    described = describe_secret if annotation is ApiToken else describe_text
    problems.locate(name, line=0, got=described(text))
    try:
        return leaf.convert(text)
    except ValueError as error:
        problems.add(name, leaf.expected, because=str(error) if text.strip() else "")
        return None
