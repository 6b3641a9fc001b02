"""What all tests share: a test that is skipped under CI fails, and says why it was skipped."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

_NEEDS = {
    "needs_prometheus": ("prometheus", "promtool"),
    "needs_alertmanager": ("prometheus-alertmanager", "amtool"),
    "needs_grafana": ("node",),
}
_GRAFANA = Path(__file__).parent / "dashboards" / "node" / "node_modules" / ".installed"


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
