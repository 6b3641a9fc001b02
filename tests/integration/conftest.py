"""The demo with its past, which takes long to write, and a Prometheus that watches it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.integration.demo import DemoStack, write_past

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoStack]:
    """The demo as it runs, some minutes after it began, with a month behind it."""
    with write_past(DemoStack.at(tmp_path_factory.mktemp("demo"), now=time.time())) as demo:
        yield demo
