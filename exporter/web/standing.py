"""The state of a project for people, and which states are a problem."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.store import AccountReport, ProjectReport

RUNNING = "Running"
REJECTED = "rejected"
WAITING = "waiting"

FAILED = frozenset({"RuntimeError", "DeployError", "Invalid"})
"""Statuses of deployments that ended with an error."""

NEVER_DEPLOYED = "never deployed"
# Neither running nor starting: nothing manages the positions that such a deployment still has.
_ENDED = frozenset(
    {"Stopped", "Liquidated", "Deleted", "Completed", "PendingInput", "Idle", "Unknown"}
)


def does_not_run(status: str) -> bool:
    """Return whether a deployment of this status is neither running nor starting."""
    return status in FAILED or status in _ENDED


def state_of(report: ProjectReport, account: AccountReport | None) -> str:
    """Return the deployment's status, or why there is none."""
    return (
        f"its account is {account.state}" if account and _held_up(report, account) else report.state
    )


def is_alarming(report: ProjectReport, account: AccountReport | None) -> bool:
    """Return whether the state is a problem: a failure, or positions that nothing manages."""
    unmanaged = report.state in _ENDED and bool(report.positions)
    return report.state in FAILED or unmanaged or _held_up(report, account)


def in_trouble(report: ProjectReport, account: AccountReport | None) -> bool:
    """Return whether the project has a problem, so that its row comes first."""
    failing = any(source.error for source in report.sources)
    return failing or positions_withdrawn(report) or is_alarming(report, account)


def positions_unknown(report: ProjectReport) -> bool:
    """Return whether the project may have positions that the exporter does not know."""
    return report.positions is None and report.state != NEVER_DEPLOYED


def positions_withdrawn(report: ProjectReport) -> bool:
    """Return whether the positions were known and their last good read is now too old."""
    return report.positions is None and report.positions_until is not None


def _held_up(report: ProjectReport, account: AccountReport | None) -> bool:
    """Return whether nothing of the project was read yet because of its account."""
    held_up = account is not None and account.state in (REJECTED, WAITING)
    return held_up and all(source.tried is None for source in report.sources)
