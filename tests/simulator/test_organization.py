"""projects/nodes/read and account/read: what belongs to the organization."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .conftest import STARTED

if TYPE_CHECKING:
    from exporter.simulator import World

    from .client import Client
    from .conftest import Clock

EQUITIES, STOPPING, NEVER = 21048731, 23019847, 23580029


def test_the_nodes(client: Client, world: World) -> None:
    world.stop(EQUITIES)
    answer = client.post("projects/nodes/read", {"projectId": NEVER}).json()
    live = answer["nodes"].pop("live")
    running = {
        project.project_id: f"LN-{project.deployments[-1].deploy_id[2:]}"
        for project in world.projects
        if project.deployments and not project.deployments[-1].ended(world.now())
    }
    assert {node["projectId"]: node["id"] for node in live if node["busy"]} == running
    assert len(live) == len(running) + 2
    crypto = next(node for node in live if node["projectId"] == 22057483)
    assert crypto == {
        "speed": 2.5,
        "price": {"monthly": 24, "yearly": 240},
        "cpu": 1,
        "ram": 1.0,
        "name": "L1-1 node 00000003",
        "sku": "L1-1",
        "description": "",
        "usedBy": "Ada Example",
        "userProfile": "https://www.example.com/ada",
        "projectName": "Crypto momentum",
        "projectId": 22057483,
        "busy": True,
        "id": running[22057483],
        "assets": 50,
        "host": f"LIVE-{running[22057483][3:11]}",
        "active": False,
        "hasGpu": 0,
    }
    assert live[-1] == {
        **crypto,
        "name": f"L1-1 node {len(live):08d}",
        "usedBy": "",
        "userProfile": "",
        "projectName": "",
        "projectId": None,
        "busy": False,
        "id": "LN-00000000000000000000000000000002",
        "host": None,
    }
    free = {**live[-1], "speed": 2.5}
    micro = {
        **free,
        "price": {"monthly": 0, "yearly": 0},
        "cpu": 2,
        "ram": 8.0,
        "name": "B-MICRO node 00000001",
        "sku": "B-MICRO",
        "id": "BN-00000000000000000000000000000001",
    }
    assert answer == {
        "nodes": {
            "backtest": [
                micro,
                {
                    **micro,
                    "price": {"monthly": 24, "yearly": 240},
                    "cpu": 4,
                    "ram": 12.0,
                    "name": "B4-12 node 00000002",
                    "sku": "B4-12",
                    "id": "BN-00000000000000000000000000000002",
                    "assets": 100,
                    "busy": True,
                    "usedBy": "Ada Example",
                    "userProfile": "https://www.example.com/ada",
                },
            ],
            "research": [
                {
                    **micro,
                    "price": {"monthly": 14, "yearly": 140},
                    "cpu": 1,
                    "ram": 4.0,
                    "name": "R1-4 node 00000001",
                    "sku": "R1-4",
                    "id": "RN-00000000000000000000000000000001",
                }
            ],
        },
        "autoSelectNode": True,
        "success": True,
    }


def test_a_node_is_left_when_a_deployment_ends(client: Client, clock: Clock) -> None:
    def busy() -> set[int]:
        live = client.post("projects/nodes/read", {"projectId": NEVER}).json()["nodes"]["live"]
        return {node["projectId"] for node in live if node["busy"]}

    assert STOPPING in busy()
    clock.time = STARTED + 200.0
    assert STOPPING not in busy()


def test_no_project_to_ask_from(client: Client) -> None:
    for body, said in (({"projectId": -1}, "Project not found"), ({}, "Invalid argument")):
        answer = client.post("projects/nodes/read", body).json()
        assert answer == {"errors": [said], "success": False}


def test_the_account(client: Client, clock: Clock) -> None:
    answer = client.post("account/read", {}).json()
    assert answer == {
        "organizationId": "5cad178b20a1d52567b534553413b691",
        "creditBalance": 1881.45,
        "card": {"brand": "visa", "expiration": "11/27", "last4": "0042"},
        "success": True,
    }
    clock.time += 86_400.0
    assert client.post("account/read", {}).json()["creditBalance"] == 1841.45
