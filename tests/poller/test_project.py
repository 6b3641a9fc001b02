"""One project: answers in, what is published of it out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from exporter.poller.project import (
    AMBIGUOUS_CURRENCY,
    BLANK,
    NEVER_RAN_YET,
    OTHER_CURRENCY,
    OTHER_TICKER,
)
from exporter.poller.record import FAULT, LEFT_OUT, READ_FAILED, READ_SUCCEEDS
from exporter.poller.task import Fault
from exporter.quantconnect.errors import ApiError, Reason
from exporter.sources.portfolio import PORTFOLIO, decode_portfolio
from exporter.sources.statistics import STATISTICS
from exporter.sources.status import STATUS, Status

from .account import DOWN, Account
from .account import configured as account_configured
from .given import (
    AAPL,
    HOLDING,
    SPY,
    STARTED,
    USD,
    answer_of,
    cash,
    deployment_of,
    said,
)

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.config import Config

ID = 'account="main",project="One",project_id="1"'
SPY_ID = f'{ID},security_type="Equity",symbol="SPY",symbol_id="{SPY}"'
READ = (PORTFOLIO, STATUS, STATISTICS)


def configured(directory: Path, project: str = "", rest: str = "") -> Config:
    name = "" if "name:" in project else ", name: One"
    return account_configured(directory, f"projects: [{{id: 1{name}{project}}}]", rest)


def in_currency(currency: str, rest: str = ID) -> str:
    """Labels with that of the currency at its place."""
    return rest.replace('account="main",', f'account="main",account_currency="{currency}",')


@pytest.fixture
def one(tmp_path: Path) -> Account:
    return Account(configured(tmp_path))


def refused(one: Account) -> str:
    """Why the last portfolio was refused."""
    error = one.reports()[1].sources[0].error
    assert error
    return error


# --- What is published ----------------------------------------------------------------------------


def test_before_the_first_read_there_is_only_what_is_configured(tmp_path: Path) -> None:
    one = Account(configured(tmp_path, ", labels: {desk: fx}, limits: {max_drawdown: 0.1}"))
    assert one.lines(but="nothing") == [
        'quantconnect_project_info{account="main",desk="fx",project="One",project_id="1"} 1.0',
        (
            'quantconnect_project_limit{account="main",limit="max_drawdown",project="One",'
            'project_id="1"} 0.1'
        ),
        f'quantconnect_read_interval_seconds{{{ID},source="portfolio"}} 60.0',
        f'quantconnect_read_interval_seconds{{{ID},source="status"}} 60.0',
        f'quantconnect_read_interval_seconds{{{ID},source="statistics"}} 300.0',
    ]
    report = one.reports()[1]
    assert (report.state, report.positions) == ("not known yet", None)


def test_a_portfolio(one: Account) -> None:
    one.reads()
    of, usd = SPY_ID, in_currency("USD", SPY_ID)
    assert one.lines() == [
        f"quantconnect_project_info{{{ID}}} 1.0",
        f"quantconnect_holdings{{{ID}}} 1.0",
        f"quantconnect_holdings_in_session{{{ID}}} 0.0",
        f"quantconnect_holding_quantity{{{of}}} 10.0",
        f"quantconnect_holding_average_price{{{of}}} 450.5",
        f"quantconnect_holding_market_price{{{of}}} 460.0",
        f"quantconnect_holding_conversion_rate{{{of}}} 1.0",
        f"quantconnect_holding_market_value{{{usd}}} 4600.0",
        f"quantconnect_holding_unrealized_pnl{{{usd}}} 94.0",
        f"quantconnect_holding_unrealized_pnl_ratio{{{of}}} 0.025",
        (
            'quantconnect_holding_info{account="main",currency_symbol="$",market="usa",'
            'option_right="",project="One",project_id="1",security_type="Equity",strike="",'
            f'symbol="SPY",symbol_id="{SPY}",underlying=""}} 1.0'
        ),
        (
            'quantconnect_cash_amount{account="main",currency="USD",project="One",'
            'project_id="1"} 1000.5'
        ),
        (
            'quantconnect_cash_conversion_rate{account="main",currency="USD",project="One",'
            'project_id="1"} 1.0'
        ),
        (
            'quantconnect_cash_value{account="main",account_currency="USD",currency="USD",'
            'project="One",project_id="1"} 1000.5'
        ),
    ]
    reads = [line for line in one.lines(but="nothing") if 'source="portfolio"' in line]
    assert reads == [
        f'quantconnect_read_success{{{ID},source="portfolio"}} 1.0',
        f'quantconnect_read_last_success_timestamp_seconds{{{ID},source="portfolio"}} 1.795e+09',
        f'quantconnect_read_duration_seconds{{{ID},source="portfolio"}} 0.0',
        f'quantconnect_read_interval_seconds{{{ID},source="portfolio"}} 60.0',
    ]


def test_status_and_statistics(tmp_path: Path) -> None:
    one = Account(configured(tmp_path, ", account_currency: EUR, statistics: [Mood]"))
    one.status()
    one.statistics(("Mood",), Mood="7")
    eur = in_currency("EUR")
    published = one.lines()
    running = [line for line in published if "_live_status{" in line and line.endswith(" 1.0")]
    assert running == [f'quantconnect_live_status{{{ID},status="Running"}} 1.0']
    assert [line for line in published if "_live_" in line and "_live_status{" not in line] == [
        (
            'quantconnect_live_info{account="main",brokerage="PaperBrokerage",deploy_id="L-1",'
            'project="One",project_id="1",trading_environment="paper"} 1.0'
        ),
        f"quantconnect_live_launched_timestamp_seconds{{{ID}}} 1.7949096e+09",
        f"quantconnect_live_equity{{{eur}}} 101000.25",
        f"quantconnect_live_volume{{{eur}}} 5.0",
        f"quantconnect_live_return_ratio{{{ID}}} 0.015",
        f'quantconnect_live_custom_statistic{{{ID},statistic="Mood"}} 7.0',
    ]
    assert one.reports()[1].state == "Running"


def test_a_closed_position_vanishes_at_the_next_read(one: Account) -> None:
    one.reads({SPY: HOLDING, AAPL: HOLDING})
    assert one.value("holdings{") == 2
    one.reads({SPY: HOLDING})
    assert one.value("holdings{") == 1
    assert not [line for line in one.lines() if "AAPL" in line]
    one.reads({})
    assert one.value("holdings{") == 0
    assert one.families() == {
        *("project_info", "holdings", "holdings_in_session"),
        *("cash_amount", "cash_conversion_rate", "cash_value"),
    }


def test_a_failure_changes_no_number(one: Account) -> None:
    one.reads()
    one.status()
    before = one.lines()
    one.time.passes(60.0)
    for source in READ:
        one.fails(source)
    assert one.lines() == before
    for source in READ:
        assert one.value(f'read_success{{{ID},source="{source.name}"') == 0
    last = f"read_last_success_timestamp_seconds{{{ID},source="
    assert one.value(f'{last}"portfolio"') == one.value(f'{last}"status"') == STARTED
    assert one.value(f'{last}"statistics"') is None


def test_a_fault_of_ours_is_no_malformed_answer(one: Account) -> None:
    one.reads()
    before = one.lines()
    one.tells(one.task(PORTFOLIO), Fault())
    assert one.lines() == before
    assert one.value(f'read_success{{{ID},source="portfolio"') == 0
    failures = [
        sample.value
        for family in one.telemetry.registry.collect()
        for sample in family.samples
        if sample.name == "quantconnect_api_request_failures_total"
    ]
    assert sum(failures) == 0
    assert refused(one) == "a fault of this exporter, see its log"


# --- Ages -----------------------------------------------------------------------------------------


def test_each_source_is_withdrawn_by_its_own_age(one: Account) -> None:
    one.reads()
    one.time.passes(300.0)
    one.status()
    one.statistics()
    one.time.passes(599.0)
    assert {"holdings", "live_equity", "live_volume"} <= one.families()
    one.time.passes(1.0)  # 900 s after the portfolio was read
    assert one.families() & {"holdings", "live_equity", "live_volume"} == {
        "live_equity",
        "live_volume",
    }
    one.time.passes(300.0)  # as long after the status and the statistics
    assert one.families() == {"project_info"}
    assert one.value(f'read_success{{{ID},source="portfolio"') == 1
    last = f"read_last_success_timestamp_seconds{{{ID},source="
    assert one.value(f'{last}"portfolio"') == STARTED
    assert one.value(f'{last}"status"') == STARTED + 300


def test_a_failed_read_does_not_make_anything_younger(one: Account) -> None:
    one.reads()
    one.time.passes(899.0)
    one.fails()
    assert one.value("holdings{") == 1
    one.time.passes(1.0)
    assert one.value("holdings{") is None


def test_a_source_with_a_long_interval_lives_for_three_of_them(tmp_path: Path) -> None:
    one = Account(configured(tmp_path, rest="scrape_interval: 1000s"))
    one.reads()
    one.time.passes(2999.0)
    assert one.value("holdings{") == 1
    one.time.passes(1.0)
    assert one.value("holdings{") is None


def test_a_shorter_interval_makes_nothing_old(tmp_path: Path) -> None:
    """As when a stopped project starts again, and has no portfolio for a while."""
    one = Account(configured(tmp_path, rest="scrape_interval: 10m"))
    one.status(status="Stopped")
    one.reads()
    assert one.value(f'read_interval_seconds{{{ID},source="portfolio"') == 3000
    one.time.passes(2900)
    one.lists(1)
    assert one.value(f'read_interval_seconds{{{ID},source="portfolio"') == 600
    assert one.value("holding_quantity{") is not None
    one.time.passes(3 * 3000 - 2900 - 1)
    assert one.value("holding_quantity{") is not None
    one.time.passes(2)
    assert one.value("holding_quantity{") is None
    one.reads()
    one.time.passes(3 * 600 + 1)
    assert one.value("holding_quantity{") is None


# --- The deployment -------------------------------------------------------------------------------


def test_never_deployed_has_no_live_series(one: Account) -> None:
    one.tells(one.task(STATUS), Status(None))
    one.statistics()
    assert one.families() == {"project_info"}
    assert one.value(f'read_success{{{ID},source="status"') == 1
    report = one.store.report(1)
    assert report is not None
    assert report.state == "never deployed"
    one.status()
    assert {"live_info", "live_return_ratio"} <= one.families()


def test_no_equity_of_what_does_not_run(one: Account) -> None:
    one.reads()
    one.status(status="Stopped", stopped="2026-11-18 10:00:00", equity=0)
    assert one.value(f'live_status{{{ID},status="Stopped"') == 1
    assert "live_equity" not in one.families()
    assert "live_stopped_timestamp_seconds" in one.families()


# --- The account's currency -----------------------------------------------------------------------


def currencies(one: Account) -> set[str]:
    found = (line.partition('account_currency="') for line in one.lines())
    return {rest.partition('"')[0] for _, label, rest in found if label}


def test_a_configured_currency_is_not_inferred(tmp_path: Path) -> None:
    one = Account(configured(tmp_path, ", account_currency: EUR"))
    one.status()
    one.reads()
    assert currencies(one) == {"EUR"}


def test_amounts_wait_for_the_first_cash_book(one: Account) -> None:
    one.status()
    one.statistics()
    assert one.families() & {"live_equity", "live_volume", "live_return_ratio"} == {
        "live_return_ratio"
    }
    one.reads({}, {"EUR": cash("EUR"), "USD": cash("USD", 0.9, converted=True)})
    assert {"live_equity", "live_volume", "live_return_ratio"} <= one.families()
    assert currencies(one) == {"EUR"}


@pytest.mark.parametrize(
    ("equity", "currency"), [("ILS12,345.67", "ILS"), ("€5.00", "EUR"), ("5.00 USDT", "USDT")]
)
def test_a_code_or_a_glyph_of_one_currency_needs_no_cash_book(
    one: Account, equity: str, currency: str
) -> None:
    one.fails()
    one.status()
    one.statistics(Equity=equity)
    assert currencies(one) == {currency}
    assert one.value("live_equity{") == 101_000.25


def test_a_portfolio_that_cannot_be_read_from_the_start_costs_no_equity(
    one: Account, caplog: pytest.LogCaptureFixture
) -> None:
    """A dollar sign stands for several dollars; after a while equity is published without."""
    one.status()
    one.statistics(Equity="$101,000.25")
    one.fails()
    assert currencies(one) == set()
    one.time.passes(900.0)
    one.status()
    one.fails()
    assert currencies(one) == {""}
    assert one.value("live_equity{") == 101_000.25
    assert len(said(caplog, AMBIGUOUS_CURRENCY)) == 1
    one.reads()
    assert currencies(one) == {""}  # until a reload
    one.reload(one.config)
    assert currencies(one) == {"USD"}


@pytest.mark.parametrize(("equity", "currency"), [("$5.00", "USD"), ("USDT5.00", "USDT")])
def test_the_text_before_equity_decides_between_currencies_at_par(
    one: Account, equity: str, currency: str
) -> None:
    one.reads(None, {"USD": cash("USD"), "USDT": {**cash("USDT"), "currencySymbol": "USDT"}})
    assert currencies(one) == set()
    one.statistics(Equity=equity)
    assert currencies(one) == {currency}


def test_the_currency_stays_whatever_the_cash_book_says_later(one: Account) -> None:
    one.reads()
    one.reads({}, {"USD": cash("USD"), "USDT": cash("USDT")})  # which of them cannot be told
    assert one.value("holdings{") == 0
    assert currencies(one) == {"USD"}


def test_an_ambiguous_currency_is_none_with_a_warning(
    one: Account, caplog: pytest.LogCaptureFixture
) -> None:
    money = {"USD": cash("USD"), "USDT": cash("USDT")}
    one.reads(None, money)
    one.statistics()
    one.reads(None, money)
    assert currencies(one) == {""}
    [warning] = said(caplog, AMBIGUOUS_CURRENCY)
    assert warning["currencies"] == "USD,USDT"


def test_a_portfolio_in_another_currency_is_not_published_under_the_old_one(one: Account) -> None:
    one.status()
    one.reads()
    before = [line for line in one.lines() if "live_equity" not in line]
    euros = {"EUR": cash("EUR")}
    one.reads(None, euros, quantity=5)
    assert refused(one).startswith(
        "malformed: the account is in EUR now, but its series are in USD; reload the configuration"
    )
    assert one.failures("malformed") == 1
    assert one.value(f'read_success{{{ID},source="portfolio"') == 0
    assert one.lines() == before
    one.reads(None, {"USD": USD, "EUR": cash("EUR", 1.1)}, quantity=6)  # it was a passing fault
    assert one.value("holding_quantity{") == 6
    one.reads(None, euros)
    one.reload(one.config)
    assert "holding_quantity" not in one.families()
    assert currencies(one) == set()
    one.reads(None, euros, quantity=5)
    assert currencies(one) == {"EUR"}
    assert one.value("holding_quantity{") == 5
    one.reload(one.config)
    assert currencies(one) == {"EUR"}


def test_each_refused_read_is_counted(one: Account) -> None:
    one.reads()
    for _ in range(13):
        one.reads(None, {"EUR": cash("EUR")})
    assert one.failures("malformed") == 13


def test_nor_is_anything_else_of_the_other_account(one: Account, tmp_path: Path) -> None:
    """Equity and statistics know no currency of their own."""

    def told(equity: float, fees: str) -> None:
        one.status(deployId="L-2", equity=equity)
        one.statistics(Fees=fees)

    equity, fees = "live_equity{", "live_fees{"
    told(100_000, "-$9.00")
    one.reads()
    assert (one.value(equity), one.value(fees)) == (100_000, 9)
    yen = {"JPY": cash("JPY")}
    one.reads(None, yen)
    assert (one.value(equity), one.value(fees)) == (None, None)
    told(15_000_000, "-¥900.00")
    assert (one.value(equity), one.value(fees)) == (None, None)
    assert "quantconnect_live_status{" + ID in "".join(one.lines())
    one.reads()  # it was a passing fault after all
    assert (one.value(equity), one.value(fees)) == (15_000_000, 900)
    one.reads(None, yen)
    one.reload(configured(tmp_path))
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
    one: Account, book: dict[str, Any]
) -> None:
    one.reads()
    one.status()
    one.reads(None, book)
    assert one.value("live_equity{") is not None
    one.reads(None, {"JPY": cash("JPY")})
    one.status(equity=15e6)
    one.reads(None, book)
    assert "in JPY now" in refused(one)
    assert one.value("live_equity{") is None


def test_a_currency_that_is_not_at_par_is_the_accounts_no_longer(one: Account) -> None:
    one.reads()
    stable = {"USDT": cash("USDT"), "USDC": cash("USDC")}
    one.reads(None, {"USD": cash("USD"), **stable})
    assert currencies(one) == {"USD"}
    one.reads(None, {"USD": cash("USD", 150.0, converted=True), **stable})
    assert "the account is in USDT or USDC now" in refused(one)


@pytest.mark.parametrize("moved", [{"brokerage": "Kraken"}, {"environment": "elsewhere"}])
def test_a_deployment_at_another_brokerage_may_be_in_another_currency(
    one: Account, moved: dict[str, Any]
) -> None:
    """Its equity is listed at once, and it has no portfolio for ten minutes."""

    def told(equity: float, **of: Any) -> None:
        one.status(equity=equity, **of)

    equity, fees = "live_equity{", "live_fees{"
    one.reads()
    told(100_000)
    one.statistics(Fees="-$9.00")
    told(100_001, deployId="L-2")  # another one of the same account
    assert (one.value(equity), one.value(fees)) == (100_001, 9)
    for _ in range(2):
        told(15_000_000, deployId="L-3", **moved)
        assert (one.value(equity), one.value(fees)) == (None, None)
    one.reads(None, {})  # which does not tell
    assert one.value(equity) is None
    one.reads()
    assert (one.value(equity), one.value(fees)) == (15_000_000, None)
    told(15_000_000, deployId="L-3", **moved)
    assert one.value(equity) == 15_000_000


def test_a_reload_may_end_the_doubt(one: Account, tmp_path: Path) -> None:
    equity = "live_equity{"
    one.reads()
    one.reads(None, {"JPY": cash("JPY")})
    one.status(equity=7)
    assert one.value(equity) is None
    one.reload(configured(tmp_path, ", account_currency: USD"))
    assert currencies(one) == {"USD"}
    assert one.value(equity) == 7
    one.reads(None, {"JPY": cash("JPY")})  # who configures one knows better
    one.reload(configured(tmp_path))
    assert currencies(one) == {"JPY"}
    assert one.value(equity) == 7


ASSUMED = "defaults: {account_currency: USD}"


def test_an_assumed_currency_stands_until_a_cash_book_tells(tmp_path: Path) -> None:
    one = Account(configured(tmp_path, rest=ASSUMED))
    one.status(equity=7)
    assert one.value("live_equity{") == 7
    one.reads(None, {"USD": cash("USD"), "USDT": cash("USDT")})  # which does not tell
    assert currencies(one) == {"USD"}
    one.reads(None, {"JPY": cash("JPY")})
    assert one.value("live_equity{") is None
    message = refused(one)
    assert "in JPY now" in message
    assert "set account_currency for this project" in message


def test_an_assumption_that_was_wrong_is_not_made_again_at_a_reload(tmp_path: Path) -> None:
    one = Account(configured(tmp_path, rest=ASSUMED))
    one.reads(None, {"JPY": cash("JPY")})
    one.reload(configured(tmp_path, rest=ASSUMED))
    one.status(equity=7)
    assert currencies(one) == set()
    one.reads(None, {"JPY": cash("JPY")})
    assert currencies(one) == {"JPY"}
    one.reload(configured(tmp_path, rest=ASSUMED))
    assert currencies(one) == {"JPY"}


def test_another_assumption_takes_effect_at_a_reload(tmp_path: Path) -> None:
    one = Account(configured(tmp_path, rest=ASSUMED))
    one.status(equity=7)
    one.reload(configured(tmp_path, rest="defaults: {account_currency: EUR}"))
    assert currencies(one) == {"EUR"}
    one.reload(configured(tmp_path))
    assert currencies(one) == set()


def test_a_projects_own_currency_goes_before_the_assumed_one(tmp_path: Path) -> None:
    one = Account(configured(tmp_path, ", account_currency: EUR", rest=ASSUMED))
    one.status(equity=7)
    assert currencies(one) == {"EUR"}


def test_an_ambiguous_currency_is_told_anew_at_a_reload(one: Account, tmp_path: Path) -> None:
    one.reads(None, {"USD": cash("USD"), "USDT": cash("USDT")})
    one.statistics()
    one.reads()
    assert currencies(one) == {""}
    one.reload(configured(tmp_path))
    assert currencies(one) == {"USD"}


def test_a_cash_book_that_contradicts_the_configured_currency_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one = Account(configured(tmp_path, ", account_currency: EUR"))
    for _ in range(2):
        one.reads()
    assert currencies(one) == {"EUR"}
    [warning] = said(caplog, OTHER_CURRENCY)
    assert (warning["account_currency"], warning["found"]) == ("EUR", "USD")


def test_a_ticker_that_tickers_lacks_is_said_once_and_reported(
    one: Account, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    long = {"symbol": {"value": "META", "id": "FB V6OIPNZEM8V9"}, "quantity": 1}
    for _ in range(2):
        one.reads({"FB V6OIPNZEM8V9": long, AAPL: {**long, "symbol": {"value": "AAPL"}}})
    [warning] = said(caplog, OTHER_TICKER)
    assert warning["tickers"] == "FB: META"
    assert one.reports()[1].renamed == {"FB": "META"}
    one.reload(configured(tmp_path, rest="tickers: {FB: META}"))
    assert one.reports()[1].renamed == {}
    one.reads({"FB V6OIPNZEM8V9": HOLDING})  # today's form does not tell
    assert len(said(caplog, OTHER_TICKER)) == 1


# --- What is logged -------------------------------------------------------------------------------


def test_a_failure_is_said_once_and_so_is_the_recovery(
    one: Account, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "exporter")
    for _ in range(3):
        one.fails()
    assert [entry["reason"] for entry in said(caplog, READ_FAILED)] == ["http_5xx"]
    one.fails(error=ApiError(Reason.TIMEOUT, "no answer"))
    assert len(said(caplog, READ_FAILED)) == 2
    for _ in range(2):
        one.reads()
    assert [entry["source"] for entry in said(caplog, READ_SUCCEEDS)] == ["portfolio"]
    one.fails()
    assert len(said(caplog, READ_FAILED)) == 3


def test_an_error_with_another_id_each_time_is_said_once(
    one: Account, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(5):
        one.fails(error=ApiError(Reason.API_ERROR, f"Internal error, reference {number}f8812"))
    one.fails(error=ApiError(Reason.API_ERROR, "Project not found"))
    assert [entry["error"] for entry in said(caplog, READ_FAILED)] == [
        "Internal error, reference 0f8812",
        "Project not found",
    ]
    report = one.store.report(1)
    assert report is not None
    assert report.sources[0].error == "api_error: Project not found"


def test_what_was_said_for_all_projects_is_not_said_for_each(
    one: Account, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "exporter")
    one.lists(1)
    one.tells(one.projects.account_tasks["running"], DOWN)
    assert one.value(f'read_success{{{ID},source="status"') == 0
    one.lists(1)
    assert [entry["call"] for entry in said(caplog)] == ["running", "running"]


def test_a_problem_is_said_once_and_again_after_it_went_away(
    one: Account, caplog: pytest.LogCaptureFixture
) -> None:
    for price in ("many", "more", 460, "many"):
        one.reads({SPY: {**HOLDING, "p": price}})
    left_out = said(caplog, LEFT_OUT)
    assert [entry["field"] for entry in left_out] == ["marketPrice"] * 2
    assert one.value("holding_market_price{") is None
    assert one.value("holding_quantity{") == 10
    report = one.store.report(1)
    assert report is not None
    assert "many" in report.sources[0].problems[0]


# --- Another configuration ------------------------------------------------------------------------


def test_a_reload_that_changes_nothing_changes_no_line(one: Account, tmp_path: Path) -> None:
    one.reads()
    before = one.lines(but="nothing")
    one.reload(configured(tmp_path))
    assert one.lines(but="nothing") == before


def test_what_was_never_deployed_has_no_statistics_whatever_is_answered(one: Account) -> None:
    one.tells(one.task(STATUS), Status(None))
    one.statistics()
    one.reads()  # with the currency all is rendered anew
    assert "live_return_ratio" not in one.families()
    one.status()
    assert "live_return_ratio" in one.families()


def test_names_currencies_and_tickers_are_taken_up(one: Account, tmp_path: Path) -> None:
    one.reads()
    one.status()
    text = ", name: Uno, account_currency: EUR, labels: {desk: fx}"
    one.reload(configured(tmp_path, text, "tickers: {SPY: SPDR}"))
    assert currencies(one) == {"EUR"}
    equity = 'live_equity{account="main",account_currency="EUR",project="Uno"'
    assert one.value(equity) == 101000.25
    assert one.value('project_info{account="main",desk="fx",project="Uno"') == 1
    quantity = 'holding_quantity{account="main",project="Uno",project_id="1",security_type="Equity"'
    assert one.value(f'{quantity},symbol="SPDR"') == 10


def test_another_strike_scale_counts_from_the_next_read_on(one: Account) -> None:
    option = "AAPL 31DSLGKXI4C12|AAPL R735QTJ8XC9X"
    holdings = {option: HOLDING}

    def strikes() -> list[str]:
        info = [line for line in one.lines() if line.startswith("quantconnect_holding_info{")]
        return [line.partition('strike="')[2].partition('"')[0] for line in info]

    for scale, strike in ((6, "100"), (4, "10000"), (6, "100")):
        portfolio = decode_portfolio(answer_of(holdings), max_holdings=9, strike_scale=scale)
        one.tells(one.task(PORTFOLIO), portfolio)
        assert strikes() == [strike]


def test_a_currency_that_is_configured_no_more_is_inferred(tmp_path: Path) -> None:
    one = Account(configured(tmp_path, ", account_currency: EUR"))
    one.status()
    one.reload(configured(tmp_path))
    assert currencies(one) == set()
    one = Account(configured(tmp_path, ", account_currency: EUR"))
    one.reads()
    one.reload(configured(tmp_path))
    assert currencies(one) == {"USD"}


def test_a_source_that_is_switched_off_leaves_and_a_call_under_way_has_no_effect(
    one: Account, tmp_path: Path
) -> None:
    one.status()
    one.statistics()
    status, statistics = one.task(STATUS), one.task(STATISTICS)
    off = "status_interval: 0s\nstatistics_interval: 0s"
    one.reload(configured(tmp_path, rest=off))
    one.tells(status, Status(deployment_of()))
    one.tells(statistics, DOWN)
    assert one.families() == {"project_info"}
    assert not [line for line in one.lines(but="nothing") if 'source="st' in line]
    assert not one.projects.is_complete()
    one.fails()
    assert one.projects.is_complete()
    assert one.reports()[1].state == "not known yet"


def test_the_cash_book_s_value_waits_for_a_rate(one: Account) -> None:
    euro = {**USD, "symbol": "EUR", "conversionRate": 0, "valueInAccountCurrency": 0}
    one.reads({}, {"USD": USD, "EUR": {**euro, "securitySymbols": [{"value": "EURUSD"}]}})
    assert one.value('cash_value{account="main",account_currency="USD",currency="EUR"') is None
    assert one.value('cash_amount{account="main",currency="EUR"') == 1000.5


# --- A portfolio that says nothing yet ------------------------------------------------------------

NO_DOLLARS = {**USD, "amount": 0, "valueInAccountCurrency": 0}
NOTHING: tuple[dict[str, Any], ...] = ({}, {"USD": NO_DOLLARS})


@pytest.mark.parametrize("book", NOTHING)
def test_a_failed_redeploy_is_no_liquidation(one: Account, book: dict[str, Any]) -> None:
    one.status()
    one.reads({SPY: HOLDING, AAPL: HOLDING})
    before = [line for line in one.lines() if "_hold" in line or "_cash" in line]
    one.status(status="DeployError", deployId="L-2")
    one.reads({}, book)
    assert [line for line in one.lines() if "_hold" in line or "_cash" in line] == before
    assert one.value(f'read_success{{{ID},source="portfolio"') == 0
    assert one.reports()[1].positions == 2
    assert one.failures("not_ready") == 1


def test_a_new_deployment_that_has_not_run_does_not_close_positions_either(one: Account) -> None:
    """Its cash book may have been read before its setup failed."""
    one.status()
    one.reads()
    for status in ("Initializing", "RuntimeError"):
        one.status(status=status, deployId="L-2")
        one.reads({})
        assert refused(one) == f"not_ready: {NEVER_RAN_YET}"
        assert one.value("holdings{") == 1
    one.lists(deployment_of(deployId="L-2"))
    one.reads({})
    assert one.value("holdings{") == 0


@pytest.mark.parametrize("book", NOTHING)
def test_an_account_that_is_really_empty_runs_with_it(one: Account, book: dict[str, Any]) -> None:
    one.status()
    one.reads()
    one.reads({}, book)
    one.time.passes(900.0)
    one.status()
    one.reads({}, book)
    assert refused(one) == f"not_ready: {BLANK}"
    one.time.passes(1.0)
    one.reads({}, book)
    assert one.value("holdings{") == 0
    assert one.value(f'read_success{{{ID},source="portfolio"') == 1


@pytest.mark.parametrize("news", [{"deployId": "L-2"}, {"status": "Stopped"}])
def test_the_time_of_being_empty_begins_again_with_each_deployment(
    one: Account, news: dict[str, Any]
) -> None:
    one.status()
    one.reads({}, {})
    one.time.passes(500.0)
    one.status(**news)
    one.reads({}, {})
    one.status(**{**news, "status": "Running"})
    one.time.passes(500.0)
    one.reads({}, {})
    assert refused(one) == f"not_ready: {BLANK}"


def test_where_no_status_is_read_an_empty_account_is_believed_too(tmp_path: Path) -> None:
    one = Account(configured(tmp_path, rest="status_interval: 0s"))
    one.reads({}, {})
    assert refused(one) == f"not_ready: {BLANK}"
    one.time.passes(901.0)
    one.reads({}, {})
    assert one.value("holdings{") == 0


def test_money_without_positions_is_a_portfolio(one: Account) -> None:
    one.status(status="Stopped")
    one.reads({})
    assert one.value("holdings{") == 0


# --- QuantConnect's own sum of profit and loss ----------------------------------------------------


def test_a_frozen_unrealized_profit_is_no_sample(one: Account) -> None:
    unrealized = "live_unrealized_pnl{"
    one.statistics(Unrealized="$0.00")
    one.reads({}, {"USD": USD})
    assert one.value(unrealized) == 0
    one.reads()  # a position with a profit
    assert one.value(unrealized) is None
    one.statistics(Unrealized="$94.00")
    assert one.value(unrealized) == 94
    one.statistics(Unrealized="$0.00")
    assert one.value(unrealized) is None
    one.reads({SPY: {**HOLDING, "u": 0, "up": 0}})
    assert one.value(unrealized) == 0


def test_an_answer_that_the_exporter_fails_on_costs_that_read_and_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one = Account(configured(tmp_path))
    one.reads()
    good = one.lines()
    one.tells(one.task(PORTFOLIO), "no portfolio")
    assert one.lines() == good
    assert one.own("exporter_faults_total") == 1
    assert [each["call"] for each in said(caplog, FAULT)] == ["portfolio"]
    one.reads(quantity=11)
    assert one.value("holding_quantity{") == 11
