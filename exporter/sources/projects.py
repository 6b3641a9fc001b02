"""projects/read: the names of projects, and their automatic restart.

One call lists the account's projects. Only a missing project is asked for by its id. ``liveForm``
holds a brokerage's credentials; only its ``autoRestart`` is read.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from exporter.metrics.table import PROJECT, Column, Family, Table
from exporter.quantconnect.client import Endpoint, Request
from exporter.quantconnect.errors import ApiError, Reason
from exporter.quantconnect.fields import (
    Problem,
    excerpt,
    folded,
    positive_integer,
    problem,
    sequence,
    utf8,
)
from exporter.sources.source import Families, Source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter import config
    from exporter.sources.source import Known

INTERVAL: Final = 3600.0
"""Seconds between two listings of an account's projects."""


class Description(Struct, frozen=True):
    """One project (an entry of projects/read)."""

    project_id: int
    name: str
    """May contain folders (``Live/US momentum``)."""
    auto_restart: bool | None
    """None for a project that was never deployed live."""
    problems: tuple[Problem, ...] = ()


class Page(Struct, frozen=True):
    """Some projects of an account, in QuantConnect's order, and the problems of reading them."""

    projects: tuple[Description, ...]
    length: int
    """The number of entries in the answer, including unreadable ones."""
    problems: tuple[Problem, ...]


# --- Requests and decoding ------------------------------------------------------------------------


def page(start: int, end: int) -> Request[Page]:
    """Return the call that lists the projects from position ``start`` to before ``end``."""
    return Request(Endpoint.PROJECTS_READ, {"start": start, "end": end}, decode_page)


def decode_page(payload: Mapping[str, object]) -> Page:
    """Return the projects of an answer of projects/read.

    A project without a readable id or name is left out. Raises ApiError (malformed) when
    ``projects`` is missing or not an array.
    """
    entries = _entries(payload)
    problems: list[Problem] = []
    projects = []
    for index, entry in enumerate(entries):
        where = f"projects[{index}]"
        if not isinstance(entry, dict):
            problems.append(problem("other", where, entry, "an object"))
            continue
        raw = folded(entry)
        project_id, name = positive_integer(raw.get("projectid")), raw.get("name")
        if project_id is None:
            problems.append(problem("projectId", where, raw.get("projectid"), "a positive integer"))
        elif not isinstance(name, str) or not name:
            problems.append(problem("name", where, name, "a string"))
        else:
            restarts = _auto_restart(raw, where, problems)
            projects.append(Description(project_id, utf8(name), restarts))
    return Page(tuple(projects), len(entries), tuple(problems))


def decode_description(payload: Mapping[str, object], *, project_id: int) -> Description:
    """Return one project of an answer of projects/read.

    Raises ApiError: api_error when the project is not in the answer, malformed when the answer has
    no ``projects`` or the project no name.
    """
    for entry in _entries(payload):
        raw = folded(entry) if isinstance(entry, dict) else {}
        if positive_integer(raw.get("projectid")) != project_id:
            continue
        name = raw.get("name")
        if not isinstance(name, str) or not name:
            raise ApiError(
                Reason.MALFORMED,
                f"projects/read: name of project {project_id}: found {excerpt(name)}, "
                "expected a string",
            )
        problems: list[Problem] = []
        restarts = _auto_restart(raw, f"projects[projectId={project_id}]", problems)
        return Description(project_id, utf8(name), restarts, tuple(problems))
    raise ApiError(Reason.API_ERROR, f"projects/read: project {project_id} is not in the answer")


def _entries(payload: Mapping[str, object]) -> list[object]:
    answer = folded(payload)
    if "projects" not in answer:
        raise ApiError(Reason.MALFORMED, "projects/read: projects is missing, expected an array")
    return sequence(answer["projects"], "projects/read: projects")


def _auto_restart(raw: Mapping[str, object], where: str, problems: list[Problem]) -> bool | None:
    """Return ``liveForm.autoRestart``: a boolean, or until February 2026 its string."""
    form = raw.get("liveform")
    sent = folded(form).get("autorestart") if isinstance(form, dict) else None
    if sent is None or isinstance(sent, bool):
        return sent
    result = {"true": True, "false": False}.get(sent.lower()) if isinstance(sent, str) else None
    if result is None:
        # Without the value: no part of a form with credentials is ever logged.
        problems.append(Problem("autoRestart", f"{where}.liveForm", "expected true or false"))
    return result


# --- Families -------------------------------------------------------------------------------------

AUTO_RESTART: Table[Description] = Table(
    title="Project settings",
    series="{columns} series for each project that was ever deployed live.",
    key=lambda _: None,
    labels=lambda _description, _row: {},
    columns=(
        Column(
            Family(
                "quantconnect_project_auto_restart",
                "1 if QuantConnect restarts the algorithm after a runtime error, else 0; as last"
                " set in the project, so for the next deployment. Source: projects/read, field"
                " liveForm.autoRestart. Read every hour.",
                PROJECT,
            ),
            lambda description: (
                None if description.auto_restart is None else float(description.auto_restart)
            ),
        ),
    ),
)


def _request(
    project: config.ProjectSettings, _: config.Config, _known: Known[Description]
) -> Request[Description]:
    decode = partial(decode_description, project_id=project.id)
    return Request(Endpoint.PROJECTS_READ, {"projectId": project.id}, decode)


DESCRIPTION: Source[Description] = Source(
    name="project",
    request=_request,
    interval=lambda _project, _settings: INTERVAL,
    families=(Families(AUTO_RESTART, lambda description, _: [description]),),
    every="hour",
    delay="none",
    is_reading_published=False,
)
