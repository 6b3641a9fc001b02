"""Bad answers of the other endpoints: each of these faults, at each of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from exporter.poller.projects import CALLED_BY_ID
from exporter.poller.record import (
    ACCEPTED,
    CALL_FAILED,
    CALL_SUCCEEDS,
    LEFT_OUT,
    READ_FAILED,
    READ_SUCCEEDS,
)
from exporter.poller.record import REJECTED as REJECTED_ACCOUNT
from exporter.quantconnect.errors import Reason
from tests.faults.answers import FAILING
from tests.faults.entry import Failing
from tests.faults.scene import BYSTANDER, VICTIM
from tests.faults.told import REJECTED, Published, Told, failures, problems, unread
from tests.support import fault_answers as say
from tests.support import patched

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exporter.simulator import Fault
    from tests.faults.scene import Scene
    from tests.faults.told import Often, Series

_BRIEFLY = replace(REJECTED, perhaps=True)


@dataclass(frozen=True)
class Elsewhere:
    """An endpoint, and what its bad answers come to while they last.

    ``source`` is what is read by it, nothing for what concerns no source; ``befallen`` the project
    whose calls fail, None for calls of the account.
    """

    endpoint: str
    published: Published
    also: str
    logged: Mapping[str, Often | int]
    shown: tuple[Series, ...] = ()
    source: str = ""
    befallen: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    def told(self, entry: Failing) -> Told:
        """The row of a fault that lasts."""
        return Told(
            f"{self.endpoint}: {entry.title}",
            logged=self.logged,
            counted=(failures(entry.reason.value, self.endpoint), *self.shown),
            recovers="with the next good answer",
            published=self.published,
            also=self.also,
        )

    def once(self, *, rejected: bool) -> Told:
        """The row of one call that is rejected, or told that there are too many."""
        logged = dict(self.logged)
        shown = self.shown
        if rejected and self.endpoint == "authenticate":
            logged = {REJECTED_ACCOUNT: 1, CALL_SUCCEEDS: 1}
        elif rejected:
            logged[ACCEPTED] = 1 if self.shown else 2
            shown = (*shown, _BRIEFLY)
        return Told(
            f"{self.endpoint}: one call is {'rejected' if rejected else 'limited'}",
            logged=logged,
            counted=(failures("auth" if rejected else "rate_limit", self.endpoint, 1), *shown),
            recovers="one `authenticate` after 15 minutes"
            if rejected and self is AUTHENTICATE
            else "one `authenticate`, and it is asked again"
            if rejected
            else "after a rest of the account of a second at least",
            published=self.published,
        )


_FROM_THE_START = {"started": False}
LISTING = Elsewhere(
    "live/list",
    Published.BEFORE,
    "portfolios and statistics are read as ever, and each project keeps its last status",
    {CALL_FAILED: 1, CALL_SUCCEEDS: 1},
    (unread("status", VICTIM), unread("status", BYSTANDER)),
    "status",
)
STATISTICS = Elsewhere(
    "live/read",
    Published.BEFORE,
    "portfolios and statuses are read as ever, and the project keeps its last statistics",
    {READ_FAILED: 1, READ_SUCCEEDS: 1},
    (unread("statistics", VICTIM),),
    "statistics",
    VICTIM,
)
NAME = Elsewhere(
    "projects/read",
    Published.NOTHING_YET,
    "each project as soon as it has its name; after three tries it is asked for by its id",
    {ACCEPTED: 1, CALL_FAILED: 1, CALL_SUCCEEDS: 1},
    settings={"named": False, **_FROM_THE_START},
)
AUTHENTICATE = Elsewhere(
    "authenticate",
    Published.NOTHING_YET,
    "`/-/ready` and `/-/healthy` are 200, and nothing else is asked",
    {CALL_FAILED: 1, CALL_SUCCEEDS: 1},
    settings=_FROM_THE_START,
)
ENDPOINTS = (LISTING, STATISTICS, NAME, AUTHENTICATE)

_TITLES = (
    "status 403",
    "status 500",
    "status 301 to another host: the credentials do not follow",
    "HTML with status 200",
    "an empty body with status 200",
    "half a JSON document",
    "gzip that stops in the middle",
    "a chunked body without its last chunk",
    "success false with errors",
    "an error that repeats the token and the signature",
    "reset in the middle of the body",
    "silence after the head",
)
_BY_TITLE = {entry.title: entry for entry in FAILING}
FAULTS = tuple(_BY_TITLE[title] for title in _TITLES)


def _answer(title: str, change: Callable[[dict[str, Any]], object], error: str) -> Failing:
    def fault(_: Scene) -> Fault:
        return patched(change)

    return Failing(title, fault, Reason.MALFORMED, f"projects/read: {error}")


NO_LISTINGS = (
    _answer(
        "`projects` that is a number",
        lambda answer: answer.update(projects=7),
        "projects: found number 7, expected an array",
    ),
    _answer(
        "`projects` that is missing",
        lambda answer: answer.pop("projects") and None,
        "projects is missing, expected an array",
    ),
)
LASTING = (
    *((where, entry) for where in ENDPOINTS for entry in FAULTS),
    *((NAME, entry) for entry in NO_LISTINGS),
)


def _named(value: object, found: str) -> Failing:
    def change(answer: dict[str, Any]) -> None:
        for each in answer["projects"]:
            if each["projectId"] == VICTIM:
                each["name"] = value

    return _answer(
        f"a name that is {found.removeprefix('found ')}",
        change,
        f"name of project {VICTIM}: {found}, expected a string",
    )


NAMES = (
    _named(7, "found number 7"),
    _named(None, "found null"),
    _named("", 'found string ""'),
    _named(["P1"], "found array of 1"),
)
NAMELESS = Told(
    "a name that is none",
    logged={ACCEPTED: 1, LEFT_OUT: 1, READ_FAILED: 1, CALLED_BY_ID: 1, READ_SUCCEEDS: 1},
    counted=(
        problems("projects/read", "name", 1),
        failures("malformed", "projects/read", 3),
    ),
    recovers="it is read under its id from then on: no series is ever renamed",
    published=Published.NOTHING_YET,
    also="after the listing and three tries of its own the project under its id",
)
ONE_CALL = (
    ("401 with `WWW-Authenticate`", say.unauthorized(), True),
    ("401 without it", say.unauthorized(challenge=False), True),
    ("429 without `Retry-After`", say.too_many_requests(), False),
)
ONCES = tuple((where, *each) for where in ENDPOINTS for each in ONE_CALL)
