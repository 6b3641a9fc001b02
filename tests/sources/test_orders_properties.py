"""However a list of orders grows and changes: reading on gives what reading it whole gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from exporter.sources.orders import ORDERS, Orders
from exporter.sources.source import Known

from .given import CONFIG, PROJECT

if TYPE_CHECKING:
    from collections.abc import Mapping

OPEN, CLOSED = (0, 1, 2, 8, 9), (3, 5, 7)
BURST = 400


class AnyList(RuleBasedStateMachine):
    """QuantConnect's list, and an exporter that reads it from time to time."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[dict[str, Any]] = []
        self.deployment = 1
        self.sent = 0  # of this deployment
        self.minutes = 0
        self.known: Orders | None = None

    @property
    def deploy_id(self) -> str:
        return f"L-{self.deployment}"

    def append(self, status: int, *, fee: float = 1.5, has_events: bool = True) -> None:
        self.minutes += 1
        self.sent += 1
        day, minute = divmod(self.minutes, 1440)
        event = {"algorithmId": self.deploy_id, "orderFeeAmount": fee, "orderFeeCurrency": "USD"}
        self.rows.append(
            {
                "deployment": self.deployment,
                "id": self.sent,
                "status": status,
                "createdTime": f"2026-11-{day + 1:02} {minute // 60:02}:{minute % 60:02}:00",
                "events": [event] if has_events else [],
            }
        )

    @rule(status=st.sampled_from((*OPEN, *CLOSED)), has_events=st.booleans())
    def an_order(self, status: int, has_events: bool) -> None:
        self.append(status, has_events=has_events or status in CLOSED)

    @rule()
    def a_burst(self) -> None:
        for _ in range(BURST):
            self.append(3)

    @rule(status=st.sampled_from((*OPEN, *CLOSED)), which=st.integers(0, 5))
    def an_open_one_changes(self, status: int, which: int) -> None:
        mine = [
            row
            for row in self.rows
            if row["deployment"] == self.deployment and row["status"] in OPEN
        ]
        if mine:
            row = mine[which % len(mine)]
            event = {"algorithmId": self.deploy_id, "status": "filled", "time": 1.0}
            row.update(status=status, events=[*row["events"], event])

    @rule()
    def a_redeploy(self) -> None:
        self.deployment += 1
        self.sent = 0

    @rule(kept=st.integers(0, 3))
    def the_oldest_are_dropped(self, kept: int) -> None:
        self.rows = self.rows[len(self.rows) - kept :] if kept else []

    @rule()
    def it_is_read(self) -> None:
        self.known = self.read(self.known)

    def read(self, known: Orders | None) -> Orders:
        for _ in range(20):
            request = ORDERS.request(PROJECT, CONFIG, Known(self.deploy_id, known))
            known = request.decode({"orders": self.rows[self.window(request.parameters)]})
            if ORDERS.is_whole(known):
                return known
        raise AssertionError("the reading does not end")

    @staticmethod
    def window(parameters: Mapping[str, Any]) -> slice:
        return slice(parameters["start"], parameters["end"])

    @invariant()
    def reading_on_is_reading_it_whole(self) -> None:
        on, whole = self.read(self.known), self.read(None)
        assert on.totals == whole.totals
        assert sum(on.totals.by_status.values()) <= len(self.rows)


TestAnyList = AnyList.TestCase
TestAnyList.settings = settings(max_examples=10, stateful_step_count=15, deadline=None)
