"""What the exporter counts of itself, as it is scraped."""

from __future__ import annotations

import platform
from itertools import pairwise

from prometheus_client import generate_latest

from exporter.metrics.own import FAMILIES as EXPORTER_FAMILIES
from exporter.telemetry import Telemetry


def scraped(telemetry: Telemetry) -> dict[str, float]:
    """Our own samples, by name and labels."""
    return {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
        for line in generate_latest(telemetry.registry).decode().splitlines()
        if line.startswith("quantconnect_")
    }


def telemetry() -> Telemetry:
    return Telemetry(version="1.2.3", revision="abc")


def test_every_family_of_the_catalogue_is_an_instrument() -> None:
    text = generate_latest(telemetry().registry).decode()
    for family in EXPORTER_FAMILIES:
        assert f"# HELP {family.name} {family.help}\n" in text
        assert f"# TYPE {family.name} {family.type}\n" in text
    assert text.count("# TYPE quantconnect_") == len(EXPORTER_FAMILIES), "no _created beside them"


def test_the_build() -> None:
    samples = scraped(telemetry())
    python = platform.python_version()
    labels = f'python_version="{python}",revision="abc",version="1.2.3"'
    assert samples[f"quantconnect_exporter_build_info{{{labels}}}"] == 1


def test_what_is_known_beforehand_starts_at_zero() -> None:
    own = telemetry()
    own.account("main", endpoints=["authenticate", "live/list"], reasons=["auth", "tls"], budget=1)
    samples = scraped(own)
    for endpoint in ("authenticate", "live/list"):
        labels = f'account="main",endpoint="{endpoint}"'
        assert samples[f"quantconnect_api_requests_total{{{labels}}}"] == 0
        assert samples[f"quantconnect_api_request_duration_seconds_count{{{labels}}}"] == 0
        for reason in ("auth", "tls"):
            name = "quantconnect_api_request_failures_total"
            assert samples[f'{name}{{{labels},reason="{reason}"}}'] == 0
    assert samples['quantconnect_api_request_budget_per_second{account="main"}'] == 1
    assert samples['quantconnect_api_request_demand_per_second{account="main"}'] == 0
    assert samples['quantconnect_api_authenticated{account="main"}'] == 0
    assert not any("clock_skew" in name for name in samples), "nobody knows it yet"


def test_calls_are_counted() -> None:
    own = telemetry()
    account = own.account("main", endpoints=["live/list"], reasons=["auth"], budget=0.5)
    account.call("live/list")
    account.answered("live/list", 0.3)
    account.call("live/list")
    account.answered("live/list", 70.0)
    account.failed("live/list", "auth")
    account.skew(-2.5)
    account.demand(0.75)
    account.problem("live/list", "equity")
    account.authenticated(accepted=True)
    samples = scraped(own)
    labels = 'account="main",endpoint="live/list"'
    assert samples[f"quantconnect_api_requests_total{{{labels}}}"] == 2
    name = "quantconnect_api_request_failures_total"
    assert samples[f'{name}{{{labels},reason="auth"}}'] == 1
    duration = "quantconnect_api_request_duration_seconds"
    assert samples[f"{duration}_sum{{{labels}}}"] == 70.3
    assert samples[f'{duration}_bucket{{{labels},le="0.5"}}'] == 1
    assert samples[f'{duration}_bucket{{{labels},le="+Inf"}}'] == 2
    buckets = [value for name, value in samples.items() if name.startswith(f"{duration}_bucket")]
    assert all(less <= more for less, more in pairwise(buckets))
    assert samples['quantconnect_api_clock_skew_seconds{account="main"}'] == -2.5
    assert samples['quantconnect_api_request_demand_per_second{account="main"}'] == 0.75
    problems = 'quantconnect_api_parse_problems_total{endpoint="live/list",field="equity"}'
    assert samples[problems] == 1
    assert samples['quantconnect_api_authenticated{account="main"}'] == 1
    account.authenticated(accepted=False)
    assert scraped(own)['quantconnect_api_authenticated{account="main"}'] == 0


def test_an_account_that_left_leaves_nothing() -> None:
    own = telemetry()
    main, account = (
        own.account(name, endpoints=["live/list"], reasons=["auth"], budget=1)
        for name in ("main", "other")
    )
    for each in (main, account):
        each.call("live/list")
        each.skew(1)
    account.forget()
    # A call that hung until now.
    account.call("live/list")
    account.answered("live/list", 5.0)
    account.failed("live/list", "timeout")
    account.unread(3)
    account.skew(1)
    account.demand(1)
    account.authenticated(accepted=False)
    samples = scraped(own)
    assert not any('account="other"' in name for name in samples)
    assert samples['quantconnect_api_requests_total{account="main",endpoint="live/list"}'] == 1


def test_two_in_one_process_do_not_meet() -> None:
    first, second = telemetry(), telemetry()
    first.http_requests.labels("/metrics", "200").inc()
    assert not any("http_requests" in name for name in scraped(second))
