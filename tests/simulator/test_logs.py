"""live/logs/read: the lines of all deployments, or of one, or those with a word in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .conftest import STARTED

if TYPE_CHECKING:
    from exporter.simulator import World

    from .client import Client
    from .conftest import Clock

CRASHING, CASH_ONLY, NEVER, OLD = 23344561, 22735112, 23580029, 20655318


def logs(client: Client, project_id: int, algorithm_id: str, **parameters: object) -> Any:
    request = {
        "format": "json",
        "projectId": project_id,
        "algorithmId": algorithm_id,
        "startLine": 0,
        "endLine": 250,
    }
    answer = client.post("live/logs/read", {**request, **parameters}).json()
    assert answer["success"] is True
    return answer


def test_the_first_lines_of_a_deployment(client: Client, world: World) -> None:
    failed, second = (d.deploy_id for d in world.project(OLD).deployments)
    answer = logs(client, OLD, second, endLine=8)
    length = answer.pop("length")
    assert length > 50
    assert answer == {
        "logs": [
            f"Launching analysis for {failed} with LEAN Engine v2.5.0.0.17484",
            "Algorithm Initialization: Warming up.",
            "2026-05-11 06:06:40 Failed to initialize algorithm: no data feed.",
            f"2026-05-11 06:06:40 Algorithm Id:({failed}) is shutting down.",
            f"Launching analysis for {second} with LEAN Engine v2.5.0.0.17484",
            "Algorithm Initialization: Warming up.",
            "2026-05-12 09:30:00 Debug: New day: signals updated.",
            "2026-05-12 14:48:05 Warning: No data for 60 seconds; the last price is used.",
        ],
        "deploymentOffset": 4,
        "success": True,
    }
    only = logs(client, OLD, second, deploymentLogs=True)
    assert only["length"] == length - 4
    assert only["deploymentOffset"] == 4
    assert only["logs"][0] == answer["logs"][4]
    assert logs(client, OLD, second, startLine=length - 1, endLine=length + 100)["logs"] == [
        f"2026-06-21 06:06:40 Algorithm Id:({second}) is shutting down."
    ]
    assert logs(client, OLD, failed)["deploymentOffset"] == 0


def test_a_word(client: Client, world: World) -> None:
    _, second = (d.deploy_id for d in world.project(OLD).deployments)
    everything = logs(client, OLD, second)["logs"]
    found = [line for line in everything if "New Order Event" in line]
    assert len(found) == 16
    answer = logs(client, OLD, second, query="new ORDER event", startLine=2, endLine=4)
    assert answer == {
        "logs": found[2:4],
        "length": 16,
        "deploymentOffset": 4,
        "success": True,
    }
    assert logs(client, OLD, second, query="launching")["length"] == 2
    assert logs(client, OLD, second, query="launching", deploymentLogs=True)["length"] == 1
    for nothing in (None, ""):
        assert logs(client, OLD, second, query=nothing)["length"] == len(everything)


def test_a_crash_and_a_refused_order(client: Client, clock: Clock, world: World) -> None:
    clock.time = STARTED + 400.0
    (deployment,) = world.project(CRASHING).deployments
    (line,) = logs(client, CRASHING, deployment.deploy_id, query="Runtime Error")["logs"]
    assert line.startswith("2026-11-18 06:11:40 Runtime Error: 'NoneType'")
    assert logs(client, CRASHING, deployment.deploy_id, query="insufficient buying")["length"] == 2


def test_nothing_from_before_the_launch(client: Client, clock: Clock, world: World) -> None:
    (deployment,) = world.project(CASH_ONLY).deployments
    clock.time = deployment.launched + 60.0
    assert logs(client, CASH_ONLY, deployment.deploy_id) == {
        "logs": [
            f"Launching analysis for {deployment.deploy_id} with LEAN Engine v2.5.0.0.17484",
            "Algorithm Initialization: Warming up.",
        ],
        "length": 2,
        "deploymentOffset": 0,
        "success": True,
    }


def test_days_begin_at_the_next_opening(client: Client, clock: Clock, world: World) -> None:
    clock.time = STARTED + 5 * 3600.0  # 11:06 in New York
    world.stop(CASH_ONLY)
    deploy_id = world.start(CASH_ONLY)
    clock.time += 86_400.0
    days = logs(client, CASH_ONLY, deploy_id, deploymentLogs=True, query="new day")["logs"]
    assert days == ["2026-11-19 09:30:00 Debug: New day: signals updated."]


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"startLine": None}, "Invalid argument"),
        ({"endLine": None}, "Invalid argument"),
        ({"endLine": 251}, "Invalid argument"),
        ({"algorithmId": None}, "Invalid argument"),
        ({"query": 1}, "Invalid argument"),
        ({"algorithmId": "L-other"}, "No live deployment found"),
        ({"projectId": 1}, "Project not found"),
        ({"projectId": NEVER}, "No live deployment found"),
    ],
)
def test_refused(client: Client, parameters: dict[str, object], said: str) -> None:
    request = {"projectId": OLD, "algorithmId": "L-1", "startLine": 0, "endLine": 1, **parameters}
    answer = client.post("live/logs/read", request).json()
    assert answer == {"errors": [said], "success": False}
