"""The committed dashboards are what their source builds, and the builder refuses bad sources."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from grafana import build
from grafana.builder import palette
from grafana.builder.dashboard import number
from grafana.builder.grid import Row, line, place
from grafana.builder.palette import Step
from grafana.builder.panel import stat, timeseries, values
from grafana.builder.query import Query, targets
from grafana.builder.table import Label, Nothing, Sort, Value, table

from .queries import DASHBOARDS

if TYPE_CHECKING:
    from pathlib import Path

    from grafana.builder.panel import Panel


def number_panel(title: str) -> Panel:
    return stat(
        title=title,
        description="Source: none.",
        queries=(Query(expr="up"),),
        style=values(unit="none"),
        size=20,
    )


def test_committed_json_is_what_the_source_builds() -> None:
    assert build.stale(DASHBOARDS) == []
    assert sorted(build.documents()) == sorted(path.name for path in DASHBOARDS.glob("*.json"))


def test_check_names_what_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in DASHBOARDS.glob("*.json"):
        shutil.copy(path, tmp_path)
    changed = tmp_path / "quantconnect-fleet.json"
    document = json.loads(changed.read_text(encoding="utf-8"))
    document["title"] = "By hand"
    changed.write_text(json.dumps(document), encoding="utf-8")
    (tmp_path / "forgotten.json").write_text("{}", encoding="utf-8")
    (tmp_path / "quantconnect-symbol.json").unlink()

    monkeypatch.setattr("sys.argv", ["build", "--check", "--output", str(tmp_path)])
    assert build.main() == 1
    complaints = capsys.readouterr().err.splitlines()
    assert [complaint.split("/")[-1] for complaint in complaints] == [
        "forgotten.json is not what the source builds",
        "quantconnect-fleet.json is not what the source builds",
        "quantconnect-symbol.json is not what the source builds",
    ]

    monkeypatch.setattr("sys.argv", ["build", "--output", str(tmp_path)])
    assert build.main() == 0
    assert build.stale(tmp_path) == []
    assert not (tmp_path / "forgotten.json").exists()


def test_panels_are_placed_line_by_line() -> None:
    one, two, three = (number_panel(title) for title in ("one", "two", "three"))
    rows = (
        Row("", (line(3, (8, one), (16, two)),)),
        Row("folded", (line(5, (24, three)),), collapsed=True),
    )
    first, second, folded = place(rows)
    assert first["gridPos"] == {"x": 0, "y": 0, "w": 8, "h": 3}
    assert second["gridPos"] == {"x": 8, "y": 0, "w": 16, "h": 3}
    assert folded["gridPos"] == {"x": 0, "y": 3, "w": 24, "h": 1}
    assert [panel["gridPos"]["y"] for panel in folded["panels"]] == [4]


def test_a_line_fills_the_grid() -> None:
    with pytest.raises(ValueError, match="the line of one, two is 20 columns wide, expected 24"):
        line(4, (8, number_panel("one")), (12, number_panel("two")))


def test_a_folded_row_needs_a_title() -> None:
    with pytest.raises(ValueError, match="needs a title"):
        Row("", (), collapsed=True)


def test_an_id_stays_when_panels_come_and_go() -> None:
    before = [{"type": "stat", "title": "Equity"}]
    after = [{"type": "stat", "title": "New"}, {"type": "stat", "title": "Equity"}]
    number(before)
    number(after)
    assert before[0]["id"] == after[1]["id"]


def test_panels_of_one_title_are_refused() -> None:
    with pytest.raises(ValueError, match="'Equity' and 'Equity' share an id"):
        number([{"type": "stat", "title": "Equity"}, {"type": "stat", "title": "Equity"}])


@pytest.mark.parametrize(
    "steps", [(), (Step(0, "red"),), (Step(None, "a"), Step(2, "b"), Step(1, "c"))]
)
def test_thresholds_rise_from_minus_infinity(steps: palette.Thresholds) -> None:
    with pytest.raises(ValueError, match="must begin with None and rise"):
        palette.thresholds(steps)


def test_queries_of_a_panel_differ_in_name() -> None:
    with pytest.raises(ValueError, match="must differ in ref"):
        targets((Query(expr="up", ref="B"), Query(expr="down", ref="B")), over_time=False)


def test_a_table_is_sorted_by_a_column() -> None:
    with pytest.raises(ValueError, match="sorted by 'Loss', which is no column"):
        table(
            title="Holdings",
            description="Source: none.",
            by=("symbol",),
            sort=Sort(title="Loss"),
            columns=(Label(name="symbol", title="Symbol"),),
        )


def columns(panel: Panel) -> dict[str, str]:
    steps = {step["id"]: step["options"] for step in panel.transformations}
    return dict(steps["organize"]["renameByName"])


def test_a_table_names_its_columns_as_grafana_names_the_fields() -> None:
    label = Label(name="symbol", title="Symbol")
    value = Value(ref="pnl", title="P/L", expr="pnl")
    by = ("symbol",)
    one = table(title="t", description="d", by=by, sort=Sort(title="P/L"), columns=(label, value))
    two = table(
        title="t",
        description="d",
        by=by,
        sort=Sort(title="P/L"),
        columns=(label, value, Value(ref="weight", title="Weight", expr="weight")),
    )
    assert columns(one) == {
        "symbol": "Symbol",
        "Value": "P/L",
    }
    assert columns(two) == {
        "symbol": "Symbol",
        "Value #pnl": "P/L",
        "Value #weight": "Weight",
    }


def test_every_query_of_a_table_is_aggregated_by_the_same_labels() -> None:
    panel = table(
        title="t",
        description="d",
        by=("job", "project_id"),
        sort=Sort(title="P/L"),
        nothing=Nothing(label="symbol", text="No position", expr="holdings == 0"),
        columns=(
            Value(ref="name", title="Name", expr="info", brings=("project",)),
            Value(ref="pnl", title="P/L", expr="pnl"),
        ),
    )
    assert [query.expr for query in panel.queries] == [
        "max by (job, project_id, project) (info)",
        "max by (job, project_id) (pnl)",
        'label_replace(group by () (holdings == 0), "symbol", "No position", "", "")',
    ]


def test_the_form_of_a_panel_decides_what_it_asks_for() -> None:
    (now,) = number_panel("Equity").render()["targets"]
    graph = timeseries(
        title="Equity",
        description="Source: none.",
        queries=(Query(expr="up"),),
        style=values(unit="none"),
        period="30d",
    ).render()
    (over_time,) = graph["targets"]
    assert (now["instant"], now["range"]) == (True, False)
    assert (over_time["instant"], over_time["range"]) == (False, True)
    assert graph["timeFrom"] == "30d"
