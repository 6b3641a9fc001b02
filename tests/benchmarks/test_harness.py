"""The benchmarks run, compare servers that say the same, and leave no row out."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from benchmarks import peers
from benchmarks.table import at_least, at_most, duration, markdown, quantile, size

ROOT = Path(__file__).parent.parent.parent

ROWS = (
    r"size of a scrape at 4 × 10, \d+ series, against gzip -1",
    r"scrape against \(a\) prometheus-client, wall",
    r"scrape against \(a\) prometheus-client, CPU",
    r"scrape against \(b\) client_golang[^|]*",
    r"scrape against \(c\) nginx[^|]*",
    r"scrape against \(d\) nginx[^|]*",
    r"scrape at the usual size, 2 × 5, \d+ series",
    r"size of a scrape at 2 × 5, \d+ series, against gzip -1",
    r"memory at the usual size",
    r"poll path a holding, one read in ten finds new prices",
    r"poll path a holding, every price moved",
    r"poll path a holding, a tenth of the positions replaced too",
    r"poll path a holding, nothing changed since the last read",
    r"memory after start, 4 × 10",
    r"memory after load[^|]*",
    r"memory after 8 polls with positions opening and closing",
    r"memory after 16 polls, against after 8",
    r"scrape of \d+ series, [^|]* resident",
    r"CPU a series at \d+ against \d+",
    r"scrape at rest, p99 against p50",
    r"scrape while 4 portfolios are read each second, p50 against p50 at rest",
    r"scrape while 4 portfolios are read each second, p99 against p50 at rest",
    r"start to the first /metrics",
    r"start to all 2 portfolios in /metrics",
    r"of which the interpreter and imports",
)


def test_a_quick_run_fills_the_page(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick", "--output", str(page)],
        cwd=ROOT,
        check=True,
        timeout=300,
    )
    text = page.read_text()
    assert "{{" not in text, "a value of the page is missing"
    for row in ROWS:
        found = re.search(rf"^\| {row} \| ([^|]*\d[^|]*|) \|", text, re.MULTILINE)
        assert found, f"no row {row}"
        left_out = found[1] == ""
        assert left_out == (f"{found[0]} left out" in text), f"{row} has no figure"
    assert ("nginx, gzip, wall" in text) == (peers.find_nginx() is not None)
    assert str(ROOT) not in text


def test_families_keep_everything_but_the_exporters_own() -> None:
    text = (
        b"# HELP quantconnect_holdings N.\n# TYPE quantconnect_holdings gauge\n"
        b'quantconnect_holdings{account="main",project="p",project_id="7"} 3.0\n'
        b"# HELP process_open_fds F.\n# TYPE process_open_fds gauge\nprocess_open_fds 9.0\n"
    )
    (family,) = peers.families(text)
    assert family["labels"] == ["account", "project", "project_id"]
    assert family["values"] == [["main", "p", "7"]]
    assert family["numbers"] == [3.0]
    assert peers.samples(text) == {
        b'quantconnect_holdings{account="main",project="p",project_id="7"}': 3.0
    }
    assert [metric.samples[0].value for metric in peers.Families([family]).collect()] == [3.0]


def test_a_row_says_whether_it_is_reached() -> None:
    assert at_least("w", "1 ms", "60 ms", 60, 60).met
    assert not at_least("w", "1 ms", "59 ms", 59, 60).met
    assert at_most("w", "2 ms", "1 ms", 2, 2).met
    assert not at_most("w", "3 ms", "1 ms", 3, 2).met
    assert markdown([at_most("w", "3 ms", "1 ms", 3, 2)]).splitlines()[-1] == (
        "| w | 3 ms | 1 ms | 3 × | ≤ 2 × | ✗ |"
    )


def test_quantiles() -> None:
    values = [float(n) for n in range(1, 101)]
    assert quantile(values, 0.5) == 50
    assert quantile(values, 0.99) == 99
    assert quantile([7.0], 0.99) == 7


def test_figures_for_people() -> None:
    assert [duration(each) for each in (2.5, 0.0125, 3e-6)] == ["2.5 s", "12.5 ms", "3 µs"]
    assert [size(each) for each in (108_300_000, 12_300)] == ["108 MB", "12.3 kB"]
