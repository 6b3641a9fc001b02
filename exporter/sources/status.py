"""live/list: the live deployments of an account or of one project, and their equity.

One call lists every running deployment of the account. Only a missing project is asked for by its
id.
"""

from __future__ import annotations

from functools import partial
from math import inf
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from exporter.metrics.table import CURRENCY, PROJECT, Column, Family, Table
from exporter.quantconnect.client import Endpoint, Request
from exporter.quantconnect.errors import ApiError, Reason
from exporter.quantconnect.fields import (
    Problem,
    folded,
    number,
    positive_integer,
    problem,
    refuse_errors,
    sequence,
    text,
    timestamp,
)
from exporter.sources.source import Families, Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from exporter import config
    from exporter.sources.source import Known

RUNNING: Final = "Running"
UNKNOWN_STATUS: Final = "Unknown"
"""Any status that is none of STATUSES, a missing one included."""
STATUSES: Final = (
    "DeployError",
    "InQueue",
    RUNNING,
    "Stopped",
    "Liquidated",
    "Deleted",
    "Completed",
    "RuntimeError",
    "Invalid",
    "LoggingIn",
    "Initializing",
    "History",
    "PendingInput",
    "Idle",
)
"""The known statuses of a deployment: the API's documented ones, then those of Lean's
AlgorithmStatus that are not among them."""
NEVER_RAN: Final = frozenset(
    {"DeployError", "InQueue", "Invalid", "LoggingIn", "Initializing", "History", "PendingInput"}
)
"""The statuses of a deployment that has not run yet, or never will."""
ENDED: Final = ("Stopped", "RuntimeError", "Liquidated")
"""The statuses, other than Running, by which live/list can be filtered."""

_STATUS_BY_FOLDED: Final = {status.lower(): status for status in STATUSES}


class Deployment(Struct, frozen=True):
    """One live deployment of a project (an entry of live/list)."""

    project_id: int
    deploy_id: str
    status: str
    """One of STATUSES, or UNKNOWN_STATUS."""
    launched: float | None
    """Unix seconds."""
    stopped: float | None
    """Unix seconds."""
    brokerage: str
    environment: str
    equity: float | None
    """In the account's currency. None where 0 was sent: an account that trades is worth more."""
    error: str


class Listing(Struct, frozen=True):
    """Live deployments from live/list, and the problems of reading them."""

    deployments: tuple[Deployment, ...]
    problems: tuple[Problem, ...]

    def newest(self) -> dict[int, Deployment]:
        """Return the deployment of each project that was launched last.

        A deployment without a launch time counts as older than the others. Of two launched in the
        same second the running one counts, else the first in the answer.
        """
        result: dict[int, Deployment] = {}
        for deployment in self.deployments:
            best = result.get(deployment.project_id)
            if best is None or _recency(deployment) > _recency(best):
                result[deployment.project_id] = deployment
        return result


class Status(Struct, frozen=True):
    """The newest deployment of one project; None if it was never deployed live."""

    deployment: Deployment | None
    problems: tuple[Problem, ...] = ()

    def without_equity(self) -> Status:
        """Return the status without the equity, for use while its currency is unknown."""
        if self.deployment is None:
            return self
        return replace(self, deployment=replace(self.deployment, equity=None))


# --- Requests and decoding ------------------------------------------------------------------------


def running() -> Request[Listing]:
    """Return the call that lists the account's running deployments, one per project.

    A project is left out if its newest deployment there has another or an unreadable status:
    passing QuantConnect's filter does not prove that it runs.
    """
    return Request(Endpoint.LIVE_LIST, {"status": RUNNING}, _decode_running)


def ended(status: str) -> Request[Listing]:
    """Return the call that lists the account's deployments with a status in ENDED."""
    return Request(Endpoint.LIVE_LIST, {"status": status}, decode_deployments)


def _decode_running(payload: Mapping[str, object]) -> Listing:
    listing = decode_deployments(payload)
    newest = listing.newest().values()
    return Listing(tuple(each for each in newest if each.status == RUNNING), listing.problems)


def _decode_status(payload: Mapping[str, object], *, project_id: int) -> Status:
    listing = decode_deployments(payload, project_id=project_id)
    return Status(listing.newest().get(project_id), listing.problems)


def decode_deployments(payload: Mapping[str, object], *, project_id: int | None = None) -> Listing:
    """Return the deployments of an answer of live/list, in its order.

    ``project_id`` is the project of the call, if it names one. ``live`` may be ``[]``, ``{}`` or
    null: nothing is deployed. Raises ApiError: malformed when ``live`` is missing or anything else,
    and when no requested entry can be read though there are entries; api_error when there is no
    deployment and the answer names errors.
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
        owner = positive_integer(raw.get("projectid"))
        if owner is None:
            unread = problem("projectId", where, raw.get("projectid"), "a positive integer")
            problems.append(unread)
            continue
        where = f"live[projectId={owner}]"
        status = _status(raw, where, problems)
        if status == RUNNING and "equity" not in raw:
            problems.append(Problem("equity", where, "missing, expected a number"))
        deployments.append(
            Deployment(
                project_id=owner,
                deploy_id=text(raw, "deployId", where, problems),
                status=status,
                launched=timestamp(raw, "launched", where, problems),
                stopped=timestamp(raw, "stopped", where, problems),
                brokerage=text(raw, "brokerage", where, problems),
                environment=text(raw, "environment", where, problems),
                equity=number(raw, "equity", where, problems) or None,
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
    return Listing(tuple(deployments), tuple(problems))


def _recency(deployment: Deployment) -> tuple[float, bool]:
    launched = deployment.launched
    return -inf if launched is None else launched, deployment.status == RUNNING


def _status(raw: Mapping[str, object], where: str, problems: list[Problem]) -> str:
    """Return the known status, in any case and spacing (``stopped``, ``Runtime Error``)."""
    sent = text(raw, "status", where, problems)
    folded_status = sent.lower().replace(" ", "").replace("_", "")
    status = _STATUS_BY_FOLDED.get(folded_status, UNKNOWN_STATUS)
    if "status" not in raw:
        problems.append(Problem("status", where, "missing, expected a known status"))
    elif status is UNKNOWN_STATUS and sent:
        problems.append(problem("status", where, sent, "a known status"))
    return status


# --- Families -------------------------------------------------------------------------------------

STATUS_LABELS: Final = (*STATUSES, UNKNOWN_STATUS)


def _family(name: str, of: str, help_: str, labels: tuple[str, ...]) -> Family:
    return Family(
        f"quantconnect_live_{name}",
        f"{help_} Source: live/list, {of}, newest deployment. Read every status_interval.",
        labels,
    )


LIVE_STATUS: Table[tuple[str, bool]] = Table(
    title="Live status",
    series=f"{len(STATUS_LABELS)} series for each project that was ever deployed live:"
    f" {', '.join(f'`{status}`' for status in STATUS_LABELS)}.",
    key=lambda flag: flag[0],
    labels=lambda flag, _: {"status": flag[0]},
    columns=(
        Column(
            _family(
                "status",
                "field status",
                "1 for the status that the live deployment has, 0 for the others.",
                (*PROJECT, "status"),
            ),
            lambda flag: float(flag[1]),
        ),
    ),
)

DEPLOYMENT: Table[Deployment] = Table(
    title="Deployment",
    series="{columns} series at most for each project that was ever deployed live.",
    key=lambda deployment: (
        deployment.deploy_id,
        deployment.brokerage,
        deployment.environment,
        deployment.launched,
    ),
    labels=lambda deployment, _: {
        "deploy_id": deployment.deploy_id,
        "brokerage": deployment.brokerage,
        "trading_environment": deployment.environment,
    },
    columns=(
        Column(
            _family(
                "info",
                "fields deployId, brokerage, environment",
                "The newest live deployment, always 1.",
                (*PROJECT, "deploy_id", "brokerage", "trading_environment"),
            ),
            lambda _: 1,
            constant=True,
        ),
        Column(
            _family(
                "launched_timestamp_seconds",
                "field launched",
                "When the deployment was launched, as a unix timestamp.",
                PROJECT,
            ),
            lambda deployment: deployment.launched,
        ),
        Column(
            _family(
                "stopped_timestamp_seconds",
                "field stopped",
                "When the deployment stopped, as a unix timestamp; no sample while it runs.",
                PROJECT,
            ),
            lambda deployment: deployment.stopped,
        ),
        Column(
            _family(
                "equity",
                "field equity",
                "Total equity in the account currency; no sample where 0 is sent.",
                PROJECT + CURRENCY,
            ),
            lambda deployment: deployment.equity,
        ),
    ),
)


def _flags(status: Status, _now: float) -> Iterable[tuple[str, bool]]:
    """Return every status, True for the deployment's own; nothing without a deployment."""
    if status.deployment is None:
        return ()
    return [(label, label == status.deployment.status) for label in STATUS_LABELS]


def _request(
    project: config.ProjectSettings, _: config.Config, _known: Known[Status]
) -> Request[Status]:
    decode = partial(_decode_status, project_id=project.id)
    return Request(Endpoint.LIVE_LIST, {"projectId": project.id}, decode)


STATUS: Source[Status] = Source(
    name="status",
    request=_request,
    interval=lambda _, settings: settings.status_interval,
    families=(
        Families(LIVE_STATUS, _flags),
        Families(DEPLOYMENT, lambda status, _: [status.deployment] if status.deployment else []),
    ),
    every="`status_interval`",
    delay="a minute",
)
