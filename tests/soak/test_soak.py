"""The soak in short: that the hour's run would notice, and a few seconds of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from exporter.simulator import World
from tests.soak.run import soak
from tests.soak.scraper import inconsistencies
from tests.soak.truth import Key, differences, expected, published

if TYPE_CHECKING:
    from pathlib import Path


def test_a_few_seconds_of_it(tmp_path: Path) -> None:
    outcome = soak(tmp_path, seconds=6, seed=20261122, generated=2, interval="1s", pause=(0.1, 0.4))
    assert not outcome.wrong
    assert outcome.scrapes >= 5
    assert outcome.compared > 400
    assert sum(outcome.done.values()) >= 8
    assert outcome.calls > 50


def test_one_wrong_number_would_be_noticed() -> None:
    world = World.demo(started=time.time())
    world.freeze()
    should = expected(world)
    are = dict(should)
    assert not differences(should, are)
    del are[Key("quantconnect_holdings", world.project_ids[0])]
    are[Key("quantconnect_live_equity", world.project_ids[0])] += 0.01
    are[Key("quantconnect_cash_amount", 1, "USD")] = 0.0
    assert [line.partition(":")[0] for line in differences(should, are)] == [
        "Key(name='quantconnect_cash_amount', project_id=1, of='USD')",
        f"Key(name='quantconnect_holdings', project_id={world.project_ids[0]}, of='')",
        f"Key(name='quantconnect_live_equity', project_id={world.project_ids[0]}, of='')",
    ]


def test_what_is_published_is_read_from_the_exposition() -> None:
    text = (
        'quantconnect_holdings{account="x",project="a",project_id="7"} 2.0\n'
        'quantconnect_cash_amount{account="x",currency="USD",project="a",project_id="7"} 1.5\n'
        'quantconnect_live_status{account="x",project="a",project_id="7",status="Stopped"} 0.0\n'
        'quantconnect_live_status{account="x",project="a",project_id="7",status="Running"} 1.0\n'
        'quantconnect_read_success{account="x",project="a",project_id="7",source="status"} 1.0\n'
    )
    assert published(text) == {
        Key("quantconnect_holdings", 7): 2.0,
        Key("quantconnect_cash_amount", 7, "USD"): 1.5,
        Key("quantconnect_live_status", 7, "Running"): 1.0,
    }


HOLDING = 'quantconnect_holding_info{account="x",project_id="7",symbol_id="SPY"} 1.0\n'


@pytest.mark.parametrize(
    ("exposition", "complaint"),
    [
        (HOLDING + 'quantconnect_holdings{account="x",project_id="7"} 1.0\n', None),
        (HOLDING, "half a portfolio: None positions, 1 there"),
        (HOLDING + 'quantconnect_holdings{account="x",project_id="7"} 2.0\n', "half a portfolio"),
        ('quantconnect_holdings{account="x",project_id="7"} 1.0\n', "half a portfolio"),
        ('quantconnect_holdings{account="x",project_id="7"} 0.0\n' * 2, "is there twice"),
        ('quantconnect_live_equity{account="x",project_id="7"} NaN\n', "is nan"),
    ],
)
def test_a_scrape_that_cannot_be_true_is_noticed(exposition: str, complaint: str | None) -> None:
    wrong = inconsistencies(exposition, is_openmetrics=False).wrong
    assert len(wrong) == (complaint is not None)
    assert complaint is None or complaint in wrong[0]
