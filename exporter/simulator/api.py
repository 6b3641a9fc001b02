"""QuantConnect's read-only endpoints, answered from a world.

Takes parameters and returns the JSON answer, without HTTP. Answers that nobody has published (for
an unknown project, or one that was never deployed) are guesses, marked as such.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.simulator import chart, orders, organization, wire
from exporter.simulator.deployed import (
    live_form,
    runtime_statistics,
    server_statistics,
    source_files,
)
from exporter.simulator.logs import logs
from exporter.simulator.wire import date

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exporter.simulator.project import Deployment, Project
    from exporter.simulator.wire import Json
    from exporter.simulator.world import World

Parameters = dict[str, object]

LISTED = ("Running", "Stopped", "RuntimeError", "Liquidated")
"""The statuses that live/list can be asked for."""

NO_DEPLOYMENT = "No live deployment found"
"""What live/read says of a project that was never deployed (lean-cli's live_utils.py looks for
it); that live/portfolio/read says the same is a guess."""

MOST_ROWS, MOST_LINES = 1000, 250
"""The largest number of orders or trades, and of lines of a log, in one answer."""


class RefusedError(Exception):
    """The errors of the answer."""


class InvalidArgumentError(RefusedError):
    """A parameter is missing or invalid."""

    def __init__(self) -> None:
        super().__init__("Invalid argument")


def error(*messages: str, code: int | None = None) -> Json:
    """Return QuantConnect's answer for errors, which has status 200."""
    answer: Json = {} if code is None else {"errorCode": code}
    return {**answer, "errors": list(messages), "success": False}


@dataclass(frozen=True, slots=True)
class Api:
    """The endpoints of one world."""

    world: World

    def answer(self, endpoint: str, parameters: Parameters) -> bytes:
        """Return the answer's body for ``endpoint`` (its path below /api/v2, such as
        ``live/list``)."""
        reply = _ENDPOINTS.get(endpoint)
        if reply is None:
            # Guessed: nobody has published QuantConnect's answer to an unknown path.
            return wire.dumps(error(f"Invalid API endpoint: {endpoint}"))
        try:
            answer = reply(self, parameters)
        except RefusedError as refused:
            answer = error(*refused.args)
        return answer if isinstance(answer, bytes) else wire.dumps(answer)

    def authenticate(self, _parameters: Parameters) -> Json:
        """Return success: the server has checked the signature before."""
        return {"success": True}

    def live_portfolio_read(self, parameters: Parameters) -> Json | bytes:
        """Return the newest deployment's portfolio; none before the first snapshot (guessed)."""
        project = self._project(parameters)
        if project is None:
            return error("Project not found")
        now = self.world.now()
        deployment = project.deployment(now)
        if deployment is None:
            return error(NO_DEPLOYMENT)
        at = self.world.snapshot_time(deployment, now)
        if at is None:
            return {"success": True}
        if project.answer is not None:
            return project.answer
        state = project.book.at(at)
        return {"portfolio": wire.portfolio(state, project.format), "success": True}

    def live_list(self, parameters: Parameters) -> Json:
        """Return all deployments, the newest first, by project and status if requested."""
        status = parameters.get("status")
        if status is not None and status not in LISTED:
            raise InvalidArgumentError
        project_id = parameters.get("projectId")
        if project_id is None:
            projects = self.world.projects
        else:
            project = self._project(parameters)
            projects = [] if project is None else [project]
        now = self.world.now()
        rows = [
            (deployment, self._row(project, deployment, now))
            for project in projects
            for deployment in project.deployments
            if deployment.launched <= now and status in (None, deployment.status(now))
        ]
        rows.sort(key=lambda row: row[0].launched, reverse=True)
        return {"live": [row for _, row in rows], "success": True}

    def live_read(self, parameters: Parameters) -> Json:
        """Return the newest deployment with its statistics and its source code."""
        project = self._project(parameters)
        if project is None:
            return error("Project not found")
        now = self.world.now()
        truth = project.truth(now)
        deployment = truth.deployment
        if deployment is None:
            return error(NO_DEPLOYMENT)
        running = not deployment.ended(now)
        statistics = server = {}
        if running and truth.account is not None and truth.statistics is not None:
            statistics = runtime_statistics(project, truth.statistics, truth.account.currency, now)
            server = server_statistics(deployment, now)
        return {
            "message": deployment.error if deployment.ended(now) else "",
            "deployId": deployment.deploy_id,
            "status": truth.status,
            "cloneId": project.project_id + 1,
            "launched": date(deployment.launched, project.format),
            "stopped": date(deployment.stopped if not running else None, project.format),
            "brokerage": deployment.brokerage,
            "securityTypes": project.security_types,
            "datacenter": "NY7",
            "isPublicStreaming": False,
            "public": False,
            "description": None,
            "projectName": project.name,
            "files": source_files(project),
            "runtimeStatistics": statistics or [],
            "serverStatistics": server or [],
            "charts": {name: {"name": name} for name in chart.NAMES},
            "success": True,
            "errors": [],
        }

    def live_chart_read(self, parameters: Parameters) -> Json:
        """Return one chart over all deployments; the answer to an unknown name is a guess."""
        name = parameters.get("name")
        start, end, count = (_integer(parameters.get(each)) for each in ("start", "end", "count"))
        if name not in chart.NAMES or not 0 <= start <= end or count <= 0:
            raise InvalidArgumentError
        project, now = self._deployed(parameters), self.world.now()
        window = chart.Window(start, end, count)
        answer = chart.read(project, now, str(name), window)
        return {"chart": answer, "success": True}

    def live_orders_read(self, parameters: Parameters) -> Json:
        """Return the orders of all deployments, oldest first; ``algorithmId`` has no effect."""
        start, end = _rows(parameters, "start", "end", MOST_ROWS)
        project = self._deployed(parameters)
        found = orders.orders(project, self.world.now())
        rows = [orders.row(order, project) for order in found[start:end]]
        return {"orders": rows, "length": len(found), "success": True}

    def live_trades_read(self, parameters: Parameters) -> Json:
        """Return the closed trades of all deployments, or of the one with ``deployId``."""
        start, end = _rows(parameters, "start", "end", MOST_ROWS)
        deploy_id = parameters.get("deployId", "")
        if not isinstance(deploy_id, str):
            raise InvalidArgumentError
        project = self._deployed(parameters)
        found = [
            trade
            for trade in orders.trades(orders.orders(project, self.world.now()))
            if deploy_id in ("", trade.exit.deployment.deploy_id)
        ]
        rows = [orders.trade_row(trade, project) for trade in found[start:end]]
        return {"trades": rows, "length": len(found), "success": True}

    def live_logs_read(self, parameters: Parameters) -> Json:
        """Return the log lines that contain ``query``, of all deployments, or with
        ``deploymentLogs`` of ``algorithmId``. The answer to an unknown id is a guess."""
        start, end = _rows(parameters, "startLine", "endLine", MOST_LINES)
        query, algorithm_id = parameters.get("query") or "", parameters.get("algorithmId")
        if not isinstance(query, str) or algorithm_id is None:
            raise InvalidArgumentError
        lines = logs(self._deployed(parameters), self.world.now())
        ids = [deployment.deploy_id for deployment, _ in lines]
        if algorithm_id not in ids:
            return error(NO_DEPLOYMENT)
        only = parameters.get("deploymentLogs") in (True, "true")
        matching = [
            line
            for deployment, line in lines
            if query.lower() in line.lower() and not (only and deployment.deploy_id != algorithm_id)
        ]
        return {
            "logs": matching[start:end],
            "length": len(matching),
            "deploymentOffset": ids.index(str(algorithm_id)),
            "success": True,
        }

    def projects_nodes_read(self, parameters: Parameters) -> Json:
        """Return the organization's nodes."""
        if self._project(parameters) is None:
            return error("Project not found")
        nodes = organization.nodes(self.world.projects, self.world.now())
        return {"nodes": nodes, "autoSelectNode": True, "success": True}

    def account_read(self, _parameters: Parameters) -> Json:
        """Return the organization's credit and card."""
        return organization.account(self.world.now())

    def projects_read(self, parameters: Parameters) -> Json:
        """Return one project, all, or those from ``start`` to before ``end``."""
        if parameters.get("projectId") is not None:
            project = self._project(parameters)
            if project is None:
                return error("Project not found")
            chosen = [project]
        else:
            start = _integer(parameters.get("start", 0))
            end = parameters.get("end")
            chosen = self.world.projects[start : None if end is None else _integer(end)]
        now = self.world.now()
        return {
            "projects": [self._described(project, now) for project in chosen],
            "versions": [
                {
                    "id": 17_484,
                    "created": "2026-11-16 08:12:41",
                    "description": "LEAN v2.5.0.0.17484",
                    "public": 1,
                }
            ],
            "success": True,
        }

    def _project(self, parameters: Parameters) -> Project | None:
        project_id = _integer(parameters.get("projectId"))
        try:
            return self.world.project(project_id)
        except KeyError:
            return None

    def _deployed(self, parameters: Parameters) -> Project:
        project = self._project(parameters)
        if project is None:
            raise RefusedError("Project not found")
        if project.deployment(self.world.now()) is None:
            raise RefusedError(NO_DEPLOYMENT)
        return project

    def _row(self, project: Project, deployment: Deployment, now: float) -> Json:
        ended = deployment.ended(now)
        return {
            "projectId": project.project_id,
            "deployId": deployment.deploy_id,
            "status": deployment.status(now),
            "launched": date(deployment.launched, project.format),
            "stopped": date(deployment.stopped if ended else None, project.format),
            "brokerage": deployment.brokerage,
            "subscription": "Streaming",
            "equity": wire.number(round(project.equity(deployment, now), 2)),
            "environment": deployment.environment,
            "description": "",
            "error": deployment.error if ended else "",
            "leagues": [],
        }

    def _described(self, project: Project, now: float) -> Json:
        deployment = project.deployment(now)
        running = deployment is not None and not deployment.ended(now)
        launched = None if deployment is None else deployment.launched
        return {
            "projectId": project.project_id,
            "organizationId": organization.ID,
            "name": project.name,
            "modified": date(project.created, project.format),
            "created": date(project.created, project.format),
            "ownerId": self.world.user_id,
            "language": "Py",
            "collaborators": [
                {
                    "uid": self.world.user_id,
                    "liveControl": True,
                    "permission": "write",
                    "profileImage": "https://cdn.quantconnect.com/web/i/users/profile/0.jpeg",
                    "email": "someone@example.com",
                    "name": "Someone",
                    "bio": "",
                    "owner": True,
                }
            ],
            "leanVersionId": 17_484,
            "leanPinnedToMaster": True,
            "owner": True,
            "description": "",
            "channelId": f"{project.project_id:032x}",
            "parameters": [],
            "libraries": [],
            "grid": None,
            "liveGrid": None,
            "paperEquity": None,
            "lastLiveDeployment": date(launched, project.format),
            "liveForm": None if deployment is None else live_form(deployment),
            "encrypted": False,
            "codeRunning": running,
            "leanEnvironment": 1,
            "encryptionKey": None,
            "maxFileSize": 128_000,
            "isPinned": False,
        }


_ENDPOINTS: Mapping[str, Callable[[Api, Parameters], Json | bytes]] = {
    "authenticate": Api.authenticate,
    "live/portfolio/read": Api.live_portfolio_read,
    "live/list": Api.live_list,
    "live/read": Api.live_read,
    "live/chart/read": Api.live_chart_read,
    "live/orders/read": Api.live_orders_read,
    "live/trades/read": Api.live_trades_read,
    "live/logs/read": Api.live_logs_read,
    "projects/nodes/read": Api.projects_nodes_read,
    "account/read": Api.account_read,
    "projects/read": Api.projects_read,
}


def _rows(parameters: Parameters, start: str, end: str, most: int) -> tuple[int, int]:
    """Return the window of these parameters: its first row, and the one after its last."""
    first, after = _integer(parameters.get(start)), _integer(parameters.get(end))
    if not 0 <= first <= after <= first + most:
        raise InvalidArgumentError
    return first, after


def _integer(value: object) -> int:
    """Return a number from JSON or a form."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise InvalidArgumentError
    try:
        return int(value)
    except ValueError:
        raise InvalidArgumentError from None
