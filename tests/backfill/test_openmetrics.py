"""Points in, OpenMetrics out."""

from __future__ import annotations

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from exporter.backfill.openmetrics import Labeled, write
from exporter.backfill.past import Past
from exporter.sources.chart import Point

from .given import MIDNIGHT

ONE = {
    "account": "main",
    "project_id": "7",
    "project": 'Größe "1"',
    "account_currency": "EUR",
}
TWO = {**ONE, "project_id": "8", "project": "Two"}
TEXT = """\
# HELP quantconnect_live_equity Total equity in the account currency; no sample where 0 is sent.\
 Source: live/list, field equity, newest deployment. Read every status_interval.
# TYPE quantconnect_live_equity gauge
quantconnect_live_equity{account="main",account_currency="EUR",job="q",project="Größe \\"1\\"",\
project_id="7"} 100000.25 1795651200
quantconnect_live_equity{account="main",account_currency="EUR",job="q",project="Größe \\"1\\"",\
project_id="7"} 1.00000025e+06 1795651202.7
quantconnect_live_equity{account="main",account_currency="EUR",job="q",project="Two",\
project_id="8"} -5.0 1795651200
# HELP quantconnect_live_benchmark_value Price or value of the algorithm's benchmark in its own\
 currency, not rebased. Source: live/chart/read, chart Benchmark, its last point. Read every\
 benchmark_interval.
# TYPE quantconnect_live_benchmark_value gauge
quantconnect_live_benchmark_value{account="main",job="q",project="Größe \\"1\\"",project_id="7"}\
 612.9 1795651200
# EOF
"""


def test_the_text_of_two_projects() -> None:
    one = Past(
        (Point(MIDNIGHT, 100_000.25), Point(MIDNIGHT + 2.7, 1_000_000.25)),
        (Point(MIDNIGHT, 612.9),),
    )
    two = Past((Point(MIDNIGHT, -5.0),), ())
    text = "".join(write([Labeled(one, ONE), Labeled(two, TWO)], {"job": "q"}))
    assert text == TEXT
    equity, benchmark = text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
    assert [sample.value for sample in equity.samples] == [100_000.25, 1_000_000.25, -5.0]
    assert equity.samples[0].labels == {**ONE, "job": "q"}
    assert benchmark.samples[0].labels.keys() == {"account", "job", "project", "project_id"}
