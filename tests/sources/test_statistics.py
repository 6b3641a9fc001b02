"""The statistics of live/read, which are display texts, and what is published of them."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.metrics.table import Row
from exporter.quantconnect.client import Endpoint
from exporter.quantconnect.fields import Problem
from exporter.sources.source import Known
from exporter.sources.statistics import (
    RUNTIME_STATISTICS,
    STATISTICS,
    Statistics,
    decode_statistics,
)
from tests.sources.given import CONFIG, PROJECT, ROW, A, P, published

RUNTIME = {
    "Equity": "$101,691.92",
    "Fees": "-$3.44",
    "Holdings": "$52,000.10",
    "Net Profit": "$-12.50",
    "Probabilistic Sharpe Ratio": "67.609%",
    "Return": "1.69 %",
    "Unrealized": "$1,704.42",
    "Volume": "$0.00",
}
SERVER = {
    "CPU Usage": "12.5%",
    "Used RAM (MB)": "241",
    "Total RAM (MB)": "16384",
    "Hostname": "LEAN-1",
    "LEAN Version": "v2.5.0.0.18009",
    "Up Time": "3d 04:05:06",
}
ANSWER = {
    "message": "",
    "status": "Running",
    "deployId": "L-1",
    "files": [{"name": "main.py", "content": "secret"}],
    "runtimeStatistics": RUNTIME,
    "serverStatistics": SERVER,
    "success": True,
}
NONE = Statistics(
    runtime={},
    custom={},
    currency="",
    cpu_usage=None,
    memory_used_bytes=None,
    memory_total_bytes=None,
    uptime_seconds=None,
    lean_version="",
    problems=(),
)


def runtime(fields: object, custom: tuple[str, ...] = ()) -> Statistics:
    return decode_statistics({"runtimeStatistics": fields}, custom=custom)


def server(**fields: object) -> Statistics:
    return decode_statistics({"serverStatistics": fields}, custom=())


def test_a_running_deployment() -> None:
    assert decode_statistics(ANSWER, custom=()) == Statistics(
        runtime={
            "Equity": 101691.92,
            "Fees": -3.44,
            "Holdings": 52000.1,
            "Net Profit": -12.5,
            "Probabilistic Sharpe Ratio": 0.67609,
            "Return": 0.0169,
            "Unrealized": 1704.42,
            "Volume": 0.0,
        },
        custom={},
        currency="$",
        cpu_usage=0.125,
        memory_used_bytes=252_706_816.0,
        memory_total_bytes=17_179_869_184.0,
        uptime_seconds=273_906.0,
        lean_version="v2.5.0.0.18009",
        problems=(),
    )


@pytest.mark.parametrize(
    "payload",
    [
        {"success": True},
        {"runtimeStatistics": None, "serverStatistics": None},
        {"runtimeStatistics": [], "serverStatistics": []},
        {"RuntimeStatistics": {}, "ServerStatistics": {}},
        {"runtimeStatistics": {"Equity": None}, "serverStatistics": {"Total RAM (MB)": ""}},
        {"runtimeStatistics": {"Equity": ""}, "serverStatistics": {"Up Time": ""}},
    ],
)
def test_nothing_running(payload: dict[str, object]) -> None:
    assert decode_statistics(payload, custom=["Mine"]) == NONE


def test_a_section_that_is_none() -> None:
    found = decode_statistics(
        {"runtimeStatistics": "none", "serverStatistics": [1]}, custom=["Mine"]
    )
    assert (found.runtime, found.custom, found.cpu_usage) == ({}, {}, None)
    assert found.problems == (
        Problem(
            field="runtimeStatistics",
            where="runtimeStatistics",
            message='found string "none", expected an object',
        ),
        Problem(
            field="serverStatistics",
            where="serverStatistics",
            message="found array of 1, expected an object",
        ),
    )


# --- Runtime statistics ---------------------------------------------------------------------------


def test_json_numbers() -> None:
    found = runtime({"Equity": 101691.92, "Volume": 3, "Fees": -0.0})
    assert found.runtime == {"Equity": 101691.92, "Volume": 3.0, "Fees": 0.0}
    assert math.copysign(1.0, found.runtime["Fees"]) == 1.0
    assert found.problems == ()


@pytest.mark.parametrize("value", [True, math.nan, math.inf, 10**400, [], {"a": 1}])
@pytest.mark.parametrize("key", RUNTIME_STATISTICS)
def test_what_is_no_number_is_left_out(key: str, value: object) -> None:
    found = runtime(RUNTIME | {key: value})
    assert set(found.runtime) == set(RUNTIME_STATISTICS) - {key}
    assert [(problem.field, problem.where) for problem in found.problems] == [
        (key, f'runtimeStatistics["{key}"]')
    ]


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("Equity", "lots", 'found string "lots", expected a number such as -$1,234.50'),
        ("Equity", "1.5%", 'found string "1.5%", expected a number that is no percentage'),
        ("Return", "0.0169", 'found string "0.0169", expected a percentage'),
        ("Return", 0.0169, "found number 0.0169, expected a percentage"),
        ("Volume", math.nan, "found number nan, expected a finite number"),
    ],
)
def test_the_message_says_what_was_expected(key: str, value: object, message: str) -> None:
    found = runtime({key: value})
    assert found.runtime == {}
    assert [problem.message for problem in found.problems] == [message]


def test_only_the_allowed_ones_of_the_algorithm() -> None:
    sent = {
        "Leverage": "1.5",
        "Hit rate": "54.2 %",
        "Margin": 0.25,
        "Mood": "Bullish",
        "Secret": "tops ecret",
        "equity": "$1",
    }
    found = runtime(RUNTIME | sent, ("Leverage", "Hit rate", "Margin", "Mood", "Absent"))
    assert found.custom == {"Hit rate": 0.542, "Leverage": 1.5, "Margin": 0.25}
    assert found.runtime["Equity"] == 101691.92
    assert found.problems == (
        Problem(
            field="other",
            where='runtimeStatistics["Mood"]',
            message='found string "Bullish", expected a number such as -$1,234.50',
        ),
    )


@pytest.mark.parametrize(
    ("equity", "currency"),
    [
        ("$101,691.92", "$"),
        ("-₤3.44", "₤"),
        ("ILS12,345.67", "ILS"),
        ("12,345.67 EUR", "EUR"),
        *(("101691.92", ""), (101691.92, ""), ("", ""), (None, "")),
        *(("5 %", ""), ("lots", ""), (True, ""), ([], "")),
    ],
)
def test_the_currency_is_the_text_next_to_the_equity(equity: object, currency: str) -> None:
    assert runtime(RUNTIME | {"Equity": equity}).currency == currency
    assert runtime({"Fees": equity}).currency == ""


def test_without_the_unrealized_profit() -> None:
    found = decode_statistics(ANSWER, custom=())
    without = found.without_unrealized()
    assert without.runtime == {k: v for k, v in found.runtime.items() if k != "Unrealized"}
    assert without.cpu_usage == found.cpu_usage
    assert len(without.runtime) == len(found.runtime) - 1


# --- Server statistics ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("0d 00:00:03", 3.0),
        ("0d 23:59:59", 86_399.0),
        ("365d 00:00:00", 31_536_000.0),
        ("0d 00:00:00", 0.0),
    ],
)
def test_up_time(sent: str, expected: float) -> None:
    assert server(**{"Up Time": sent}).uptime_seconds == expected


@pytest.mark.parametrize("sent", ["00:00:03", "-1d 00:00:00", "٣d 00:00:03", 5, True, []])
def test_an_up_time_that_is_none(sent: object) -> None:
    found = server(**{"Up Time": sent})
    assert found.uptime_seconds is None
    assert [(problem.field, problem.where) for problem in found.problems] == [
        ("Up Time", 'serverStatistics["Up Time"]')
    ]


def test_memory() -> None:
    found = server(**{"Used RAM (MB)": "1,024.5", "Total RAM (MB)": 2048})
    assert (found.memory_used_bytes, found.memory_total_bytes) == (
        1_074_266_112.0,
        2_147_483_648.0,
    )


def test_what_is_no_number_of_a_server_is_left_out() -> None:
    found = server(**{"CPU Usage": "0.5", "Used RAM (MB)": "8 GB", "Total RAM (MB)": 1e308})
    assert (found.cpu_usage, found.memory_used_bytes, found.memory_total_bytes) == (None,) * 3
    assert {problem.field for problem in found.problems} == {
        "CPU Usage",
        "Used RAM (MB)",
        "Total RAM (MB)",
    }


@pytest.mark.parametrize("sent", ["8 GB", "$5", "5%", "12 bytes"])
def test_memory_has_no_unit(sent: str) -> None:
    found = server(**{"Used RAM (MB)": sent})
    assert found.memory_used_bytes is None
    assert [(problem.field, problem.where) for problem in found.problems] == [
        ("Used RAM (MB)", 'serverStatistics["Used RAM (MB)"]')
    ]


@pytest.mark.parametrize(
    ("sent", "expected"),
    [("v2.5.0.0.17484", "v2.5.0.0.17484"), ("", ""), (None, ""), ("v\ud800", r"v\ud800")],
)
def test_lean_version(sent: object, expected: str) -> None:
    found = server(**{"LEAN Version": sent})
    assert (found.lean_version, found.problems) == (expected, ())


def test_a_lean_version_that_is_none() -> None:
    found = server(**{"LEAN Version": 17484})
    message = "found number 17484, expected a string"
    assert found.lean_version == ""
    assert found.problems == (Problem("LEAN Version", "serverStatistics", message),)


# --- What is published ----------------------------------------------------------------------------


def test_the_call_of_a_project() -> None:
    project = replace(PROJECT, statistics=("Leverage",))
    request = STATISTICS.request(project, CONFIG, Known())
    assert (request.endpoint, request.parameters) == (Endpoint.LIVE_READ, {"projectId": 101})
    found = request.decode({"runtimeStatistics": {"Leverage": "1.5", "Other": "2"}})
    assert found.custom == {"Leverage": 1.5}
    assert STATISTICS.interval(project, CONFIG) == CONFIG.statistics_interval


def test_statistics_of_every_kind() -> None:
    decoded = decode_statistics(
        {
            "success": True,
            "runtimeStatistics": {
                "Equity": "$101,691.92",
                "Fees": "-$3.44",
                "Holdings": "$98,000.00",
                "Net Profit": "$-12.50",
                "Probabilistic Sharpe Ratio": "67.609%",
                "Return": "1.69 %",
                "Unrealized": "$1,704.42",
                "Volume": "$203,400",
                "Signal": "0.5",
                "Not listed": "1",
            },
            "serverStatistics": {
                "CPU Usage": "12.5%",
                "Used RAM (MB)": "256",
                "Total RAM (MB)": "512.5",
                "LEAN Version": "v2.5.0.0.17484",
                "Up Time": "1d 02:03:04",
            },
        },
        custom=("Signal",),
    )
    money = f'{A},account_currency="USD",{P}'
    assert published(STATISTICS, decoded) == [
        f"quantconnect_live_fees{{{money}}} 3.44",
        f"quantconnect_live_holdings_value{{{money}}} 98000.0",
        f"quantconnect_live_net_profit{{{money}}} -12.5",
        f"quantconnect_live_unrealized_pnl{{{money}}} 1704.42",
        f"quantconnect_live_volume{{{money}}} 203400.0",
        f"quantconnect_live_return_ratio{{{A},{P}}} 0.0169",
        f"quantconnect_live_probabilistic_sharpe_ratio{{{A},{P}}} 0.67609",
        f"quantconnect_live_cpu_usage_ratio{{{A},{P}}} 0.125",
        f"quantconnect_live_memory_used_bytes{{{A},{P}}} 2.68435456e+08",
        f"quantconnect_live_memory_total_bytes{{{A},{P}}} 5.373952e+08",
        f"quantconnect_live_uptime_seconds{{{A},{P}}} 93784.0",
        f'quantconnect_live_lean_version_info{{{A},lean_version="v2.5.0.0.17484",{P}}} 1.0',
        f'quantconnect_live_custom_statistic{{{A},{P},statistic="Signal"}} 0.5',
    ]


def samples_of(row: Row = ROW, **sent: str) -> dict[str, str]:
    lines = published(STATISTICS, runtime(sent), row)
    return {line.partition("{")[0]: line.rpartition(" ")[2] for line in lines}


@pytest.mark.parametrize(
    ("displayed", "paid"),
    [
        ("-$3.44", "3.44"),
        ("$-3.44", "3.44"),
        ("$0.00", "0.0"),
        ("-$0.00", "0.0"),
        ("$5.00", "-5.0"),  # a rebate
        ("-ILS3.44", "3.44"),
    ],
)
def test_fees_are_positive_when_paid(displayed: str, paid: str) -> None:
    assert samples_of(Fees=displayed) == {"quantconnect_live_fees": paid}


def test_what_is_not_shown_is_no_sample() -> None:
    assert samples_of() == {}
    assert samples_of(Volume="n/a", Return="5%") == {"quantconnect_live_return_ratio": "0.05"}
    unsettled = Row("main", 7, "Demo", None)
    assert samples_of(unsettled, Fees="-$1", Return="5%") == {
        "quantconnect_live_return_ratio": "0.05"
    }


# --- Every answer ---------------------------------------------------------------------------------

VALUES = st.one_of(
    st.none(), st.booleans(), st.floats(), st.integers(), st.text(), st.lists(st.integers())
)


@given(
    st.dictionaries(st.one_of(st.sampled_from([*RUNTIME, *SERVER]), st.text()), VALUES),
    st.sets(st.text(max_size=3)),
)
def test_no_answer_breaks_it(fields: dict[str, object], custom: set[str]) -> None:
    found = decode_statistics(
        {"runtimeStatistics": fields, "serverStatistics": fields}, custom=custom
    )
    numbers = [*found.runtime.values(), *found.custom.values(), found.uptime_seconds]
    numbers += [found.cpu_usage, found.memory_used_bytes, found.memory_total_bytes]
    assert all(number is None or math.isfinite(number) for number in numbers)
    assert set(found.runtime) <= set(RUNTIME_STATISTICS)
    assert set(found.custom) <= custom
    found.lean_version.encode()
