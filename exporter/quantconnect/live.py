"""live/list: the deployments of an account or of one project."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from exporter.quantconnect.dates import parse_timestamp
from exporter.quantconnect.errors import ApiError, Reason
from exporter.quantconnect.fields import folded, number, problem, sequence, text
from exporter.quantconnect.model import STATUSES, UNKNOWN_STATUS, Deployment, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_STATUS_BY_FOLDED = {status.lower(): status for status in STATUSES}


def decode_deployments(
    payload: Mapping[str, object],
) -> tuple[tuple[Deployment, ...], tuple[Problem, ...]]:
    """The deployments of an answer of live/list, in its order, and what could not be read.

    ``live`` may be ``[]``, ``{}`` or null: nothing is deployed. Raises ApiError (malformed) when
    it is missing or anything else, for that must not look like nothing deployed.
    """
    answer = folded(payload)
    if "live" not in answer:
        raise ApiError(Reason.MALFORMED, "live/list: live is missing, expected an array")
    deployments: list[Deployment] = []
    problems: list[Problem] = []
    for index, entry in enumerate(sequence(answer["live"], "live/list: live")):
        where = f"live[{index}]"
        if not isinstance(entry, dict):
            problems.append(problem("other", where, entry, "an object"))
            continue
        raw = folded(entry)
        project_id = raw.get("projectid")
        if type(project_id) is not int or project_id <= 0:
            problems.append(problem("projectId", where, project_id, "a positive integer"))
            continue
        where = f"live[projectId={project_id}]"
        deployments.append(
            Deployment(
                project_id=project_id,
                deploy_id=text(raw, "deployId", where, problems),
                status=_status(raw, where, problems),
                launched=_timestamp(raw, "launched", where, problems),
                stopped=_timestamp(raw, "stopped", where, problems),
                brokerage=text(raw, "brokerage", where, problems),
                environment=text(raw, "environment", where, problems),
                equity=number(raw, "equity", where, problems),
                error=text(raw, "error", where, problems),
            )
        )
    return tuple(deployments), tuple(problems)


def newest(deployments: Iterable[Deployment]) -> dict[int, Deployment]:
    """The newest deployment of each project: the one launched last.

    One without a launch time is older than any that has one. Of two launched in the same second
    the running one counts, else the first in the answer.
    """
    result: dict[int, Deployment] = {}
    for deployment in deployments:
        best = result.get(deployment.project_id)
        if best is None or _recency(deployment) > _recency(best):
            result[deployment.project_id] = deployment
    return result


def _recency(deployment: Deployment) -> tuple[float, bool]:
    launched = deployment.launched
    return -inf if launched is None else launched, deployment.status == "Running"


def _status(raw: Mapping[str, object], where: str, problems: list[Problem]) -> str:
    """The known status whatever its case and spacing (``stopped``, ``Runtime Error``)."""
    sent = text(raw, "status", where, problems)
    folded_status = sent.lower().replace(" ", "").replace("_", "")
    status = _STATUS_BY_FOLDED.get(folded_status, UNKNOWN_STATUS)
    if status is UNKNOWN_STATUS and sent:
        problems.append(problem("status", where, sent, "a known status"))
    return status


def _timestamp(
    raw: Mapping[str, object], field: str, where: str, problems: list[Problem]
) -> float | None:
    try:
        return parse_timestamp(text(raw, field, where, problems))
    except ValueError as error:
        problems.append(Problem(field, where, str(error)))
        return None
