"""The names of projects, whether they restart, and nothing else of projects/read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.quantconnect.client import Endpoint
from exporter.quantconnect.errors import ApiError, Reason
from exporter.quantconnect.fields import Problem
from exporter.sources.projects import (
    DESCRIPTION,
    INTERVAL,
    Description,
    Page,
    decode_description,
    decode_page,
    page,
)
from exporter.sources.source import Known
from tests.sources.given import CONFIG, PROJECT, A, P, published

MOMENTUM = {
    "projectId": 23456789,
    "organizationId": "x",
    "name": "Live/US momentum",
    "parameters": [],
    "liveForm": {"node": "LN-1", "autoRestart": True},
}
PROJECTS = [None, {"projectId": 1, "name": "One", "liveForm": None}, MOMENTUM]


# --- One project ----------------------------------------------------------------------------------


def test_the_project_that_was_asked_for() -> None:
    answer = {"projects": PROJECTS, "versions": [], "success": True}
    found = decode_description(answer, project_id=23456789)
    assert found == Description(23456789, "Live/US momentum", auto_restart=True)


def test_older_capitals() -> None:
    answer = {"Projects": [{"ProjectId": "5", "Name": "Fünf \ud800"}], "success": True}
    assert decode_description(answer, project_id=5) == Description(5, r"Fünf \ud800", None)


@pytest.mark.parametrize("projects", [[], {}, None, PROJECTS])
def test_a_project_that_is_not_in_the_answer(projects: object) -> None:
    with pytest.raises(ApiError, match="project 7 is not in the answer") as caught:
        decode_description({"projects": projects}, project_id=7)
    assert caught.value.reason is Reason.API_ERROR


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ({"success": True}, "projects/read: projects is missing, expected an array"),
        ({"projects": "x"}, 'projects/read: projects: found string "x", expected an array'),
        (
            {"projects": [{"projectId": 7}]},
            "projects/read: name of project 7: found null, expected a string",
        ),
        (
            {"projects": [{"projectId": 7, "name": ""}]},
            'projects/read: name of project 7: found string "", expected a string',
        ),
    ],
)
def test_malformed_answers(payload: dict[str, object], message: str) -> None:
    with pytest.raises(ApiError) as caught:
        decode_description(payload, project_id=7)
    assert (caught.value.reason, caught.value.message) == (Reason.MALFORMED, message)


@pytest.mark.parametrize(
    ("form", "restarts"),
    [
        ({"autoRestart": True}, True),
        ({"autoRestart": False}, False),
        ({"autoRestart": "true"}, True),
        ({"autoRestart": "false"}, False),
        ({"AutoRestart": "True"}, True),
        *((None, None), ({}, None), ([], None), ("none", None)),
        *(({"node": "LN-1"}, None), ({"autoRestart": None}, None)),
    ],
)
def test_auto_restart(form: object, *, restarts: bool | None) -> None:
    answer = {"projects": [MOMENTUM | {"liveForm": form}]}
    found = decode_description(answer, project_id=23456789)
    assert (found.auto_restart, found.problems) == (restarts, ())
    assert decode_page(answer) == Page((found,), 1, ())


@pytest.mark.parametrize("sent", ["", "secret", 1, 0, [], {"secret": 1}])
def test_an_auto_restart_that_is_none_is_not_repeated(sent: object) -> None:
    answer = {"projects": [MOMENTUM | {"liveForm": {"autoRestart": sent}}]}
    found = decode_description(answer, project_id=23456789)
    assert found.auto_restart is None
    assert found.problems == (
        Problem("autoRestart", "projects[projectId=23456789].liveForm", "expected true or false"),
    )
    assert decode_page(answer).problems == (
        Problem("autoRestart", "projects[0].liveForm", "expected true or false"),
    )


# --- All projects ---------------------------------------------------------------------------------


def test_a_call_lists_some_projects() -> None:
    request = page(100, 200)
    assert (request.endpoint, request.parameters) == (
        Endpoint.PROJECTS_READ,
        {"start": 100, "end": 200},
    )
    assert request.decode({"projects": PROJECTS}) == Page(
        (
            Description(1, "One", None),
            Description(23456789, "Live/US momentum", auto_restart=True),
        ),
        3,
        (Problem("other", "projects[0]", "found null, expected an object"),),
    )


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("x", Problem("other", "projects[0]", 'found string "x", expected an object')),
        ({}, Problem("projectId", "projects[0]", "found null, expected a positive integer")),
        (
            MOMENTUM | {"projectId": -1},
            Problem("projectId", "projects[0]", "found number -1, expected a positive integer"),
        ),
        (
            MOMENTUM | {"name": None},
            Problem("name", "projects[0]", "found null, expected a string"),
        ),
        (
            MOMENTUM | {"name": ""},
            Problem("name", "projects[0]", 'found string "", expected a string'),
        ),
    ],
)
def test_an_entry_that_cannot_be_read_is_left_out_and_counts(
    entry: object, problem: Problem
) -> None:
    found = decode_page({"projects": [entry, MOMENTUM]})
    assert [project.project_id for project in found.projects] == [23456789]
    assert (found.length, found.problems) == (2, (problem,))


@pytest.mark.parametrize("nothing", [[], {}, None])
def test_a_page_without_projects(nothing: object) -> None:
    assert decode_page({"projects": nothing}) == Page((), 0, ())


@pytest.mark.parametrize("payload", [{}, {"projects": "x"}, {"projects": {"0": MOMENTUM}}])
def test_a_page_that_is_none(payload: dict[str, object]) -> None:
    with pytest.raises(ApiError) as caught:
        decode_page(payload)
    assert caught.value.reason is Reason.MALFORMED


# --- What is published ----------------------------------------------------------------------------


def test_the_call_of_a_project() -> None:
    request = DESCRIPTION.request(PROJECT, CONFIG, Known())
    assert (request.endpoint, request.parameters) == (Endpoint.PROJECTS_READ, {"projectId": 101})
    answer = {"projects": [MOMENTUM | {"projectId": 101}]}
    assert request.decode(answer).name == "Live/US momentum"
    assert DESCRIPTION.interval(PROJECT, CONFIG) == INTERVAL
    assert not DESCRIPTION.is_reading_published


@pytest.mark.parametrize(("restarts", "expected"), [(True, ["1.0"]), (False, ["0.0"]), (None, [])])
def test_what_is_published(*, restarts: bool | None, expected: list[str]) -> None:
    assert published(DESCRIPTION, Description(101, "Momentum", restarts)) == [
        f"quantconnect_project_auto_restart{{{A},{P}}} {number}" for number in expected
    ]


# --- Every answer ---------------------------------------------------------------------------------

SECRET = "marked-7d1f"
FORMS = st.dictionaries(
    st.sampled_from(["autoRestart", "AutoRestart", "node", "brokerageData"]),
    st.sampled_from([SECRET, {"authentication": SECRET}, [SECRET], {SECRET: 1}, True, "true"]),
)
ENTRIES = st.fixed_dictionaries(
    {},
    optional={
        "projectId": st.sampled_from([101, "101", None, 0, -1, 5.5]),
        "name": st.sampled_from(["Momentum", "", None, 7]),
        "liveForm": FORMS,
    },
)


@given(st.lists(ENTRIES | st.sampled_from([None, 5, []]), max_size=4))
def test_nothing_else_of_a_form_is_kept(entries: list[object]) -> None:
    answer = {"projects": entries}
    said = repr(decode_page(answer))
    try:
        said += repr(decode_description(answer, project_id=101))
    except ApiError as error:
        said += error.message
    assert SECRET not in said
