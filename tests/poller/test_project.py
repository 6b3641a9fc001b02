from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from exporter.metrics.reading import Source
from exporter.poller.project import PublishedProject
from exporter.quantconnect.errors import ApiError, Reason
from exporter.quantconnect.portfolio import decode_portfolio
from exporter.store import Store

from .given import (
    AAPL,
    HOLDING,
    SPY,
    STARTED,
    USD,
    Time,
    answer_of,
    cash,
    config_of,
    deployment_of,
    lines,
    portfolio_of,
    said,
    statistics_of,
    value,
)

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.config import Config

INTERVALS = {Source.PORTFOLIO: 60.0, Source.STATUS: 60.0, Source.STATISTICS: 300.0}
DOWN = ApiError(Reason.HTTP_5XX, "HTTP 503 with an HTML page")
ID = 'project="One",project_id="1"'
SPY_ID = f'{ID},security_type="Equity",symbol="SPY",symbol_id="{SPY}"'


def configured(directory: Path, project: str = "", rest: str = "") -> Config:
    return config_of(
        directory,
        f"accounts: [{{user_id: 1, api_token: t, projects: [{{id: 1{project}}}]}}]\n{rest}",
    )


class Published:
    """A project in a store, and what the store has of it."""

    def __init__(self, config: Config, intervals: dict[Source, float] | None = None) -> None:
        self.time = Time()
        self.store = Store(self.time.clock)
        self.project = PublishedProject(
            config.accounts[0].projects[0],
            name="One",
            account="main",
            config=config,
            intervals=INTERVALS if intervals is None else intervals,
            store=self.store,
            clock=self.time.clock,
        )

    def reads(self, *arguments: object, **keywords: Any) -> None:
        portfolio = portfolio_of(*arguments, **keywords)
        self.project.portfolio(portfolio, duration=0.25, interval=60.0)

    def fails(self, source: Source = Source.PORTFOLIO, error: ApiError = DOWN) -> None:
        self.project.failed(source, error, duration=0.5, interval=60.0)

    def lines(self, *, but: str = "quantconnect_read_") -> list[str]:
        return lines(self.store.snapshots(), but=but)

    def value(self, start: str) -> float | None:
        return value(self.store.snapshots(), start)

    def families(self) -> set[str]:
        return {line.partition("{")[0].removeprefix("quantconnect_") for line in self.lines()}


@pytest.fixture
def one(tmp_path: Path) -> Published:
    return Published(configured(tmp_path))


# --- What is published ----------------------------------------------------------------------------


def test_before_the_first_read_there_is_only_what_is_configured(tmp_path: Path) -> None:
    one = Published(
        configured(tmp_path, ", labels: {desk: fx}, limits: {max_drawdown: 0.1}, name: Mine")
    )
    assert one.lines(but="nothing") == [
        f'quantconnect_project_info{{account="main",desk="fx",{ID}}} 1.0',
        f'quantconnect_project_limit{{limit="max_drawdown",{ID}}} 0.1',
        f'quantconnect_read_interval_seconds{{{ID},source="portfolio"}} 60.0',
        f'quantconnect_read_interval_seconds{{{ID},source="status"}} 60.0',
        f'quantconnect_read_interval_seconds{{{ID},source="statistics"}} 300.0',
    ]
    report = one.store.report(1)
    assert report is not None
    assert (report.state, report.positions) == ("not known yet", None)


def test_a_portfolio(one: Published) -> None:
    one.reads()
    assert one.lines() == [
        f'quantconnect_project_info{{account="main",{ID}}} 1.0',
        f"quantconnect_holdings{{{ID}}} 1.0",
        f"quantconnect_holding_quantity{{{SPY_ID}}} 10.0",
        f"quantconnect_holding_average_price{{{SPY_ID}}} 450.5",
        f"quantconnect_holding_market_price{{{SPY_ID}}} 460.0",
        f"quantconnect_holding_conversion_rate{{{SPY_ID}}} 1.0",
        f'quantconnect_holding_market_value{{account_currency="USD",{SPY_ID}}} 4600.0',
        f'quantconnect_holding_unrealized_pnl{{account_currency="USD",{SPY_ID}}} 94.0',
        f"quantconnect_holding_unrealized_pnl_ratio{{{SPY_ID}}} 0.025",
        (
            'quantconnect_holding_info{currency_symbol="$",market="usa",option_right="",'
            f'{ID},security_type="Equity",strike="",symbol="SPY",symbol_id="{SPY}",underlying=""}}'
            " 1.0"
        ),
        f'quantconnect_cash_amount{{currency="USD",{ID}}} 1000.5',
        f'quantconnect_cash_conversion_rate{{currency="USD",{ID}}} 1.0',
        f'quantconnect_cash_value{{account_currency="USD",currency="USD",{ID}}} 1000.5',
    ]
    reads = [line for line in one.lines(but="nothing") if 'source="portfolio"' in line]
    assert reads == [
        f'quantconnect_read_success{{{ID},source="portfolio"}} 1.0',
        f'quantconnect_read_last_success_timestamp_seconds{{{ID},source="portfolio"}} 1.795e+09',
        f'quantconnect_read_duration_seconds{{{ID},source="portfolio"}} 0.25',
        f'quantconnect_read_interval_seconds{{{ID},source="portfolio"}} 60.0',
    ]


def test_status_and_statistics(tmp_path: Path) -> None:
    one = Published(configured(tmp_path, ", account_currency: EUR, statistics: [Mood]"))
    one.project.status(deployment_of(), duration=0.1, interval=60.0)
    one.project.statistics(statistics_of(["Mood"], Mood="7"), duration=0.1, interval=300.0)
    eur = f'account_currency="EUR",{ID}'
    published = one.lines()
    running = [line for line in published if "_live_status{" in line and line.endswith(" 1.0")]
    assert running == [f'quantconnect_live_status{{{ID},status="Running"}} 1.0']
    assert [line for line in published if "_live_" in line and "_live_status{" not in line] == [
        (
            'quantconnect_live_info{brokerage="PaperBrokerage",deploy_id="L-1",'
            f'{ID},trading_environment="paper"}} 1.0'
        ),
        f"quantconnect_live_launched_timestamp_seconds{{{ID}}} 1.7949096e+09",
        f"quantconnect_live_equity{{{eur}}} 101000.25",
        f"quantconnect_live_volume{{{eur}}} 5.0",
        f"quantconnect_live_return_ratio{{{ID}}} 0.015",
        f'quantconnect_live_custom_statistic{{{ID},statistic="Mood"}} 7.0',
    ]
    report = one.store.report(1)
    assert report is not None
    assert report.state == "Running"


def test_a_closed_position_vanishes_at_the_next_read(one: Published) -> None:
    one.reads({SPY: HOLDING, AAPL: HOLDING})
    assert one.value("quantconnect_holdings{") == 2
    one.reads({SPY: HOLDING})
    assert one.value("quantconnect_holdings{") == 1
    assert not [line for line in one.lines() if "AAPL" in line]
    one.reads({})
    assert one.value("quantconnect_holdings{") == 0
    assert one.families() == {
        *("project_info", "holdings", "cash_amount", "cash_conversion_rate", "cash_value")
    }


def test_a_failure_changes_no_number(one: Published) -> None:
    one.reads()
    one.project.status(deployment_of(), duration=0.1, interval=60.0)
    before = one.lines()
    one.time.passes(60.0)
    for source in Source:
        one.fails(source)
    assert one.lines() == before
    for source in Source:
        assert one.value(f'quantconnect_read_success{{{ID},source="{source.value}"') == 0
        assert one.value(f'quantconnect_read_duration_seconds{{{ID},source="{source.value}"') == 0.5
    last = f"quantconnect_read_last_success_timestamp_seconds{{{ID},source="
    assert one.value(f'{last}"portfolio"') == one.value(f'{last}"status"') == STARTED
    assert one.value(f'{last}"statistics"') is None


# --- Ages -----------------------------------------------------------------------------------------


def test_each_source_is_withdrawn_by_its_own_age(one: Published) -> None:
    one.reads()
    one.time.passes(300.0)
    one.project.status(deployment_of(), duration=0.1, interval=60.0)
    one.project.statistics(statistics_of(), duration=0.1, interval=400.0)
    one.time.passes(599.0)
    assert {"holdings", "live_equity", "live_volume"} <= one.families()
    one.time.passes(1.0)  # 900 s after the portfolio was read
    assert one.families() & {"holdings", "live_equity", "live_volume"} == {
        "live_equity",
        "live_volume",
    }
    one.time.passes(300.0)  # as long after the status; the statistics have three of their intervals
    assert one.families() & {"holdings", "live_equity", "live_volume"} == {"live_volume"}
    one.time.passes(300.0)
    assert one.families() == {"project_info"}
    assert one.value(f'quantconnect_read_success{{{ID},source="portfolio"') == 1
    last = f"quantconnect_read_last_success_timestamp_seconds{{{ID},source="
    assert one.value(f'{last}"portfolio"') == STARTED
    assert one.value(f'{last}"status"') == STARTED + 300


def test_a_failed_read_does_not_make_anything_younger(one: Published) -> None:
    one.reads()
    one.time.passes(899.0)
    one.fails()
    assert one.value("quantconnect_holdings{") == 1
    one.time.passes(1.0)
    assert one.value("quantconnect_holdings{") is None


def test_the_interval_in_force_decides_when_it_is_longer(one: Published) -> None:
    one.reads()
    one.project.intervals({Source.PORTFOLIO: 1000.0})
    assert one.value(f'quantconnect_read_interval_seconds{{{ID},source="portfolio"') == 1000
    one.time.passes(2999.0)
    assert one.value("quantconnect_holdings{") == 1
    one.time.passes(1.0)
    assert one.value("quantconnect_holdings{") is None


def test_a_status_that_is_not_fresh_is_as_old_as_it_is(one: Published) -> None:
    one.time.passes(1000.0)
    one.project.status(deployment_of(), duration=0.1, interval=60.0, age=400.0)
    last = f'quantconnect_read_last_success_timestamp_seconds{{{ID},source="status"'
    assert one.value(last) == STARTED + 600.0
    one.time.passes(499.0)
    assert "live_info" in one.families()
    one.time.passes(1.0)
    assert "live_info" not in one.families()


# --- The deployment -------------------------------------------------------------------------------


def test_never_deployed_has_no_live_series(one: Published) -> None:
    one.project.status(None, duration=0.1, interval=300.0)
    one.project.statistics(statistics_of(), duration=0.1, interval=300.0)
    assert one.families() == {"project_info"}
    assert one.value(f'quantconnect_read_success{{{ID},source="status"') == 1
    report = one.store.report(1)
    assert report is not None
    assert report.state == "never deployed"
    one.project.status(deployment_of(), duration=0.1, interval=60.0)
    assert {"live_info", "live_return_ratio"} <= one.families()


def test_no_equity_of_what_does_not_run(one: Published) -> None:
    one.reads()
    stopped = deployment_of(status="Stopped", stopped="2026-11-18 10:00:00", equity=0)
    one.project.status(stopped, duration=0.1, interval=300.0)
    assert one.value(f'quantconnect_live_status{{{ID},status="Stopped"') == 1
    assert "live_equity" not in one.families()
    assert "live_stopped_timestamp_seconds" in one.families()


# --- The account's currency -----------------------------------------------------------------------


def currencies(one: Published) -> set[str]:
    found = (line.partition('account_currency="') for line in one.lines())
    return {rest.partition('"')[0] for _, label, rest in found if label}


def test_a_configured_currency_is_not_inferred(tmp_path: Path) -> None:
    one = Published(configured(tmp_path, ", account_currency: EUR"))
    one.project.status(deployment_of(), duration=0.1, interval=60.0)
    one.reads()
    assert currencies(one) == {"EUR"}


def test_what_carries_the_currency_waits_for_the_first_cash_book(one: Published) -> None:
    one.project.status(deployment_of(), duration=0.1, interval=60.0)
    one.project.statistics(statistics_of(), duration=0.1, interval=300.0)
    assert one.families() & {"live_equity", "live_volume", "live_return_ratio"} == {
        "live_return_ratio"
    }
    one.reads({}, {})  # an account that isn't funded yet says nothing
    assert "live_equity" not in one.families()
    one.reads({}, {"EUR": cash("EUR"), "USD": cash("USD", 0.9, converted=True)})
    assert {"live_equity", "live_volume", "live_return_ratio"} <= one.families()
    assert currencies(one) == {"EUR"}


def test_the_currency_stays_whatever_the_cash_book_says_later(one: Published) -> None:
    one.reads()
    one.reads({}, {"USD": cash("USD"), "USDT": cash("USDT")})  # which of them cannot be told
    assert one.value("quantconnect_holdings{") == 0
    assert currencies(one) == {"USD"}


def test_an_ambiguous_currency_is_none_with_a_warning(
    one: Published, caplog: pytest.LogCaptureFixture
) -> None:
    money = {"USD": cash("USD"), "USDT": cash("USDT")}
    one.reads(None, money)
    one.reads(None, money)
    assert currencies(one) == {""}
    [warning] = said(caplog, "The account currency cannot be told")
    assert warning["currencies"] == "USD,USDT"


def test_a_portfolio_in_another_currency_is_not_published_under_the_old_one(
    one: Published, tmp_path: Path
) -> None:
    one.project.status(deployment_of(), duration=0.1, interval=60.0)
    one.reads()
    before = one.lines()
    euros = {"EUR": cash("EUR")}
    with pytest.raises(ApiError, match="the account is in EUR now, and its series say USD") as told:
        one.reads(None, euros, quantity=5)
    assert told.value.reason is Reason.MALFORMED
    assert one.lines() == before
    one.reads(None, {"USD": USD, "EUR": cash("EUR", 1.1)}, quantity=6)  # it was a passing fault
    assert one.value("quantconnect_holding_quantity{") == 6
    with pytest.raises(ApiError):
        one.reads(None, euros)
    reconfigure(one, configured(tmp_path), INTERVALS)
    assert "holding_quantity" not in one.families()
    assert currencies(one) == set()
    one.reads(None, euros, quantity=5)
    assert currencies(one) == {"EUR"}
    assert one.value("quantconnect_holding_quantity{") == 5
    reconfigure(one, configured(tmp_path), INTERVALS)
    assert currencies(one) == {"EUR"}


def test_nor_is_anything_else_of_the_other_account(one: Published, tmp_path: Path) -> None:
    """Equity and statistics know no currency of their own."""

    def told(equity: float, fees: str) -> None:
        deployment = deployment_of(deployId="L-2", equity=equity)
        one.project.status(deployment, duration=0.1, interval=60.0)
        one.project.statistics(statistics_of(Fees=fees), duration=0.1, interval=300.0)

    equity, fees = "quantconnect_live_equity{", "quantconnect_live_fees{"
    told(100_000, "-$9.00")
    one.reads()
    assert (one.value(equity), one.value(fees)) == (100_000, 9)
    yen = {"JPY": cash("JPY")}
    with pytest.raises(ApiError):
        one.reads(None, yen)
    one.fails(error=ApiError(Reason.MALFORMED, "the account is in JPY now"))
    assert (one.value(equity), one.value(fees)) == (None, None)
    told(15_000_000, "-¥900.00")
    assert (one.value(equity), one.value(fees)) == (None, None)
    assert "quantconnect_live_status{" + ID in "".join(one.lines())
    one.reads()  # it was a passing fault after all
    assert (one.value(equity), one.value(fees)) == (15_000_000, 900)
    with pytest.raises(ApiError):
        one.reads(None, yen)
    reconfigure(one, configured(tmp_path), INTERVALS)
    assert one.value(equity) is None
    one.reads(None, yen)
    assert currencies(one) == {"JPY"}
    assert (one.value(equity), one.value(fees)) == (None, None)  # what is known is of before
    told(15_000_001, "-¥901.00")
    assert (one.value(equity), one.value(fees)) == (15_000_001, 901)


@pytest.mark.parametrize(
    "book",
    [
        {},
        {"JPY": cash("JPY", 0.0)},
        {"USD": cash("USD", None), "JPY": cash("JPY")},
    ],
)
def test_a_cash_book_that_does_not_tell_ends_no_doubt_and_begins_none(
    one: Published, book: dict[str, Any]
) -> None:
    one.reads()
    one.project.status(deployment_of(), duration=0.1, interval=60.0)
    one.reads({}, book)
    assert one.value("quantconnect_live_equity{") is not None
    with pytest.raises(ApiError):
        one.reads({}, {"JPY": cash("JPY")})
    one.project.status(deployment_of(equity=15e6), duration=0.1, interval=60.0)
    with pytest.raises(ApiError, match="in JPY now"):
        one.reads({}, book)
    assert one.value("quantconnect_live_equity{") is None


def test_a_currency_that_is_not_at_par_is_the_accounts_no_longer(one: Published) -> None:
    one.reads()
    stable = {"USDT": cash("USDT"), "USDC": cash("USDC")}
    one.reads(None, {"USD": cash("USD"), **stable})
    assert currencies(one) == {"USD"}
    with pytest.raises(ApiError, match="the account is in USDT or USDC now"):
        one.reads(None, {"USD": cash("USD", 150.0, converted=True), **stable})


@pytest.mark.parametrize("moved", [{"brokerage": "Kraken"}, {"environment": "elsewhere"}])
def test_a_deployment_at_another_brokerage_may_be_in_another_currency(
    one: Published, moved: dict[str, str]
) -> None:
    """Its equity is listed at once, and it has no portfolio for ten minutes."""

    def told(equity: float, **of: str) -> None:
        deployment = deployment_of(1, equity=equity, **of)
        one.project.status(deployment, duration=0.1, interval=60.0)

    equity, fees = "quantconnect_live_equity{", "quantconnect_live_fees{"
    one.reads()
    told(100_000)
    one.project.statistics(statistics_of(Fees="-$9.00"), duration=0.1, interval=300.0)
    told(100_001, deployId="L-2")  # another one of the same account
    assert (one.value(equity), one.value(fees)) == (100_001, 9)
    for _ in range(2):
        told(15_000_000, deployId="L-3", **moved)
        assert (one.value(equity), one.value(fees)) == (None, None)
    one.reads({}, {})  # which does not tell
    assert one.value(equity) is None
    one.reads()
    assert (one.value(equity), one.value(fees)) == (15_000_000, None)
    told(15_000_000, deployId="L-3", **moved)
    assert one.value(equity) == 15_000_000


def test_a_reload_may_end_the_doubt(one: Published, tmp_path: Path) -> None:
    equity = "quantconnect_live_equity{"
    one.reads()
    with pytest.raises(ApiError):
        one.reads(None, {"JPY": cash("JPY")})
    one.project.status(deployment_of(equity=7), duration=0.1, interval=60.0)
    assert one.value(equity) is None
    reconfigure(one, configured(tmp_path, ", account_currency: USD"), INTERVALS)
    assert currencies(one) == {"USD"}
    assert one.value(equity) == 7
    one.reads(None, {"JPY": cash("JPY")})  # who configures one knows better
    reconfigure(one, configured(tmp_path), INTERVALS)
    assert currencies(one) == {"JPY"}
    assert one.value(equity) == 7


def test_an_ambiguous_currency_is_told_anew_at_a_reload(one: Published, tmp_path: Path) -> None:
    one.reads(None, {"USD": cash("USD"), "USDT": cash("USDT")})
    one.reads()
    assert currencies(one) == {""}
    reconfigure(one, configured(tmp_path), INTERVALS)
    assert currencies(one) == {"USD"}


def test_a_shorter_interval_makes_nothing_old(tmp_path: Path) -> None:
    """As when a stopped project starts again, and has no portfolio for a while."""
    slow = {Source.PORTFOLIO: 3000.0, Source.STATUS: 300.0, Source.STATISTICS: 1500.0}
    one = Published(configured(tmp_path, "", "scrape_interval: 10m\n"), slow)
    one.project.portfolio(portfolio_of(), duration=0.1, interval=3000.0)
    one.time.passes(2900)
    one.project.intervals(INTERVALS | {Source.PORTFOLIO: 600.0})
    assert one.value("quantconnect_holding_quantity{") is not None
    one.time.passes(3 * 3000 - 2900 - 1)
    assert one.value("quantconnect_holding_quantity{") is not None
    one.time.passes(2)
    assert one.value("quantconnect_holding_quantity{") is None
    one.project.portfolio(portfolio_of(), duration=0.1, interval=600.0)
    one.time.passes(3 * 600 + 1)
    assert one.value("quantconnect_holding_quantity{") is None


def test_a_cash_book_that_contradicts_the_configured_currency_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one = Published(configured(tmp_path, ", account_currency: EUR"))
    for _ in range(2):
        one.reads()
    assert currencies(one) == {"EUR"}
    [warning] = said(caplog, "The cash book is in another currency")
    assert (warning["account_currency"], warning["found"]) == ("EUR", "USD")


# --- What is logged -------------------------------------------------------------------------------


def test_a_failure_is_said_once_and_so_is_the_recovery(
    one: Published, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "exporter")
    for _ in range(3):
        one.fails()
    assert [entry["reason"] for entry in said(caplog, "Reading failed")] == ["http_5xx"]
    one.fails(error=ApiError(Reason.TIMEOUT, "no answer"))
    assert len(said(caplog, "Reading failed")) == 2
    for _ in range(2):
        one.reads()
    assert [entry["source"] for entry in said(caplog, "Reading works again")] == ["portfolio"]
    one.fails()
    assert len(said(caplog, "Reading failed")) == 3


def test_an_error_with_another_id_each_time_is_said_once(
    one: Published, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(5):
        one.fails(error=ApiError(Reason.API_ERROR, f"Internal error, reference {number}f8812"))
    one.fails(error=ApiError(Reason.API_ERROR, "Project not found"))
    assert [entry["error"] for entry in said(caplog, "Reading failed")] == [
        "Internal error, reference 0f8812",
        "Project not found",
    ]
    report = one.store.report(1)
    assert report is not None
    assert report.sources[0].error == "api_error: Project not found"


def test_what_was_said_for_all_projects_is_not_said_for_each(
    one: Published, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "exporter")
    one.project.failed(Source.STATUS, DOWN, duration=0.1, interval=60.0, logged=True)
    one.project.status(deployment_of(), duration=0.1, interval=60.0)
    assert said(caplog) == []


def test_a_problem_is_said_once_and_again_after_it_went_away(
    one: Published, caplog: pytest.LogCaptureFixture
) -> None:
    for price in ("many", "more", 460, "many"):
        one.reads({SPY: {**HOLDING, "p": price}})
    left_out = said(caplog, "Left out what could not be understood")
    assert [entry["field"] for entry in left_out] == ["marketPrice"] * 2
    assert one.value("quantconnect_holding_market_price{") is None
    assert one.value("quantconnect_holding_quantity{") == 10
    report = one.store.report(1)
    assert report is not None
    assert "many" in report.sources[0].problems[0]


# --- Another configuration ------------------------------------------------------------------------


def reconfigure(one: Published, config: Config, intervals: dict[Source, float]) -> None:
    one.project.configure(
        config.accounts[0].projects[0], account="main", config=config, intervals=intervals
    )


def test_a_reload_that_changes_nothing_changes_no_line(one: Published, tmp_path: Path) -> None:
    one.reads()
    before = one.lines(but="nothing")
    reconfigure(one, configured(tmp_path), INTERVALS)
    assert one.lines(but="nothing") == before


def test_what_was_never_deployed_has_no_statistics_whatever_is_answered(one: Published) -> None:
    one.project.status(None, duration=0.1, interval=60.0)
    one.project.statistics(statistics_of(), duration=0.1, interval=300.0)
    one.reads()  # with the currency all is rendered anew
    assert "live_return_ratio" not in one.families()
    one.project.status(deployment_of(), duration=0.1, interval=60.0)
    assert "live_return_ratio" in one.families()


def test_names_currencies_and_tickers_are_taken_up(one: Published, tmp_path: Path) -> None:
    one.reads()
    one.project.status(deployment_of(), duration=0.1, interval=60.0)
    text = ", name: Uno, account_currency: EUR, labels: {desk: fx}"
    reconfigure(one, configured(tmp_path, text, "tickers: {SPY: SPDR}"), INTERVALS)
    assert currencies(one) == {"EUR"}
    assert one.value('quantconnect_live_equity{account_currency="EUR",project="Uno"') == 101000.25
    assert one.value('quantconnect_project_info{account="main",desk="fx",project="Uno"') == 1
    quantity = 'quantconnect_holding_quantity{project="Uno",project_id="1",security_type="Equity"'
    assert one.value(f'{quantity},symbol="SPDR"') == 10


def test_another_strike_scale_counts_from_the_next_read_on(one: Published) -> None:
    option = "AAPL 31DSLGKXI4C12|AAPL R735QTJ8XC9X"
    holdings = {option: HOLDING}

    def strikes() -> list[str]:
        info = [line for line in one.lines() if line.startswith("quantconnect_holding_info{")]
        return [line.partition('strike="')[2].partition('"')[0] for line in info]

    for scale, strike in ((6, "100"), (4, "10000"), (6, "100")):
        portfolio = decode_portfolio(answer_of(holdings), max_holdings=9, strike_scale=scale)
        one.project.portfolio(portfolio, duration=0.25, interval=60.0)
        assert strikes() == [strike]


def test_a_currency_that_is_configured_no_more_is_inferred(tmp_path: Path) -> None:
    one = Published(configured(tmp_path, ", account_currency: EUR"))
    one.project.status(deployment_of(), duration=0.1, interval=60.0)
    reconfigure(one, configured(tmp_path), INTERVALS)
    assert currencies(one) == set()
    one = Published(configured(tmp_path, ", account_currency: EUR"))
    one.reads()
    reconfigure(one, configured(tmp_path), INTERVALS)
    assert currencies(one) == {"USD"}


def test_a_source_that_is_switched_off_leaves_and_what_is_under_way_is_dropped(
    one: Published, tmp_path: Path
) -> None:
    one.project.status(deployment_of(), duration=0.1, interval=60.0)
    one.project.statistics(statistics_of(), duration=0.1, interval=300.0)
    reconfigure(one, configured(tmp_path), {Source.PORTFOLIO: 60.0})
    one.project.status(deployment_of(), duration=0.1, interval=60.0)
    one.project.statistics(statistics_of(), duration=0.1, interval=300.0)
    one.fails(Source.STATUS)
    assert one.families() == {"project_info"}
    assert not [line for line in one.lines(but="nothing") if 'source="st' in line]
    assert not one.project.tried()
    one.fails()
    assert one.project.tried()
    report = one.store.report(1)
    assert report is not None
    assert report.state == "not known yet"


def test_what_is_retired_publishes_nothing(one: Published) -> None:
    one.reads()
    one.project.retire()
    one.reads()
    one.fails()
    assert one.lines(but="nothing") == []
    assert one.store.reports() == []


def test_the_cash_book_s_value_waits_for_a_rate(one: Published) -> None:
    euro = {**USD, "symbol": "EUR", "conversionRate": 0, "valueInAccountCurrency": 0}
    one.reads({}, {"USD": USD, "EUR": {**euro, "securitySymbols": [{"value": "EURUSD"}]}})
    assert one.value('quantconnect_cash_value{account_currency="USD",currency="EUR"') is None
    assert one.value('quantconnect_cash_amount{currency="EUR"') == 1000.5
