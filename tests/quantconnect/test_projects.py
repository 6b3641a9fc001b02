from __future__ import annotations

import pytest

from exporter.quantconnect.errors import ApiError, Reason
from exporter.quantconnect.projects import decode_project_name

PROJECTS = [
    None,
    {"projectId": 1, "name": "One"},
    {"projectId": 23456789, "organizationId": "x", "name": "Live/US momentum", "parameters": []},
]


def test_the_name_of_the_project_that_was_asked_for() -> None:
    payload = {"projects": PROJECTS, "versions": [], "success": True}
    assert decode_project_name(payload, 23456789) == "Live/US momentum"


def test_older_capitals() -> None:
    payload = {"Projects": [{"ProjectId": 5, "Name": "Fünf \ud800"}], "success": True}
    assert decode_project_name(payload, 5) == r"Fünf \ud800"


@pytest.mark.parametrize("projects", [[], {}, None, PROJECTS])
def test_a_project_that_is_not_in_the_answer(projects: object) -> None:
    with pytest.raises(ApiError, match="project 7 is not in the answer") as caught:
        decode_project_name({"projects": projects}, 7)
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
        decode_project_name(payload, 7)
    assert (caught.value.reason, caught.value.message) == (Reason.MALFORMED, message)
