from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import SimulatorServer, given_world

from .given import answer_of

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def server() -> Iterator[SimulatorServer]:
    """A simulated QuantConnect with running projects 1 to 8, project N holding N shares."""
    answers = {number: answer_of(quantity=number) for number in range(1, 9)}
    names = {number: f"P{number}" for number in answers}
    with SimulatorServer(given_world(answers, names=names)) as server:
        yield server
