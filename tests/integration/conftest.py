"""The demo with its past, which takes long to write: begun at once, for whoever needs it later."""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import Future, ProcessPoolExecutor
from typing import TYPE_CHECKING

import pytest

from prometheus.stack import installed
from tests.integration.demo import DemoStack, write_past

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session", autouse=True)
def past(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Future[DemoStack] | None]:
    """The demo's past, being written while other tests wait for something.

    None where tests run beside each other: no worker knows beforehand whether it will need it.
    """
    wanted = any("demo" in getattr(item, "fixturenames", ()) for item in request.session.items)
    if not (wanted and installed()) or hasattr(request.config, "workerinput"):
        yield None
        return
    demo = DemoStack.at(tmp_path_factory.mktemp("demo"), now=time.time())
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool.submit(write_past, demo)


@pytest.fixture(scope="module")
def demo(
    past: Future[DemoStack] | None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DemoStack]:
    """The demo as it runs, some minutes after it began, with a month behind it."""
    if past is None:
        written = write_past(DemoStack.at(tmp_path_factory.mktemp("demo"), now=time.time()))
    else:
        written = past.result()
    with written as demo:
        yield demo
