"""What QuantConnect sends and is nobody's business: none of it leaves the exporter.

Free texts, persons, account numbers, cards and credentials are marked in the answers, and looked
for in the metrics, on the pages and in the log at debug level.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from prometheus.stack import eventually
from tests.integration.exporter_process import ExporterProcess, configure
from tests.support import Body, SimulatorServer, given_world, patched

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "Marked91c4e2"
PORTFOLIO = {"portfolio": {"holdings": {}, "cash": {"USD": {"amount": 5}}}, "success": True}
EVENT = {
    "id": f"L-1-{SECRET}",
    "message": SECRET,
    "orderFeeAmount": 1.5,
    "orderFeeCurrency": "USD",
    "time": 1_795_000_000.5,
}
ORDER = {
    "id": 1,
    "status": 3,
    "createdTime": "2026-11-17T11:00:00Z",
    "lastFillTime": "2026-11-17T11:00:01Z",
    "tag": SECRET,
    "brokerId": [SECRET],
    "contingentId": SECRET,
    "properties": {"account": SECRET, "faGroup": SECRET, "faProfile": SECRET},
}
TRADE = {
    "id": f"{SECRET}-1",
    "isWin": True,
    "profitLoss": 26.5,
    "totalFees": 2,
    "orders": [ORDER],
    "symbols": [{"value": SECRET}],
}
PERSON = dict.fromkeys(
    ("usedBy", "userProfile", "projectName", "host", "description", "name", "id"), SECRET
)
# Next to each entry that can be read stands one that cannot: its value must not be quoted either.
ANSWERS: dict[str, dict[str, object]] = {
    "live/trades/read": {"trades": [TRADE, {"id": SECRET, "orders": SECRET}, SECRET]},
    "live/logs/read": {"logs": [f"2026-11-24 09:40:00 {SECRET}"], "length": 37},
    "projects/nodes/read": {"nodes": {"live": [{**PERSON, "busy": True}, PERSON, SECRET]}},
    "account/read": {
        "organizationId": SECRET,
        "creditBalance": 2500.75,
        "card": {"brand": SECRET, "expiration": SECRET, "last4": SECRET},
    },
}
PUBLISHED = (
    *("project_auto_restart{", 'live_orders{account="default",project="One"'),
    *("live_closed_trades{", "live_log_lines{", "account_live_nodes{", "account_credit_balance{"),
)


def marked(value: Any) -> Any:
    """The same with the secret in place of every value, and as a name next to each."""
    if isinstance(value, dict):
        return {name: marked(each) for name, each in value.items()} | {SECRET: SECRET}
    return [marked(each) for each in value] if isinstance(value, list) else SECRET


def plant_form(answer: dict[str, Any]) -> None:
    for project in answer["projects"]:
        project["liveForm"] = marked(project["liveForm"])
        project["collaborators"] = marked(project["collaborators"])
        project["encryptionKey"] = SECRET
        if project["projectId"] == 2:
            project["liveForm"]["autoRestart"] = "true"


def plant_statistics(answer: dict[str, Any]) -> None:
    answer["files"] = [{"name": SECRET, "content": SECRET}]
    answer["deploymentDetails"] = {"ib-account": SECRET, SECRET: SECRET}
    answer["runtimeStatistics"] = {**dict(answer["runtimeStatistics"]), SECRET: SECRET}


def test_nothing_private_leaves_the_exporter(tmp_path: Path) -> None:
    world = given_world({1: PORTFOLIO, 2: PORTFOLIO}, names={1: "One", 2: "Two"})
    with SimulatorServer(world) as server:
        deploy_id = world.project(1).deployments[-1].deploy_id
        events = [{**EVENT, "algorithmId": deploy_id}]
        orders = [{**ORDER, "events": events}, {**ORDER, "id": 2, "events": SECRET}, SECRET]
        answers = ANSWERS | {"live/orders/read": {"orders": orders}}
        server.faults.add(patched(plant_form), endpoint="projects/read")
        server.faults.add(patched(plant_statistics), endpoint="live/read")
        for endpoint, answer in answers.items():
            body = json.dumps({**answer, "success": True}).encode()
            server.faults.add(Body(body), endpoint=endpoint)
        intervals = dict.fromkeys(
            (f"{each}_interval" for each in ("orders", "trades", "nodes", "account", "logs")), "1s"
        )
        queries = {"errors": "error"}
        file = configure(tmp_path, server.base_url, [1, 2], log_queries=queries, **intervals)
        with ExporterProcess(tmp_path, f"--config.file={file}", "--log.level=debug") as exporter:

            def missing() -> list[str]:
                metrics = exporter.get("/metrics")[1]
                return [name for name in PUBLISHED if f"\nquantconnect_{name}" not in metrics]

            eventually(lambda: not missing(), "everything was read", seconds=30.0)
            paths = ("/metrics", "/", "/config", "/projects/1", "/projects/2", "/-/ready")
            pages = [exporter.get(path)[1] for path in paths]
        assert pages[0].count("\nquantconnect_project_auto_restart{") == 1
        fields = ("autoRestart", "events", "profitLoss", "totalFees", "isWin", "busy", "expiration")
        for field in fields:
            assert f'field="{field}"' in pages[0], f"nothing was wrong with {field}"
        assert "expected true or false" in exporter.log
        assert all(pages)
        for said in (*pages, exporter.log):
            assert SECRET not in said
