"""What was left out of a listing is said once, and again after it was gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.poller.queue import Kind, Task
from exporter.poller.trouble import Trouble
from exporter.quantconnect.model import Problem
from exporter.simulator import SimulatorServer, World, patched

from .given import answer_of, eventually, said
from .live import account, configured, eventually_read, live, projects, quick

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

LEFT_OUT = "Left out what could not be understood"


def test_once_and_again_after_it_was_gone(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "exporter")
    trouble = Trouble("main")
    odd = Problem("status", "live[0]", 'the text "Dreaming", expected a status')
    listing, single = Task(Kind.RUNNING), Task(Kind.STATUS, 5)
    for task, problems in [
        (listing, (odd,)),
        (listing, (odd,)),
        (single, (odd,)),
        (listing, ()),
        (listing, (odd,)),
    ]:
        trouble.left_out(task, problems)
    assert [(record.msg, record.fields["call"]) for record in caplog.records] == [  # type: ignore[attr-defined]
        (LEFT_OUT, "running"),
        (LEFT_OUT, "status"),
        ("Everything can be understood again", "running"),
        (LEFT_OUT, "running"),
    ]
    assert caplog.records[0].fields == {  # type: ignore[attr-defined]
        "account": "main",
        "call": "running",
        "where": "live[0]",
        "field": "status",
        "found": odd.message,
    }


def test_an_odd_equity_in_the_list(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def odd(answer: dict[str, Any]) -> None:
        answer["live"][0]["equity"] = "much"

    caplog.set_level("INFO", "exporter")
    with SimulatorServer(World.from_portfolios({101: answer_of()})) as server:
        server.faults.add(patched(odd), endpoint="live/list")
        config = quick(configured(tmp_path, account(server, projects(101))))
        with live(config) as running:
            eventually_read(running, 101)
            server.requests.wait_for(5, "live/list")
            eventually(lambda: said(caplog, LEFT_OUT))
            server.requests.wait_for(10, "live/list")
    assert len(said(caplog, LEFT_OUT)) == 1
