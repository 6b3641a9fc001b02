"""What describes a project and how the reading of it goes."""

from __future__ import annotations

from exporter.exposition import Renderer, samples
from exporter.metrics.project import PROJECT_INFO, PROJECT_LIMIT, READINGS
from exporter.metrics.table import Row
from tests.metrics.readings import Read

ROW = Row("main", 7, "Demo")
A = 'account="main"'
P = 'project="Demo",project_id="7"'


def test_a_project_with_labels_of_its_own() -> None:
    info = {"desk": "equities", "Region": ""}
    assert samples([Renderer(ROW).render(PROJECT_INFO, [info])]) == (
        f'quantconnect_project_info{{Region="",account="main",desk="equities",{P}}} 1.0'
    )


def test_limits() -> None:
    limits = {"max_drawdown": 0.1, "max_gross_leverage": 2}
    assert samples([Renderer(ROW).render(PROJECT_LIMIT, limits.items())]).splitlines() == [
        f'quantconnect_project_limit{{{A},limit="max_drawdown",{P}}} 0.1',
        f'quantconnect_project_limit{{{A},limit="max_gross_leverage",{P}}} 2.0',
    ]


def test_reads_before_the_first_after_a_failure_and_after_success() -> None:
    readings = [
        Read("portfolio", 60),
        Read("status", 30.5, success=False, duration=0.25),
        Read("statistics", 300, success=True, last_success=1795271400.125, duration=1.5),
    ]
    assert samples([Renderer(ROW).render(READINGS, readings)]).splitlines() == [
        f'quantconnect_read_success{{{A},{P},source="status"}} 0.0',
        f'quantconnect_read_success{{{A},{P},source="statistics"}} 1.0',
        (
            f"quantconnect_read_last_success_timestamp_seconds{{{A},{P},"
            'source="statistics"} 1.795271400125e+09'
        ),
        f'quantconnect_read_duration_seconds{{{A},{P},source="status"}} 0.25',
        f'quantconnect_read_duration_seconds{{{A},{P},source="statistics"}} 1.5',
        f'quantconnect_read_interval_seconds{{{A},{P},source="portfolio"}} 60.0',
        f'quantconnect_read_interval_seconds{{{A},{P},source="status"}} 30.5',
        f'quantconnect_read_interval_seconds{{{A},{P},source="statistics"}} 300.0',
    ]


def test_a_changed_limit_is_published() -> None:
    renderer = Renderer(ROW)
    renderer.render(PROJECT_LIMIT, [("max_drawdown", 0.1)])
    assert samples([renderer.render(PROJECT_LIMIT, [("max_drawdown", 0.2)])]).endswith(" 0.2")
