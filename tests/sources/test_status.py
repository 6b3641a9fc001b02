"""The deployments of live/list, the newest of each project, and what is published of it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from exporter.metrics.table import Row
from exporter.quantconnect.client import Endpoint
from exporter.quantconnect.errors import ApiError, Reason
from exporter.quantconnect.fields import Problem
from exporter.sources import status
from exporter.sources.source import Known
from exporter.sources.status import (
    STATUS,
    STATUSES,
    Deployment,
    Listing,
    Status,
    decode_deployments,
)
from tests.sources.given import CONFIG, PROJECT, ROW, A, P, published

ENTRY = {
    "projectId": 23456789,
    "deployId": "L-883cb74ab1a6a4a4e4d3a4b1a4d4e4f4",
    "status": "Running",
    "launched": "2026-11-20 14:30:00",
    "stopped": None,
    "brokerage": "PaperBrokerage",
    "subscription": "Strategy Equity",
    "equity": 101691.92,
    "environment": "paper",
    "description": "",
    "error": "",
    "leagues": [],
}
RUNNING = Deployment(
    project_id=23456789,
    deploy_id="L-883cb74ab1a6a4a4e4d3a4b1a4d4e4f4",
    status="Running",
    launched=1_795_185_000.0,
    stopped=None,
    brokerage="PaperBrokerage",
    environment="paper",
    equity=101691.92,
    error="",
)


def one(**fields: object) -> tuple[Deployment, tuple[Problem, ...]]:
    listing = decode_deployments({"live": [ENTRY | fields], "success": True})
    [found] = listing.deployments
    return found, listing.problems


def test_a_running_deployment() -> None:
    assert one() == (RUNNING, ())


def test_a_crashed_deployment_with_documented_dates() -> None:
    found, problems = one(
        status="RuntimeError",
        launched="2026-11-20T14:30:00Z",
        stopped="2026-11-21T02:00:00.5Z",
        equity=0,
        error="Division by zero\n  at Main.cs",
    )
    assert found == Deployment(
        project_id=23456789,
        deploy_id=RUNNING.deploy_id,
        status="RuntimeError",
        launched=1_795_185_000.0,
        stopped=1_795_226_400.5,
        brokerage="PaperBrokerage",
        environment="paper",
        equity=None,
        error="Division by zero\n  at Main.cs",
    )
    assert problems == ()


@pytest.mark.parametrize("nothing", [[], {}, None])
def test_nothing_deployed(nothing: object) -> None:
    assert decode_deployments({"live": nothing, "success": True}) == Listing((), ())


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ({"success": True}, "live/list: live is missing, expected an array"),
        ({"live": "none"}, 'live/list: live: found string "none", expected an array'),
        ({"live": {"0": ENTRY}}, "live/list: live: found object of 1, expected an array"),
        ({"live": False}, "live/list: live: found boolean false, expected an array"),
    ],
)
def test_missing_data_is_not_nothing_deployed(payload: dict[str, object], message: str) -> None:
    with pytest.raises(ApiError) as caught:
        decode_deployments(payload)
    assert (caught.value.reason, caught.value.message) == (Reason.MALFORMED, message)


def test_what_is_missing_stays_missing() -> None:
    assert decode_deployments({"Live": [{"ProjectId": 1}]}) == Listing(
        (
            Deployment(
                project_id=1,
                deploy_id="",
                status="Unknown",
                launched=None,
                stopped=None,
                brokerage="",
                environment="",
                equity=None,
                error="",
            ),
        ),
        (Problem("status", "live[projectId=1]", "missing, expected a known status"),),
    )


def test_one_that_runs_has_an_equity() -> None:
    running = {"projectId": 1, "status": "Running", "launched": "2026-11-20 10:00:00"}
    listing = decode_deployments({"live": [running, {**running, "equity": None}]})
    missing = Problem("equity", "live[projectId=1]", "missing, expected a number")
    assert listing.problems == (missing,)
    assert decode_deployments({"live": [{**running, "status": "InQueue"}]}).problems == ()


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_whatever_its_case(status: str) -> None:
    spaced = "".join(f" {c}" if c.isupper() else c for c in status).strip()
    for sent in (status, status.lower(), status.upper(), spaced, spaced.replace(" ", "_").lower()):
        assert one(status=sent) == (replace(RUNNING, status=status), ())


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ("Undefined", 'found string "Undefined", expected a known status'),
        ("Running!", 'found string "Running!", expected a known status'),
        (7, "found number 7, expected a string"),
    ],
)
def test_another_status_is_unknown(sent: object, message: str) -> None:
    found, problems = one(status=sent)
    assert found.status == "Unknown"
    assert problems == (Problem(field="status", where="live[projectId=23456789]", message=message),)


@pytest.mark.parametrize("sent", [None, ""])
def test_no_status_is_unknown(sent: object) -> None:
    found, problems = one(status=sent)
    assert found.status == "Unknown"
    assert problems == ()


@pytest.mark.parametrize("sent", [None, "", "0001-01-01 00:00:00", "0001-01-01T00:00:00Z"])
@pytest.mark.parametrize("field", ["launched", "stopped"])
def test_a_date_that_has_not_come(field: str, sent: object) -> None:
    found, problems = one(**{field: sent})
    assert getattr(found, field) is None
    assert problems == ()


@pytest.mark.parametrize("sent", ["soon", 1795185000, True, "2026-13-01 00:00:00"])
@pytest.mark.parametrize("field", ["launched", "stopped"])
def test_a_date_that_is_none(field: str, sent: object) -> None:
    found, problems = one(**{field: sent})
    assert getattr(found, field) is None
    assert [(problem.field, problem.where) for problem in problems] == [
        (field, "live[projectId=23456789]")
    ]


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        *((0, None), (0.0, None), (-0.0, None), ("0", None), (None, None)),
        *((-5.5, -5.5), ("101691.92", 101691.92), ("1e5", 100_000.0), (0.01, 0.01)),
    ],
)
@pytest.mark.parametrize("status", ["Running", "Stopped"])
def test_an_equity_of_0_is_none(status: str, sent: object, expected: float | None) -> None:
    found, problems = one(equity=sent, status=status)
    assert found.equity == expected
    assert problems == ()


@pytest.mark.parametrize("sent", ["$101,691.92", True, math.nan, math.inf, 10**400])
def test_an_equity_that_is_none(sent: object) -> None:
    found, problems = one(equity=sent)
    assert found.equity is None
    assert [problem.field for problem in problems] == ["equity"]


@pytest.mark.parametrize("field", ["deployId", "brokerage", "environment", "error"])
def test_a_text_that_is_none(field: str) -> None:
    _, problems = one(**{field: ["x"]})
    assert problems == (
        Problem(
            field=field,
            where="live[projectId=23456789]",
            message="found array of 1, expected a string",
        ),
    )


@pytest.mark.parametrize("sent", [None, "", "x23456789", 5.0, True, 0, -5, "0"])
def test_an_entry_without_a_project_is_left_out(sent: object) -> None:
    listing = decode_deployments({"live": [ENTRY | {"projectId": sent}, ENTRY]})
    assert listing.deployments == (RUNNING,)
    assert [(problem.field, problem.where) for problem in listing.problems] == [
        ("projectId", "live[0]")
    ]


def test_a_projects_id_may_be_a_string() -> None:
    assert one(projectId="23456789") == (RUNNING, ())


@pytest.mark.parametrize("entry", [None, "x", 5, []])
def test_an_entry_that_is_none_is_left_out(entry: object) -> None:
    listing = decode_deployments({"live": [ENTRY, entry]})
    assert listing.deployments == (RUNNING,)
    assert [(problem.field, problem.where) for problem in listing.problems] == [
        ("other", "live[1]")
    ]


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([None], "live[0]: found null, expected an object"),
        ([[ENTRY]], "live[0]: found array of 1, expected an object"),
        (
            ["x", ENTRY | {"projectId": "23,456"}],
            'live[1]: found string "23,456", expected a positive integer',
        ),
        ([{"id": 23456789}, {}], "live[1]: found null, expected a positive integer"),
    ],
)
def test_nothing_that_can_be_read_is_not_nothing_deployed(
    entries: list[object], message: str
) -> None:
    with pytest.raises(ApiError) as caught:
        decode_deployments({"live": entries})
    assert caught.value.reason is Reason.MALFORMED
    assert caught.value.message == f"live/list: no deployment can be read, {message}"


@pytest.mark.parametrize("others", [[], [ENTRY | {"projectId": 8}]])
def test_a_project_whose_deployment_may_be_the_unreadable_one_is_not_undeployed(
    others: list[object],
) -> None:
    entries = [ENTRY | {"projectId": "seven"}, *others]
    with pytest.raises(ApiError) as caught:
        decode_deployments({"live": entries}, project_id=7)
    assert caught.value.reason is Reason.MALFORMED
    assert caught.value.message == (
        "live/list: no deployment of project 7 can be read, "
        'live[0]: found string "seven", expected a positive integer'
    )


@pytest.mark.parametrize(
    ("project_id", "live", "none"),
    [
        (None, [], "no deployment"),
        (7, {}, "no deployment of project 7"),
        (7, [ENTRY], "no deployment of project 7"),
    ],
)
def test_errors_next_to_nothing_are_not_nothing_deployed(
    project_id: int | None, live: object, none: str
) -> None:
    payload = {"live": live, "success": True, "Errors": ["partial", "answer"]}
    with pytest.raises(ApiError) as caught:
        decode_deployments(payload, project_id=project_id)
    assert (caught.value.reason, caught.value.message) == (
        Reason.API_ERROR,
        f'live/list: {none} next to errors: string "partial"',
    )


def test_errors_next_to_something_are_a_warning() -> None:
    payload = {"live": [ENTRY], "success": True, "errors": ["deprecated"]}
    assert decode_deployments(payload, project_id=23456789) == Listing((RUNNING,), ())


def test_a_project_of_which_something_can_be_read() -> None:
    listing = decode_deployments({"live": [ENTRY, None]}, project_id=23456789)
    assert listing.deployments == (RUNNING,)
    assert len(listing.problems) == 1


def test_a_project_of_which_only_others_are_listed_was_never_deployed() -> None:
    assert decode_deployments({"live": [ENTRY]}, project_id=7) == Listing((RUNNING,), ())


def deployment(deploy_id: str, launched: float | None, status: str = "Stopped") -> Deployment:
    return Deployment(
        project_id=int(deploy_id[0]),
        deploy_id=deploy_id,
        status=status,
        launched=launched,
        stopped=None,
        brokerage="",
        environment="",
        equity=None,
        error="",
    )


@pytest.mark.parametrize(
    ("deployments", "expected"),
    [
        ([], []),
        ([deployment("1a", 1.0), deployment("1b", 2.0), deployment("2a", 0.0)], ["1b", "2a"]),
        ([deployment("1a", 2.0), deployment("1b", 1.0, "Running")], ["1a"]),
        ([deployment("1a", 1.0), deployment("1b", None)], ["1a"]),
        ([deployment("1a", None), deployment("1b", -5.0)], ["1b"]),
        ([deployment("1a", 1.0), deployment("1b", 1.0)], ["1a"]),
        ([deployment("1a", 1.0), deployment("1b", 1.0, "Running")], ["1b"]),
        ([deployment("1a", None), deployment("1b", None, "Running")], ["1b"]),
    ],
)
def test_the_newest_of_each_project(deployments: list[Deployment], expected: list[str]) -> None:
    found = Listing(tuple(deployments), ()).newest()
    assert [found[key].deploy_id for key in found] == expected


# --- Calls ----------------------------------------------------------------------------------------


def test_one_call_lists_what_runs() -> None:
    request = status.running()
    assert (request.endpoint, request.parameters) == (Endpoint.LIVE_LIST, {"status": "Running"})
    others = [
        ENTRY | {"projectId": 1, "status": "Stopped"},
        ENTRY | {"projectId": 2, "status": "Walking"},
        ENTRY | {"projectId": 3, "status": None},
        # The newest deployment counts, not an older one that runs.
        ENTRY | {"projectId": 4, "deployId": "L-old"},
        ENTRY | {"projectId": 4, "status": "RuntimeError", "launched": "2026-11-21 14:30:00"},
        None,
    ]
    listing = request.decode({"live": [*others, ENTRY], "success": True})
    assert listing.deployments == (RUNNING,)
    assert [problem.field for problem in listing.problems] == ["status", "other"]


@pytest.mark.parametrize("filtered", status.ENDED)
def test_a_call_lists_what_ended(filtered: str) -> None:
    request = status.ended(filtered)
    assert (request.endpoint, request.parameters) == (Endpoint.LIVE_LIST, {"status": filtered})
    stopped = ENTRY | {"status": filtered}
    assert request.decode({"live": [stopped]}).deployments == (replace(RUNNING, status=filtered),)


def test_the_call_of_a_project() -> None:
    request = STATUS.request(PROJECT, CONFIG, Known())
    assert (request.endpoint, request.parameters) == (Endpoint.LIVE_LIST, {"projectId": 101})
    older = ENTRY | {"projectId": 101, "launched": "2026-11-19 14:30:00"}
    found = request.decode({"live": [older, ENTRY | {"projectId": 101}, ENTRY, None]})
    assert found == Status(
        replace(RUNNING, project_id=101),
        (Problem("other", "live[3]", "found null, expected an object"),),
    )
    assert request.decode({"live": []}) == Status(None)
    assert STATUS.interval(PROJECT, CONFIG) == CONFIG.status_interval


def test_a_status_without_its_equity() -> None:
    assert Status(RUNNING).without_equity() == Status(replace(RUNNING, equity=None))
    assert Status(None).without_equity() == Status(None)


# --- What is published ----------------------------------------------------------------------------


def samples_of(row: Row = ROW, **changed: object) -> list[str]:
    found, problems = one(projectId=101, **changed)
    assert problems == ()
    lines = published(STATUS, Status(found), row)
    return [line for line in lines if not line.startswith("quantconnect_live_status{")]


def test_what_is_published_of_a_running_deployment() -> None:
    assert samples_of() == [
        (
            f'quantconnect_live_info{{{A},brokerage="PaperBrokerage",'
            f'deploy_id="L-883cb74ab1a6a4a4e4d3a4b1a4d4e4f4",{P},trading_environment="paper"}} 1.0'
        ),
        f"quantconnect_live_launched_timestamp_seconds{{{A},{P}}} 1.795185e+09",
        f'quantconnect_live_equity{{{A},account_currency="USD",{P}}} 101691.92',
    ]


def test_what_is_published_of_a_stopped_deployment() -> None:
    lines = samples_of(status="Stopped", stopped="2026-11-21 14:30:00", equity=0)
    assert [line.partition("{")[0] for line in lines] == [
        "quantconnect_live_info",
        "quantconnect_live_launched_timestamp_seconds",
        "quantconnect_live_stopped_timestamp_seconds",
    ]
    assert float(lines[2].split()[-1]) == 1795271400.0


def test_nothing_is_published_of_a_project_that_was_never_deployed() -> None:
    assert published(STATUS, Status(None)) == []


@pytest.mark.parametrize(
    ("status", "equity", "expected"),
    [
        ("Running", 0, None),
        ("Running", -5.5, "-5.5"),
        ("Running", None, None),
        ("Stopped", 0, None),
        ("Stopped", 5.5, "5.5"),
        ("RuntimeError", 0, None),
        ("Liquidated", None, None),
    ],
)
def test_equity(status: str, equity: float | None, expected: str | None) -> None:
    lines = samples_of(status=status, equity=equity)
    found = [line.rpartition(" ")[2] for line in lines if "_equity{" in line]
    assert found == ([] if expected is None else [expected])


def test_equity_waits_for_the_account_currency() -> None:
    lines = samples_of(Row("main", 7, "Demo", None))
    assert lines
    assert "_equity" not in "".join(lines)


@pytest.mark.parametrize(
    ("sent", "label"),
    [
        ("Running", "Running"),
        ("stopped", "Stopped"),
        ("RUNTIMEERROR", "RuntimeError"),
        ("SomethingNew", "Unknown"),
    ],
)
def test_one_status_is_1_and_the_others_are_0(sent: str, label: str) -> None:
    found, _ = one(status=sent)
    lines = published(STATUS, Status(found))[:15]
    assert {line.split('status="')[1].split('"')[0]: line[-3:] for line in lines} == {
        each: "1.0" if each == label else "0.0"
        for each in (
            *("DeployError", "InQueue", "Running", "Stopped", "Liquidated", "Deleted"),
            *("Completed", "RuntimeError", "Invalid", "LoggingIn", "Initializing", "History"),
            *("PendingInput", "Idle", "Unknown"),
        )
    }
    assert lines[2] == (
        f'quantconnect_live_status{{{A},{P},status="Running"}} '
        + ("1.0" if label == "Running" else "0.0")
    )


def test_the_statuses_of_a_deployment_that_has_not_run_are_known() -> None:
    assert set(STATUSES) > status.NEVER_RAN
    assert set(STATUSES) > set(status.ENDED)
    assert status.RUNNING not in status.NEVER_RAN | set(status.ENDED)


# --- Every answer ---------------------------------------------------------------------------------


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


@given(
    st.sampled_from([None, 1, 23456789]),
    st.lists(
        st.one_of(
            JSON,
            st.dictionaries(st.sampled_from(sorted(ENTRY)), JSON),
            st.dictionaries(st.sampled_from(sorted(set(ENTRY) - {"projectId"})), JSON).map(
                lambda fields: ENTRY | fields
            ),
        ),
        max_size=4,
    ),
)
def test_no_entry_breaks_it_or_looks_like_nothing_deployed(
    project_id: int | None, entries: list[object]
) -> None:
    try:
        listing = decode_deployments({"live": entries}, project_id=project_id)
    except ApiError as error:
        assert error.reason is Reason.MALFORMED  # noqa: PT017
        assert entries
        return
    deployments, problems = listing.deployments, listing.problems
    if entries and project_id is None:
        assert deployments
    if len(deployments) < len(entries):
        assert any(project_id in (None, found.project_id) for found in deployments)
    assert len(deployments) <= len(entries) <= len(deployments) + len(problems)
    for found in deployments:
        assert found.status in {*STATUSES, "Unknown"}
        assert found.equity is None or math.isfinite(found.equity)
        assert found.equity != 0.0
    assert {found.project_id for found in deployments} == listing.newest().keys()
