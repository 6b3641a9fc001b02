"""What every dashboard keeps to, so that the four read as one and load wherever they are put."""

from __future__ import annotations

import re
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest

from .lint import inside, widths
from .queries import dashboards, panels

if TYPE_CHECKING:
    from collections.abc import Iterator

DASHBOARDS = dashboards()
PANELS = [
    pytest.param(panel, id=f"{uid}: {panel['title']}")
    for uid, dashboard in DASHBOARDS.items()
    for panel in panels(dashboard)
]
UIDS = [
    "quantconnect-exporter",
    "quantconnect-fleet",
    "quantconnect-portfolio",
    "quantconnect-symbol",
]
IN_ORDER = [UIDS[1], UIDS[2], UIDS[3], UIDS[0]]
UNITS = {
    "bytes",
    "dateTimeFromNow",
    "locale",
    "none",
    "percentunit",
    "reqps",
    "s",
    "short",
}
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}

each_dashboard = pytest.mark.parametrize("uid", UIDS)
each_panel = pytest.mark.parametrize("panel", PANELS)


def everything(value: Any) -> Iterator[dict[str, Any]]:
    """Every object within a JSON document."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from everything(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from everything(inner)


def test_there_are_four_dashboards_whose_files_have_their_uids() -> None:
    assert [dashboard["uid"] for dashboard in DASHBOARDS.values()] == UIDS
    assert list(DASHBOARDS) == UIDS


@each_dashboard
def test_it_is_provisioned_as_it_is(uid: str) -> None:
    dashboard = DASHBOARDS[uid]
    assert dashboard["id"] is None
    assert dashboard["editable"] is False
    assert dashboard["schemaVersion"] == 37
    assert dashboard["tags"] == ["quantconnect"]
    assert dashboard["title"].startswith("QuantConnect / ")
    assert dashboard["description"]
    assert dashboard["timezone"] == "utc"


@each_dashboard
def test_the_others_are_one_click_away_with_time_range_and_job(uid: str) -> None:
    links = DASHBOARDS[uid]["links"]
    assert [link["url"].split("?")[0] for link in links] == [
        f"/d/{other}" for other in IN_ORDER if other != uid
    ]
    for link in links:
        assert link["type"] == "link"
        assert link["keepTime"] is True
        assert link["url"].split("?")[1] == "${datasource:queryparam}&${job:queryparam}"


@each_dashboard
def test_panel_ids_and_titles_are_unique(uid: str) -> None:
    dashboard = DASHBOARDS[uid]
    rows = [panel for panel in dashboard["panels"] if panel["type"] == "row"]
    ids = [panel["id"] for panel in (*rows, *panels(dashboard))]
    assert len(set(ids)) == len(ids)
    titles = [panel["title"] for panel in panels(dashboard)]
    assert len(set(titles)) == len(titles)


@each_dashboard
def test_panels_stay_on_the_grid_and_off_each_other(uid: str) -> None:
    places = [panel["gridPos"] for panel in DASHBOARDS[uid]["panels"]]
    for row in DASHBOARDS[uid]["panels"]:
        places += [panel["gridPos"] for panel in row.get("panels", ())]
    for place in places:
        assert place["x"] >= 0
        assert place["x"] + place["w"] <= 24
        assert place["w"] > 0
        assert place["h"] > 0
    for one, other in combinations(places, 2):
        apart_x = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        apart_y = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert apart_x or apart_y, (one, other)


@each_dashboard
def test_the_first_thing_is_a_number(uid: str) -> None:
    first = DASHBOARDS[uid]["panels"][0]
    assert first["type"] == "stat"
    assert first["gridPos"]["y"] == 0


@each_dashboard
def test_nothing_names_a_data_source(uid: str) -> None:
    named = [part["datasource"] for part in everything(DASHBOARDS[uid]) if "datasource" in part]
    own = {"type": "grafana", "uid": "-- Grafana --"}
    assert [source for source in named if source not in (DATASOURCE, own)] == []
    assert named.count(own) == 1


@each_dashboard
def test_variables(uid: str) -> None:
    source, *others = DASHBOARDS[uid]["templating"]["list"]
    assert (source["name"], source["label"], source["type"]) == (
        "datasource",
        "Data source",
        "datasource",
    )
    assert source["query"] == "prometheus"
    assert others[0]["name"] == "job"
    assert (others[0]["label"], others[0]["multi"], others[0]["allValue"]) == ("Job", True, ".+")
    for variable in others:
        assert variable["type"] == "query"
        assert variable["refresh"] == 2, "on time range change"
        assert variable["label"]
        assert variable["definition"] == variable["query"]["query"]
        assert variable["includeAll"] == variable["multi"] == ("allValue" in variable)
        assert variable["skipUrlSync"] is (variable["hide"] == 2), "what is hidden follows"
        chosen = {"selected": True, "text": ["All"], "value": ["$__all"]}
        assert variable["current"] == (chosen if variable["multi"] else {})


@pytest.mark.parametrize(
    ("name", "answer", "text", "value"),
    [
        (
            "project",
            '{project="US momentum",project_id="23456789"} 1 1.7e12',
            "US momentum",
            "23456789",
        ),
        ("project", '{project="23456789", project_id="23456789"} 1 1.7e12', "23456789", "23456789"),
        (
            "symbol",
            '{symbol="SPY 2026-12-18 C 600",symbol_id="SPY 32NKVT5XYZ|SPY R735QTJ8XC9X"} 3 1.7e12',
            "SPY 2026-12-18 C 600",
            "SPY 32NKVT5XYZ|SPY R735QTJ8XC9X",
        ),
    ],
)
def test_names_are_shown_and_ids_selected(name: str, answer: str, text: str, value: str) -> None:
    patterns = {
        variable["regex"]
        for dashboard in DASHBOARDS.values()
        for variable in dashboard["templating"]["list"]
        if variable["name"] == name
    }
    (pattern,) = patterns
    python_pattern = pattern.strip("/").replace("(?<", "(?P<")
    match = re.search(python_pattern, answer)
    assert match is not None
    assert (match["text"], match["value"]) == (text, value)


@each_panel
def test_a_panel_says_what_it_is(panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert re.search(r"\. Source: .+\.$", panel["description"]), panel["description"]
    assert panel["targets"]
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
    for override in panel["fieldConfig"]["overrides"]:
        for part in override["properties"]:
            assert part["id"] != "unit" or part["value"] in UNITS


@each_panel
def test_overrides_and_links_speak_of_what_is_there(panel: dict[str, Any]) -> None:
    fields = {
        new
        for step in panel["transformations"]
        if step["id"] == "organize"
        for new in step["options"]["renameByName"].values()
    }
    labels = {
        old
        for step in panel["transformations"]
        if step["id"] == "organize"
        for old in step["options"]["renameByName"]
    }
    legends = {target["legendFormat"] for target in panel["targets"]}
    refs = {target["refId"] for target in panel["targets"]}
    for override in panel["fieldConfig"]["overrides"]:
        known = refs if override["matcher"]["id"] == "byFrameRefID" else fields | legends
        assert override["matcher"]["options"] in known
        for part in override["properties"]:
            for link in part["value"] if part["id"] == "links" else ():
                for field in re.findall(r"__data\.fields\.(\w+)", link["url"] + link["title"]):
                    assert field in labels


@each_panel
def test_links_lead_to_dashboards_with_variables_of_that_name(panel: dict[str, Any]) -> None:
    for part in everything(panel):
        for link in part.get("value", ()) if part.get("id") == "links" else ():
            match = re.match(r"/d/([\w-]+)\?\$\{__url_time_range\}&", link["url"])
            assert match is not None, link["url"]
            assert match[1] in UIDS
            there = {variable["name"] for variable in DASHBOARDS[match[1]]["templating"]["list"]}
            assert set(re.findall(r"[?&]var-(\w+)=", link["url"])) <= there
            assert "${datasource:queryparam}" in link["url"]
            assert "${job:queryparam}" in link["url"]


@each_panel
def test_tables_show_the_worst_first(panel: dict[str, Any]) -> None:
    if panel["type"] == "table":
        steps = {step["id"]: step["options"] for step in panel["transformations"]}
        (sort,) = steps["sortBy"]["sort"]
        assert sort["field"] in steps["organize"]["renameByName"].values()


@pytest.mark.parametrize(
    ("screen", "last"), [(1600, "Limit"), (1280, "Last fill"), (420, "Status")], ids=str
)
def test_the_columns_that_matter_are_in_sight(screen: int, last: str) -> None:
    """Of the projects' table, without scrolling sideways; names of some 30 letters are whole."""
    (panel,) = (each for each in panels(DASHBOARDS[UIDS[1]]) if each["title"] == "Projects")
    columns = widths(panel, screen)
    assert columns["Project"] >= 30 * 7.5
    shown = list(columns)
    seen = shown[: shown.index(last) + 1]
    assert sum(columns[name] for name in seen) <= inside(panel, screen)
    assert seen[:2] == ["Project", "Status"]
