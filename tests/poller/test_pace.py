from __future__ import annotations

import pytest

from exporter.metrics.reading import Source
from exporter.poller.pace import Budget, Pace, Project

PORTFOLIO, STATUS, STATISTICS = Source


def budget(pace: Pace, *projects: Project) -> Budget:
    result = Budget(pace)
    for project in projects:
        result.add(project)
    return result


def intervals(of: Budget, project: Project) -> list[float]:
    return [of.interval(project, source) for source in Source]


def test_what_fits_is_not_stretched() -> None:
    project = Project(interval=60.0, named=True)
    one = budget(Pace(1.0, 60.0, 300.0), project)
    assert one.needed == pytest.approx(1 / 60 + 1 / 60 + 1 / 300)
    assert one.stretch == 1
    assert intervals(one, project) == [60, 60, 300]


def test_what_does_not_fit_is_stretched_evenly_but_for_the_list() -> None:
    projects = [Project(interval=30.0, named=True) for _ in range(60)]
    full = budget(Pace(1.0, 60.0, 300.0), *projects)
    assert full.needed * 60 == pytest.approx(60 * 2 + 60 / 5 + 1)
    stretch = (60 / 30 + 60 / 300) / ((1 - 1 / 60) * 0.95)
    assert full.stretch == pytest.approx(stretch)
    assert intervals(full, projects[0]) == pytest.approx([30 * stretch, 60, 300 * stretch])


def test_what_does_not_run_is_read_five_times_more_rarely_and_its_status_by_itself() -> None:
    project = Project(interval=60.0, named=True, running=False)
    one = budget(Pace(1.0, 60.0, 300.0), project)
    assert intervals(one, project) == [300, 300, 1500]
    assert one.needed == pytest.approx(1 / 60 + 1 / 300 + 1 / 300 + 1 / 1500)


def test_what_is_off_costs_nothing() -> None:
    project = Project(interval=60.0, named=True, running=False)
    one = budget(Pace(1.0, 0.0, 0.0), project)
    assert one.needed == pytest.approx(1 / 300)
    assert intervals(one, project) == [300, 0, 0]


def test_removing_gives_the_budget_back() -> None:
    projects = [Project(interval=7.0 + number, named=True) for number in range(50)]
    pace = Pace(0.5, 30.0, 60.0)
    full = budget(pace, *projects)
    for project in projects[1:]:
        full.remove(project)
    alone = budget(pace, projects[0])
    assert full.needed == pytest.approx(alone.needed)
    full.change(Pace(2.0, 0.0, 0.0), projects[:1])
    assert full.needed == pytest.approx(1 / 7)


def test_the_list_leaves_a_tenth_of_a_budget_that_it_would_take_whole() -> None:
    share = Pace(calls_per_second=0.1, status_interval=5.0, statistics_interval=0.0)
    assert share.listing == pytest.approx(0.09)
    project = Project(interval=60.0, named=True)
    one = budget(share, project)
    assert one.interval(project, STATUS) == pytest.approx(1 / 0.09)
    assert one.stretch == pytest.approx(1 / 60 / (0.01 * 0.95))
    assert one.interval(project, PORTFOLIO) == pytest.approx(60 * one.stretch)
