"""Which format an Accept header gets, and what of Accept-Encoding is gzip."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.exposition import choose_encoder

from exporter.exposition import (
    TEXT,
    Format,
    accepts_gzip,
    negotiate,
    openmetrics_1_0_0,
    text_1_0_0,
)

PLAIN = "text/plain; version=0.0.4; charset=utf-8"
TEXT_1 = "text/plain; version=1.0.0; charset=utf-8; escaping="
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping="


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        # Prometheus 2.42, 2.54 and 3.x, the last also with native histograms.
        (
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
                "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
            ),
            OPENMETRICS + "underscores",
        ),
        (
            (
                "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;"
                "version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
            ),
            OPENMETRICS + "underscores",
        ),
        (
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
                "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;"
                "escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
            ),
            OPENMETRICS + "allow-utf-8",
        ),
        (
            (
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
                "encoding=delimited;q=0.7,application/openmetrics-text;version=1.0.0;"
                "escaping=underscores;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
            ),
            OPENMETRICS + "underscores",
        ),
        # Grafana Alloy, vmagent, Telegraf.
        ("text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,*/*;q=0.2", TEXT_1 + "allow-utf-8"),
        ("text/plain;version=0.0.4;q=1,*/*;q=0.1", PLAIN),
        ("application/openmetrics-text;version=0.0.1,text/plain", PLAIN),
        # curl, browsers, nothing.
        ("*/*", PLAIN),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", PLAIN),
        ("", PLAIN),
        # By q and, among equals, by order; q=0 is never.
        ("text/plain;q=0.9,application/openmetrics-text;q=0.8", PLAIN),
        ("text/plain;q=0.8,application/openmetrics-text;q=0.9", OPENMETRICS + "underscores"),
        ("text/plain,application/openmetrics-text", PLAIN),
        ("application/openmetrics-text,text/plain", OPENMETRICS + "underscores"),
        ("application/openmetrics-text;q=0,text/plain;q=0.1", PLAIN),
        ("application/openmetrics-text;q=0", PLAIN),
        # Spelled otherwise.
        ("Application/OpenMetrics-Text ; Version=1.0.0 ; Q=1.0", OPENMETRICS + "underscores"),
        ('text/plain;version="1.0.0";escaping="allow-utf-8"', TEXT_1 + "allow-utf-8"),
        ("application/*", OPENMETRICS + "underscores"),
        ("text/*", PLAIN),
        # Escapings that would rename our series.
        ("application/openmetrics-text;version=1.0.0;escaping=dots", OPENMETRICS + "underscores"),
        ("application/openmetrics-text;version=1.0.0;escaping=values", OPENMETRICS + "underscores"),
        ("text/plain;version=1.0.0;escaping=dots", TEXT_1 + "underscores"),
        ("text/plain;version=1.0.0;escaping=new", TEXT_1 + "underscores"),
        # Not on offer, and nonsense.
        ("application/openmetrics-text;version=2.0.0", PLAIN),
        ("text/plain;version=9", PLAIN),
        ("application/json", PLAIN),
        ("application/vnd.google.protobuf", PLAIN),
        ("application/openmetrics-text;q=high", PLAIN),
        ("application/openmetrics-text;q=nan", PLAIN),
        ("application/openmetrics-text;q=2", PLAIN),
        ("application/openmetrics-text;q=-1", PLAIN),
        (",;=;,,q=;;", PLAIN),
    ],
)
def test_the_format_of_an_accept_header(accept: str, content_type: str) -> None:
    assert negotiate(accept).content_type == content_type


@given(st.text() | st.lists(st.sampled_from('text/plain*;,=q0.1"openmetrics- ')).map("".join))
def test_no_accept_header_raises(accept: str) -> None:
    assert negotiate(accept).render(CollectorRegistry()) in (b"", b"# EOF\n")


@given(
    st.lists(
        st.sampled_from(
            [
                "application/openmetrics-text;version=1.0.0",
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8",
                "application/openmetrics-text;version=0.0.1",
                "text/plain;version=1.0.0",
                "text/plain;version=1.0.0;escaping=underscores",
                "application/vnd.google.protobuf;encoding=delimited",
                "text/html",
            ]
        ),
        unique=True,
    ),
    st.sampled_from(["", ",text/plain", ",text/plain;version=0.0.4", ",*/*"]),
)
def test_prometheus_client_would_choose_the_same(ranges: list[str], last: str) -> None:
    """Where its rule, what is named first, and ours, the highest q, come to the same."""
    accept = ",".join(ranges) + last
    encoder, content_type = choose_encoder(accept)
    chosen = negotiate(accept)
    registry = CollectorRegistry()
    Gauge("quantconnect_x", "Help.", registry=registry)
    assert (chosen.content_type, chosen.render(registry)) == (content_type, encoder(registry))


def test_each_format_is_one_object() -> None:
    """Headers are kept by format: as many as there are formats, not as there are scrapes."""
    for accept in ("text/plain;version=1.0.0", "application/openmetrics-text", "*/*"):
        assert negotiate(accept) is negotiate(accept)
    formats: set[Format] = {TEXT, text_1_0_0("underscores"), openmetrics_1_0_0("underscores")}
    assert len(formats) == 3


@pytest.mark.parametrize(
    ("accept_encoding", "accepted"),
    [
        ("gzip", True),
        ("GZip", True),
        ("gzip, deflate, br, zstd", True),
        ("br;q=1.0, gzip;q=0.8, *;q=0.1", True),
        ("gzip;q=0.001", True),
        ("*", True),
        ("deflate, *;q=0.5", True),
        ("", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip;q=0.0, *", False),
        ("*, gzip;q=0", False),
        ("*;q=0", False),
        ("gzip;q=x", False),
        ("gzipped", False),
        ("x-gzip", False),
    ],
)
def test_gzip_by_accept_encoding(accept_encoding: str, *, accepted: bool) -> None:
    assert accepts_gzip(accept_encoding) is accepted


@given(st.text())
def test_no_accept_encoding_raises(accept_encoding: str) -> None:
    assert accepts_gzip(accept_encoding) in (True, False)
