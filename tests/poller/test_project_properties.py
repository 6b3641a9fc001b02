"""Whatever is answered in whatever order: positions do not end by what was not said."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from exporter.quantconnect.errors import ApiError, Reason
from exporter.sources.portfolio import PORTFOLIO, decode_portfolio

from .account import Account, configured
from .given import AAPL, HOLDING, SPY, USD, answer_of, deployment_of

NOTHING: list[Any] = [{}, [], None, {"USD": {**USD, "amount": 0, "valueInAccountCurrency": 0}}]
HELD = st.sampled_from([{SPY: HOLDING}, {SPY: HOLDING, AAPL: HOLDING}, {SPY: {"a": 1, "v": 5}}])
EMPTY: list[Any] = [{}, [], None, {SPY: {}}, {SPY: {"p": 460}}]
NOT_HELD = st.sampled_from(EMPTY)
ODD = st.sampled_from([{"success": True}, {"portfolio": {"holdings": {SPY: {"qty": 3}}}}])
DEPLOYMENTS = st.fixed_dictionaries(
    {
        "deployId": st.sampled_from(["L-1", "L-2"]),
        "status": st.sampled_from(["Running", "Initializing", "Stopped", "RuntimeError"]),
    }
)


class AnyPortfolio(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.text = "projects: [{id: 1, name: One}]"
        self.config = configured(Path(self.directory.name), self.text)
        self.one = Account(self.config)
        self.held = 0.0
        self.runs = False
        self.read_at = 0.0
        """When a portfolio was taken in last."""
        self.blank_since: float | None = None
        """Since when QuantConnect has answered with neither positions nor money."""
        self.told = False
        """The last step was an answer with money or positions in it."""

    def teardown(self) -> None:
        self.directory.cleanup()

    def answers(self, answer: dict[str, Any]) -> None:
        now, before = self.one.time.monotonic, self.one.task(PORTFOLIO).last_success
        try:
            portfolio = decode_portfolio(answer, max_holdings=1000)
        except ApiError as error:
            self.one.fails(error=error)
            return
        self.told = not portfolio.is_blank
        if self.told:
            self.blank_since = None
        elif self.blank_since is None:
            self.blank_since = now
        self.one.tells(self.one.task(PORTFOLIO), portfolio)
        if self.one.task(PORTFOLIO).last_success != before:
            self.read_at = now

    # What happens.

    @rule(holdings=HELD, money=st.sampled_from([{"USD": USD}, *NOTHING]))
    def positions(self, holdings: object, money: object) -> None:
        self.answers(_answer(holdings, money))

    @rule(holdings=NOT_HELD)
    def money(self, holdings: object) -> None:
        self.answers(_answer(holdings, {"USD": USD}))

    @rule(holdings=NOT_HELD, money=st.sampled_from(NOTHING))
    def nothing(self, holdings: object, money: object) -> None:
        self.answers(_answer(holdings, money))

    @rule(answer=ODD)
    def an_odd_answer(self, answer: dict[str, Any]) -> None:
        self.answers(answer)

    @rule(reason=st.sampled_from([Reason.HTTP_5XX, Reason.TIMEOUT, Reason.NOT_READY]))
    def a_failure(self, reason: Reason) -> None:
        self.one.fails(error=ApiError(reason, "no"))

    @rule(deployment=DEPLOYMENTS)
    def a_status(self, deployment: dict[str, Any]) -> None:
        self.one.status(**deployment)
        self.runs = deployment["status"] == "Running"

    @rule(deploy_id=st.sampled_from(["L-1", "L-2"]))
    def it_is_listed(self, deploy_id: str) -> None:
        self.one.lists(deployment_of(deployId=deploy_id))
        self.runs = True

    @rule()
    def it_is_not_listed(self) -> None:
        self.one.lists()

    @rule(seconds=st.sampled_from([1.0, 60.0, 400.0, 901.0]))
    def time_passes(self, seconds: float) -> None:
        self.one.time.passes(seconds)

    @rule()
    def a_reload(self) -> None:
        self.one.reload(configured(Path(self.directory.name), self.text))

    # What must hold.

    @invariant()
    def positions_end_only_when_quantconnect_says_so(self) -> None:
        held, now = self.one.value("holdings{"), self.one.time.monotonic
        series = [line for line in self.one.lines() if line.startswith("quantconnect_holding_q")]
        if held is None:
            assert not series
            # Withdrawn for their age, which is no number of 0.
            assert not self.held or now - self.read_at >= self.config.stale_after
        elif self.held and not held:
            believed = self.blank_since is not None and (
                self.runs and now - self.blank_since > self.config.stale_after
            )
            assert self.told or believed
        self.held = held or 0.0
        self.told = False


def _answer(holdings: object, money: object) -> dict[str, Any]:
    return {**answer_of(), "portfolio": {"holdings": holdings, "cash": money}}


TestAnyPortfolio = AnyPortfolio.TestCase
TestAnyPortfolio.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
