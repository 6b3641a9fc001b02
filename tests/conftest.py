"""What all tests share: a test that is skipped under CI fails, and says why it was skipped; and
coverage is measured only where it says something."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

_NEEDS = {
    "needs_prometheus": ("prometheus", "promtool"),
    "needs_alertmanager": ("prometheus-alertmanager", "amtool"),
    "needs_grafana": ("node",),
}
_GRAFANA = Path(__file__).parent / "dashboards" / "node" / "node_modules" / ".installed"
# The tests of the rooms must cover every line. Those of the exporter as a whole, and those with
# many random inputs, would take three times as long if their coverage were measured.
_WHOLE = {
    "benchmarks",
    "dashboards",
    "deploy",
    "faults",
    "fuzz",
    "integration",
    "rules",
    "scale",
    "soak",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for marker, programs in _NEEDS.items():
        missing = [program for program in programs if shutil.which(program) is None]
        if marker == "needs_grafana" and not _GRAFANA.exists():
            missing.append("what `make node` installs")
        if missing:
            skip = pytest.mark.skip(reason=f"not installed: {', '.join(missing)}")
            for item in items:
                if item.get_closest_marker(marker):
                    item.add_marker(skip)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    marked = any(map(item.get_closest_marker, ("unmeasured", "hypothesis")))
    with _unmeasured() if marked or item.path.parent.name in _WHOLE else nullcontext():
        return (yield)


@contextmanager
def _unmeasured() -> Iterator[None]:
    """Measure no coverage, neither here nor in processes that are started."""
    coverage = sys.modules.get("coverage")
    measuring = coverage and coverage.Coverage.current()
    if not measuring:
        yield
        return
    measuring.stop()
    os.environ.pop("COVERAGE_PROCESS_CONFIG", None)
    try:
        yield
    finally:
        measuring.start()  # sets that variable again, if its configuration has processes measured


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CI") == "true":
        report.outcome = "failed"
    return report


# A busy machine is no fault of a strategy's, and of no code's.
hypothesis.settings.register_profile(
    "tests", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("tests")
