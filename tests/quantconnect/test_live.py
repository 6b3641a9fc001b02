from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.quantconnect.errors import ApiError, Reason
from exporter.quantconnect.live import decode_deployments, newest
from exporter.quantconnect.model import STATUSES, Deployment, Problem

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
    deployments, problems = decode_deployments({"live": [ENTRY | fields], "success": True})
    assert len(deployments) == 1
    return deployments[0], problems


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
        equity=0.0,
        error="Division by zero\n  at Main.cs",
    )
    assert problems == ()


@pytest.mark.parametrize("nothing", [[], {}, None])
def test_nothing_deployed(nothing: object) -> None:
    assert decode_deployments({"live": nothing, "success": True}) == ((), ())


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ({"success": True}, "live/list: live is missing, expected an array"),
        ({"live": "none"}, 'live/list: live: found string "none", expected an array'),
        ({"live": {"0": ENTRY}}, "live/list: live: found object of 1, expected an array"),
        ({"live": False}, "live/list: live: found boolean false, expected an array"),
    ],
)
def test_a_hole_is_not_nothing_deployed(payload: dict[str, object], message: str) -> None:
    with pytest.raises(ApiError) as caught:
        decode_deployments(payload)
    assert (caught.value.reason, caught.value.message) == (Reason.MALFORMED, message)


def test_what_is_missing_stays_missing() -> None:
    assert decode_deployments({"Live": [{"ProjectId": 1}]}) == (
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
    _, problems = decode_deployments({"live": [running, {**running, "equity": None}]})
    assert problems == (Problem("equity", "live[projectId=1]", "missing, expected a number"),)
    assert decode_deployments({"live": [{**running, "status": "InQueue"}]})[1] == ()


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_whatever_its_case(status: str) -> None:
    spaced = "".join(f" {c}" if c.isupper() else c for c in status).strip()
    for sent in (status, status.lower(), status.upper(), spaced, spaced.replace(" ", "_").lower()):
        assert one(status=sent) == (
            Deployment(
                **{name: getattr(RUNNING, name) for name in RUNNING.__struct_fields__}
                | {"status": status}
            ),
            (),
        )


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


def test_an_equity_is_not_minus_zero() -> None:
    assert repr(one(equity=-0.0)[0].equity) == "0.0"


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


@pytest.mark.parametrize("sent", [None, "23456789", 5.0, True, 0, -5])
def test_an_entry_without_a_project_is_left_out(sent: object) -> None:
    deployments, problems = decode_deployments({"live": [ENTRY | {"projectId": sent}, ENTRY]})
    assert deployments == (RUNNING,)
    assert [(problem.field, problem.where) for problem in problems] == [("projectId", "live[0]")]


@pytest.mark.parametrize("entry", [None, "x", 5, []])
def test_an_entry_that_is_none_is_left_out(entry: object) -> None:
    deployments, problems = decode_deployments({"live": [ENTRY, entry]})
    assert deployments == (RUNNING,)
    assert [(problem.field, problem.where) for problem in problems] == [("other", "live[1]")]


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([None], "live[0]: found null, expected an object"),
        ([[ENTRY]], "live[0]: found array of 1, expected an object"),
        (
            ["x", ENTRY | {"projectId": "23456789"}],
            'live[1]: found string "23456789", expected a positive integer',
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
    entries = [ENTRY | {"projectId": "7"}, *others]
    with pytest.raises(ApiError) as caught:
        decode_deployments({"live": entries}, project_id=7)
    assert caught.value.reason is Reason.MALFORMED
    assert caught.value.message == (
        "live/list: no deployment of project 7 can be read, "
        'live[0]: found string "7", expected a positive integer'
    )


@pytest.mark.parametrize(
    ("project_id", "live", "none"),
    [
        (None, [], "no deployment"),
        (7, {}, "no deployment of project 7"),
        (7, [ENTRY], "no deployment of project 7"),
    ],
)
def test_errors_beside_nothing_are_not_nothing_deployed(
    project_id: int | None, live: object, none: str
) -> None:
    payload = {"live": live, "success": True, "Errors": ["partial", "answer"]}
    with pytest.raises(ApiError) as caught:
        decode_deployments(payload, project_id=project_id)
    assert (caught.value.reason, caught.value.message) == (
        Reason.API_ERROR,
        f'live/list: {none} beside errors: string "partial"',
    )


def test_errors_beside_something_are_a_warning() -> None:
    payload = {"live": [ENTRY], "success": True, "errors": ["deprecated"]}
    assert decode_deployments(payload, project_id=23456789) == ((RUNNING,), ())


def test_a_project_of_which_something_can_be_read() -> None:
    deployments, problems = decode_deployments({"live": [ENTRY, None]}, project_id=23456789)
    assert deployments == (RUNNING,)
    assert len(problems) == 1


def test_a_project_that_only_others_were_deployed_beside_never_was() -> None:
    assert decode_deployments({"live": [ENTRY]}, project_id=7) == ((RUNNING,), ())


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
    found = newest(deployments)
    assert [found[key].deploy_id for key in found] == expected


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
        deployments, problems = decode_deployments({"live": entries}, project_id=project_id)
    except ApiError as error:
        assert error.reason is Reason.MALFORMED  # noqa: PT017
        assert entries
        return
    if entries and project_id is None:
        assert deployments
    if len(deployments) < len(entries):
        assert any(project_id in (None, found.project_id) for found in deployments)
    assert len(deployments) <= len(entries) <= len(deployments) + len(problems)
    for found in deployments:
        assert found.status in {*STATUSES, "Unknown"}
        assert found.equity is None or math.isfinite(found.equity)
    assert {found.project_id for found in deployments} == set(newest(deployments))
