from __future__ import annotations

import os
import shutil

import pytest


def tool(name: str, package: str) -> str:
    """The path of a Debian tool; where it is missing, skip, but never in CI."""
    path = shutil.which(name)
    if path is None:
        reason = f"{name} is not installed (Debian: apt-get install {package})"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return path


@pytest.fixture(autouse=True)
def thrift(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Go's programs collect garbage less often, and not in parallel: a third less CPU time."""
    monkeypatch.setenv("GOGC", "400")
    monkeypatch.setenv("GOMAXPROCS", "1")


@pytest.fixture(
    scope="session", params=["promtool", *(["PROMTOOL3"] if "PROMTOOL3" in os.environ else [])]
)
def promtool(request: pytest.FixtureRequest) -> str:
    """Debian's promtool, and that of Prometheus 3 where `make linters` has built it."""
    if request.param == "promtool":
        return tool("promtool", "prometheus")
    return os.environ["PROMTOOL3"]


@pytest.fixture(scope="session")
def one_promtool() -> str:
    """That of Prometheus 3 where it has been built, which is faster, else Debian's."""
    return os.environ.get("PROMTOOL3") or tool("promtool", "prometheus")


@pytest.fixture(scope="session")
def amtool() -> str:
    return tool("amtool", "prometheus-alertmanager")


@pytest.fixture(scope="session")
def alertmanager_binary() -> str:
    return tool("prometheus-alertmanager", "prometheus-alertmanager")
