"""projects/read: the name of a project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.quantconnect.errors import ApiError, Reason
from exporter.quantconnect.fields import excerpt, folded, sequence, utf8

if TYPE_CHECKING:
    from collections.abc import Mapping


def decode_project_name(payload: Mapping[str, object], project_id: int) -> str:
    """The project's name, which may contain folders (``Live/US momentum``).

    Raises ApiError: api_error when the project is not in the answer, malformed when the answer
    has no ``projects`` or the project no name.
    """
    answer = folded(payload)
    if "projects" not in answer:
        raise ApiError(Reason.MALFORMED, "projects/read: projects is missing, expected an array")
    for entry in sequence(answer["projects"], "projects/read: projects"):
        if not isinstance(entry, dict):
            continue
        project = folded(entry)
        if project.get("projectid") != project_id:
            continue
        name = project.get("name")
        if not isinstance(name, str) or not name:
            raise ApiError(
                Reason.MALFORMED,
                f"projects/read: name of project {project_id}: found {excerpt(name)}, "
                "expected a string",
            )
        return utf8(name)
    raise ApiError(Reason.API_ERROR, f"projects/read: project {project_id} is not in the answer")
