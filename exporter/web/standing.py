"""How a project stands: what people are told of its state, and what is trouble."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.store import AccountReport, ProjectReport

RUNNING = "Running"
REJECTED = "rejected"
WAITING = "waiting"

FAILED = frozenset({"RuntimeError", "DeployError", "Invalid"})
"""Statuses of a deployment that an error ended."""

NEVER_DEPLOYED = "never deployed"
# Neither running nor on its way up: nothing manages what such a deployment still holds.
_ENDED = frozenset(
    {"Stopped", "Liquidated", "Deleted", "Completed", "PendingInput", "Idle", "Unknown"}
)


def does_not_run(status: str) -> bool:
    """Whether a deployment of this status neither runs nor is on its way up."""
    return status in FAILED or status in _ENDED


def state_of(report: ProjectReport, account: AccountReport | None) -> str:
    """The deployment's status, or why there is none."""
    return (
        f"its account is {account.state}" if account and _held_up(report, account) else report.state
    )


def is_alarming(report: ProjectReport, account: AccountReport | None) -> bool:
    """Whether the state itself is trouble: a failure, or positions that nothing manages."""
    unmanaged = report.state in _ENDED and bool(report.positions)
    return report.state in FAILED or unmanaged or _held_up(report, account)


def in_trouble(report: ProjectReport, account: AccountReport | None) -> bool:
    """Whether somebody should look at the project before the others."""
    failing = any(source.error for source in report.sources)
    return failing or positions_withdrawn(report) or is_alarming(report, account)


def positions_unknown(report: ProjectReport) -> bool:
    """Whether there may be positions that nobody here knows of, now or yet."""
    return report.positions is None and report.state != NEVER_DEPLOYED


def positions_withdrawn(report: ProjectReport) -> bool:
    """Whether the positions were known once and their last good read is too old now."""
    return report.positions is None and report.positions_until is not None


def _held_up(report: ProjectReport, account: AccountReport | None) -> bool:
    """Whether nothing of the project was read yet because its account gets nothing."""
    held_up = account is not None and account.state in (REJECTED, WAITING)
    return held_up and all(source.tried is None for source in report.sources)
