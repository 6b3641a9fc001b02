"""Stopping by signals."""

from __future__ import annotations

import os
import signal

import pytest

from exporter.cli.signals import stop_awaited


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_that_comes_before_the_wait_ends_it(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with stop_awaited() as wait:
        os.kill(os.getpid(), number)
        assert wait()
    assert signal.getsignal(number) == before
