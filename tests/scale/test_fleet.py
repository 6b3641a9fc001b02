"""A fleet of any size, from nothing to what its owner looks at first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.sources.projects import Description, Page
from exporter.sources.status import Listing
from tests.poller.account import Account, configured
from tests.poller.given import deployment_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("projects", "currency"), [(50, "USD"), (500, "USD"), (5000, "USD"), (500, "")]
)
def test_a_fleet_has_its_status_and_equity_within_three_calls(
    tmp_path: Path, projects: int, currency: str
) -> None:
    """Those calls name no currency: where none is assumed, the equity waits for a cash book."""
    assumed = currency and f"defaults: {{account_currency: {currency}}}"
    account = Account(configured(tmp_path, "discover: {enabled: true}", assumed))
    listing = tuple(deployment_of(number) for number in range(1, projects + 1))
    page = tuple(Description(number, f"P{number}", None) for number in range(1, projects + 1))
    answers = {
        "authenticate": None,
        "live/list": Listing(listing, ()),
        "projects/read": Page(page, projects, ()),
    }
    asked = account.asks(lambda request: answers[request.endpoint], seconds=2.0)
    assert asked == ["authenticate", "running", "names"]
    assert len(account.reports()) == projects
    running_now = [line for line in account.lines() if 'status="Running"' in line]
    assert len(running_now) == projects
    equity = [line for line in account.lines() if line.startswith("quantconnect_live_equity{")]
    assert len(equity) == (projects if currency else 0)
    assert all(f'account_currency="{currency}"' in line for line in equity)
