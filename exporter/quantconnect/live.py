"""live/list: the deployments of an account or of one project."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from exporter.quantconnect.dates import parse_timestamp
from exporter.quantconnect.errors import ApiError, Reason
from exporter.quantconnect.fields import folded, number, problem, refuse_errors, sequence, text
from exporter.quantconnect.model import STATUSES, UNKNOWN_STATUS, Deployment, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_STATUS_BY_FOLDED = {status.lower(): status for status in STATUSES}


def decode_deployments(
    payload: Mapping[str, object], *, project_id: int | None = None
) -> tuple[tuple[Deployment, ...], tuple[Problem, ...]]:
    """The deployments of an answer of live/list, in its order, and what could not be read.

    ``project_id`` is whose they are, if they were asked for one project. ``live`` may be ``[]``,
    ``{}`` or null: nothing is deployed. Raises ApiError (malformed) for what must not look like
    that: when it is missing or anything else, or when there is an entry that cannot be read and
    none that can, of the project if they are one's. And (api_error) when there is none and the
    answer names errors.
    """
    answer = folded(payload)
    if "live" not in answer:
        raise ApiError(Reason.MALFORMED, "live/list: live is missing, expected an array")
    deployments: list[Deployment] = []
    problems: list[Problem] = []
    unread: Problem | None = None
    for index, entry in enumerate(sequence(answer["live"], "live/list: live")):
        where = f"live[{index}]"
        if not isinstance(entry, dict):
            unread = problem("other", where, entry, "an object")
            problems.append(unread)
            continue
        raw = folded(entry)
        owner = raw.get("projectid")
        if type(owner) is not int or owner <= 0:
            unread = problem("projectId", where, owner, "a positive integer")
            problems.append(unread)
            continue
        where = f"live[projectId={owner}]"
        status = _status(raw, where, problems)
        if status == "Running" and "equity" not in raw:
            problems.append(Problem("equity", where, "missing, expected a number"))
        deployments.append(
            Deployment(
                project_id=owner,
                deploy_id=text(raw, "deployId", where, problems),
                status=status,
                launched=_timestamp(raw, "launched", where, problems),
                stopped=_timestamp(raw, "stopped", where, problems),
                brokerage=text(raw, "brokerage", where, problems),
                environment=text(raw, "environment", where, problems),
                equity=number(raw, "equity", where, problems),
                error=text(raw, "error", where, problems),
            )
        )
    if not any(project_id in (None, deployment.project_id) for deployment in deployments):
        none = "live/list: no deployment"
        if project_id is not None:
            none += f" of project {project_id}"
        if unread is not None:
            raise ApiError(
                Reason.MALFORMED, f"{none} can be read, {unread.where}: {unread.message}"
            )
        refuse_errors(answer, none)
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
    if "status" not in raw:
        problems.append(Problem("status", where, "missing, expected a known status"))
    elif status is UNKNOWN_STATUS and sent:
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
