"""A project's form holds a brokerage's credentials: none of it leaves the exporter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.simulator import World
from prometheus.stack import eventually
from tests.integration.exporter_process import ExporterProcess, configure
from tests.support import SimulatorServer, patched

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "Marked91c4e2"
PORTFOLIO = {"portfolio": {"holdings": {}, "cash": {"USD": {"amount": 5}}}, "success": True}


def marked(value: Any) -> Any:
    """The same with the secret in place of every value, and as a name next to each."""
    if isinstance(value, dict):
        return {name: marked(each) for name, each in value.items()} | {SECRET: SECRET}
    return [marked(each) for each in value] if isinstance(value, list) else SECRET


def plant(answer: dict[str, Any]) -> None:
    for project in answer["projects"]:
        project["liveForm"] = marked(project["liveForm"])
        if project["projectId"] == 2:
            project["liveForm"]["autoRestart"] = "true"


def test_nothing_of_a_form_but_the_restart_leaves_the_exporter(tmp_path: Path) -> None:
    world = World.from_portfolios({1: PORTFOLIO, 2: PORTFOLIO}, names={1: "One", 2: "Two"})
    with SimulatorServer(world) as server:
        server.faults.add(patched(plant), endpoint="projects/read")
        file = configure(tmp_path, server.base_url, [1, 2])
        with ExporterProcess(tmp_path, f"--config.file={file}", "--log.level=debug") as exporter:
            problem = 'problems_total{endpoint="projects/read",field="autoRestart"}'
            eventually(
                lambda: problem in exporter.get("/metrics")[1], "the form was read", seconds=30.0
            )
            paths = ("/metrics", "/", "/config", "/projects/1", "/projects/2", "/-/ready")
            pages = [exporter.get(path)[1] for path in paths]
        assert "quantconnect_project_auto_restart{" in pages[0]
        assert pages[0].count("quantconnect_project_auto_restart{") == 1
        assert "expected true or false" in exporter.log
        assert all(pages)
        for said in (*pages, exporter.log):
            assert SECRET not in said
