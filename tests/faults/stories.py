"""Faults that are more than one answer: the account, the connection, this machine, the exporter."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager
from dataclasses import replace
from email.utils import formatdate
from functools import partial
from itertools import chain, pairwise, repeat
from typing import TYPE_CHECKING, Any
from unittest import mock

from exporter.exposition import Renderer
from exporter.poller import Limits
from exporter.poller.account import TOKEN_CHANGED
from exporter.poller.credentials import UNREADABLE
from exporter.poller.project import NEVER_RAN_YET, STARTED, STOPPED
from exporter.poller.projects import CALLED_BY_ID
from exporter.poller.record import (
    ACCEPTED,
    ALL_UNDERSTOOD,
    CALL_FAILED,
    CALL_SUCCEEDS,
    FAULT,
    LEFT_OUT,
    READ_FAILED,
    READ_SUCCEEDS,
)
from exporter.poller.record import REJECTED as REJECTED_ACCOUNT
from exporter.poller.schedule import Schedule
from exporter.sources.holdings import decode_holdings
from exporter.sources.portfolio import CASH
from tests.faults.entry import Story
from tests.faults.scene import BYSTANDER, PORTFOLIO, TOKEN, VICTIM, answer
from tests.faults.told import (
    ONCE,
    PERHAPS,
    REJECTED,
    Often,
    Published,
    Series,
    Told,
    failures,
    problems,
    skew,
    unread,
)
from tests.poller.given import eventually
from tests.support import ClockOffset, Stall, Status, patched
from tests.support import fault_answers as say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from exporter.simulator import Fault
    from exporter.simulator.exchange import Exchange
    from tests.faults.scene import Scene

MINUTE, HOUR = 60.0, 3600.0

ACCOUNT: list[Story] = []
LISTS: list[Story] = []
SEEMING: list[Story] = []
CONNECTING: list[Story] = []
OURSELVES: list[Story] = []


_ONE_FAILED: Mapping[str, Often | int] = {READ_FAILED: ONCE, READ_SUCCEEDS: ONCE}
_CALL_FAILED: Mapping[str, Often | int] = {CALL_FAILED: ONCE, CALL_SUCCEEDS: ONCE}
_UNKNOWN: Mapping[str, Often | int] = {
    LEFT_OUT: ONCE,
    STOPPED: ONCE,
    ALL_UNDERSTOOD: ONCE,
    STARTED: ONCE,
}
_SOURCES = ("portfolio", "status", "statistics")
_UNREAD = unread("portfolio", VICTIM)
_NO_STATUS = (unread("status", VICTIM), unread("status", BYSTANDER))
_REST = (failures("rate_limit", PORTFOLIO, 1), _UNREAD)
_AUTH = (failures("auth"), REJECTED, unread(perhaps=True))
# Until the authenticate that follows a rejection is answered.
_BRIEFLY = replace(REJECTED, perhaps=True)
_LOOKS = f"each {Limits().longest_nap:g} seconds"
_YET = Published.NOTHING_YET
_WELL = "`/-/ready` and `/-/healthy` are 200"


def _faults(times: int | None = None) -> Series:
    return Series("quantconnect_exporter_faults_total", {}, times)


def _rejected(times: int) -> dict[str, Often | int]:
    """Each rejection is logged, which calls were under way at the first depends."""
    return {
        REJECTED_ACCOUNT: times,
        READ_FAILED: PERHAPS,
        CALL_FAILED: PERHAPS,
        CALL_SUCCEEDS: ONCE,
        READ_SUCCEEDS: PERHAPS,
    }


def _story(
    section: list[Story],
    title: str,
    *,
    published: Published | None = Published.BEFORE,
    also: str = "",
    logged: Mapping[str, Often | int],
    counted: tuple[Series, ...],
    recovers: str,
    ends_well: bool = True,
    **settings: object,
) -> Callable[[Callable[[Scene], None]], Callable[[Scene], None]]:
    def note(happens: Callable[[Scene], None]) -> Callable[[Scene], None]:
        row = Told(
            title, logged=logged, counted=counted, recovers=recovers, published=published, also=also
        )
        section.append(Story(row, happens, ends_well, settings))
        return happens

    return note


def _only(*reasons: str) -> Callable[[Scene], bool]:
    return lambda scene: {reason for _, reason in scene.failures()} == set(reasons)


# --- Too many requests ----------------------------------------------------------------------------


def _rests(scene: Scene, retry_after: str, status: int, seconds: float, reason: str) -> None:
    good = scene.portfolio()
    with scene.befallen(say.Status(status, (("Retry-After", retry_after),)), times=1) as befallen:
        eventually(lambda: befallen.times)
    scene.change(2)
    scene.falls_silent()
    assert scene.portfolio() == good
    assert scene.success() == 0
    (said,) = scene.log.said(READ_FAILED, reason=reason)
    assert said["project_id"] == VICTIM
    scene.passes(seconds - 10)
    scene.falls_silent()
    assert scene.healthy()
    assert scene.ready()
    scene.passes(11)
    scene.eventually_has(2)
    scene.eventually_counts(lambda: {(PORTFOLIO, reason): 1})


@_story(
    ACCOUNT,
    "429 with `Retry-After: 120`",
    logged=_ONE_FAILED,
    counted=_REST,
    recovers="the whole account rests for those 120 seconds, then goes on",
)
def rests_for_seconds(scene: Scene) -> None:
    _rests(scene, "120", 429, 120, "rate_limit")


@_story(
    ACCOUNT,
    "429 with a date in five minutes for `Retry-After`",
    logged=_ONE_FAILED,
    counted=_REST,
    recovers="the account rests until then, by QuantConnect's own clock",
)
def rests_until(scene: Scene) -> None:
    _rests(scene, formatdate(scene.server.now() + 300, usegmt=True), 429, 300, "rate_limit")


@_story(
    ACCOUNT,
    "429 with `Retry-After: 86400`",
    logged=_ONE_FAILED,
    counted=_REST,
    recovers="the account rests for 15 minutes, the most that is honoured",
    stale_after=2 * HOUR,
)
def rests_no_day(scene: Scene) -> None:
    _rests(scene, "86400", 429, 900, "rate_limit")


@_story(
    ACCOUNT,
    "503 with `Retry-After: 60`",
    logged=_ONE_FAILED,
    counted=(failures("http_5xx", PORTFOLIO, 1), _UNREAD),
    recovers="the account rests for those 60 seconds",
)
def rests_while_unavailable(scene: Scene) -> None:
    _rests(scene, "60", 503, 60, "http_5xx")


def _rests_a_moment(scene: Scene, retry_after: str | None) -> None:
    with scene.befallen(say.too_many_requests(retry_after), times=1) as befallen:
        eventually(lambda: befallen.times)
    scene.change(2)
    scene.eventually_has(2)
    scene.eventually_counts(lambda: {(PORTFOLIO, "rate_limit"): 1})
    times = [request.monotonic for request in scene.server.requests]
    assert max(later - earlier for earlier, later in pairwise(times)) > 0.8


@_story(
    ACCOUNT,
    "429 with nonsense for `Retry-After`",
    logged=_ONE_FAILED,
    counted=_REST,
    recovers="the account rests for a second at least",
)
def rests_for_nonsense(scene: Scene) -> None:
    _rests_a_moment(scene, "soon")


@_story(
    ACCOUNT,
    "429 without `Retry-After`",
    logged=_ONE_FAILED,
    counted=_REST,
    recovers="as with nonsense",
)
def rests_without(scene: Scene) -> None:
    _rests_a_moment(scene, None)


# --- Rejected -------------------------------------------------------------------------------------


def _rejected_once(scene: Scene, fault: Any) -> None:
    with scene.befallen(fault, times=1) as befallen:
        eventually(lambda: befallen.times)
    scene.change(2)
    scene.eventually_has(2)
    assert len(scene.server.requests.of("authenticate")) == 2
    (said,) = scene.log.said(READ_FAILED, reason="auth")
    assert said["project_id"] == VICTIM
    scene.eventually_counts(lambda: {(PORTFOLIO, "auth"): 1})
    assert scene.success(BYSTANDER) == 1


_ONE_PROJECT = "one `authenticate`, which succeeds: the project is read again soon"

for _title, _fault in (
    ("401 with `WWW-Authenticate`, for one project", say.unauthorized()),
    ("401 without it, for one project", say.unauthorized(challenge=False)),
    ("an invalid hash, for one call", say.invalid_hash()),
):
    _story(
        ACCOUNT,
        _title,
        logged={READ_FAILED: ONCE, ACCEPTED: 1, READ_SUCCEEDS: ONCE},
        counted=(failures("auth", PORTFOLIO, 1), _UNREAD, _BRIEFLY),
        recovers=_ONE_PROJECT,
    )(partial(_rejected_once, fault=_fault))


@_story(
    ACCOUNT,
    "a project that this user may not see, while others are fine",
    logged={READ_FAILED: ONCE, ACCEPTED: 2, READ_SUCCEEDS: ONCE},
    counted=(failures("auth", PORTFOLIO, 2), _UNREAD, _BRIEFLY),
    recovers="after the second rejection that project alone waits for 15 minutes",
    stale_after=2 * HOUR,
)
def one_project_is_forbidden(scene: Scene) -> None:
    with scene.befallen(say.unauthorized()) as befallen:
        eventually(lambda: befallen.times == 2)
        scene.change(2)
        scene.eventually_asks(5, project_id=BYSTANDER)
        assert befallen.times == 2
        scene.passes(14 * MINUTE)
        scene.eventually_asks(5, project_id=BYSTANDER)
        assert befallen.times == 2
    scene.passes(MINUTE)
    scene.eventually_has(2)
    scene.eventually_counts(lambda: {(PORTFOLIO, "auth"): 2})


@_story(
    ACCOUNT,
    "an account that flaps: every few calls one is rejected",
    logged={READ_FAILED: 3, ACCEPTED: 3, READ_SUCCEEDS: 3},
    counted=(failures("auth", PORTFOLIO, 3), _UNREAD, _BRIEFLY),
    recovers="an `authenticate` each, and on",
)
def flaps(scene: Scene) -> None:
    for version in (2, 3, 4):
        with scene.befallen(say.invalid_hash(), times=1) as befallen:
            eventually(partial(getattr, befallen, "times"))
        scene.change(version)
        scene.eventually_has(version)
    scene.eventually_counts(lambda: {(PORTFOLIO, "auth"): 3})
    assert scene.own('api_authenticated{account="main"}') == 1


def _rejects_everything(scene: Scene) -> None:
    """From the rejection to the silence."""
    eventually(lambda: scene.log.said(REJECTED_ACCOUNT))
    scene.falls_silent()
    assert len(scene.log.said(REJECTED_ACCOUNT)) == 1
    assert scene.own('api_authenticated{account="main"}') == 0
    assert scene.healthy()
    assert scene.ready()
    assert len(scene.server.requests.of("authenticate")) == 2
    assert {reason for _, reason in scene.failures()} == {"auth"}


def _waits(scene: Scene, minutes: float) -> None:
    """Silence for that long, and then one authenticate and nothing else."""
    tries = len(scene.server.requests.of("authenticate"))
    asked = len(scene.server.requests)
    scene.passes((minutes - 1) * MINUTE)
    scene.falls_silent()
    assert len(scene.server.requests) == asked
    scene.passes(MINUTE + 1)
    eventually(lambda: len(scene.server.requests.of("authenticate")) == tries + 1)


@_story(
    ACCOUNT,
    "the token is revoked",
    published=Published.UNTIL_OLD,
    logged=_rejected(3),
    counted=_AUTH,
    recovers="one `authenticate` after 15 minutes, 30 more, 60 more, and nothing else",
)
def revoked(scene: Scene) -> None:
    good = scene.portfolio()
    scene.world.token = "another"
    _rejects_everything(scene)
    assert scene.portfolio() == good
    _waits(scene, 15)
    assert scene.portfolio() == scene.portfolio(BYSTANDER) == []
    scene.falls_silent()
    _waits(scene, 30)
    scene.falls_silent()
    scene.world.token = TOKEN
    scene.change(2)
    _waits(scene, 60)
    scene.eventually_has(2)
    assert scene.own('api_authenticated{account="main"}') == 1
    refused = [each for each in scene.server.requests if not each.authorised]
    counted = scene.failures()
    assert sum(counted.values()) == len(refused)


@_story(
    ACCOUNT,
    "the token is rotated, first at QuantConnect and then in its file",
    logged={**_rejected(1), TOKEN_CHANGED: 1},
    counted=_AUTH,
    recovers=f"at the next look at the file, {_LOOKS}, without a restart",
    token_in_file=True,
)
def rotated(scene: Scene) -> None:
    scene.world.token = TOKEN[::-1]
    _rejects_everything(scene)
    scene.change(2)
    scene.token_file.write_text(TOKEN[::-1] + "\n")
    scene.eventually_has(2)
    assert len(scene.log.said(TOKEN_CHANGED)) == 1
    assert not any(TOKEN[::-1] in text for text in scene.log.texts.values())


@_story(
    ACCOUNT,
    "locked out: too many failed attempts",
    logged=_rejected(1),
    counted=_AUTH,
    recovers="as a revoked token: the silence lets the lockout end",
    stale_after=2 * HOUR,
)
def locked_out(scene: Scene) -> None:
    with scene.befallen(say.locked_out(), None, None):
        _rejects_everything(scene)
        scene.change(2)
    scene.passes(15 * MINUTE + 1)
    scene.eventually_has(2)


for _offset, _words in ((3 * HOUR, "ahead"), (-3 * HOUR, "behind")):

    def _clocks_differ(scene: Scene, offset: float = _offset) -> None:
        scene.server.date_offset = offset
        _rejects_everything(scene)
        skew = scene.own('api_clock_skew_seconds{account="main"}')
        assert skew is not None
        assert abs(skew + offset) < 5
        (said,) = scene.log.said(REJECTED_ACCOUNT)
        assert "clock" in said["msg"]
        scene.server.date_offset = 0.0
        scene.change(2)
        if offset > 0:
            scene.passes(15 * MINUTE + 1)
        else:
            scene.reload()
        scene.eventually_has(2)

    _story(
        ACCOUNT,
        f"clocks that differ: QuantConnect's is three hours {_words}",
        logged=_rejected(1)
        if _offset > 0
        else {**_rejected(1), "The configuration was reloaded": 1},
        counted=(*_AUTH, skew(-_offset)),
        recovers="15 minutes later, if the clocks agree by then"
        if _offset > 0
        else "at a reload, once the clocks agree again",
        stale_after=2 * HOUR,
    )(_clocks_differ)


@_story(
    ACCOUNT,
    "a `Date` header that is three hours off, and good signatures",
    published=Published.ALL,
    logged={},
    counted=(skew(-10800),),
    recovers="with the next answer",
)
def date_alone_is_off(scene: Scene) -> None:
    def skew() -> float:
        return scene.own('api_clock_skew_seconds{account="main"}') or 0.0

    with scene.befallen(ClockOffset(3 * HOUR), None, None):
        eventually(lambda: skew() < -10_700)
        scene.change(2)
        scene.eventually_has(2)
    eventually(lambda: abs(skew()) < 5)
    assert scene.failures() == {}


# --- What concerns many ---------------------------------------------------------------------------


@_story(
    LISTS,
    "every call of every project fails at once",
    logged={**_ONE_FAILED, **_CALL_FAILED},
    counted=(
        *(failures("http_5xx", each) for each in (PORTFOLIO, "live/list", "live/read")),
        *(unread(source, each) for each in (1, 2) for source in _SOURCES),
    ),
    recovers="with the next good answers",
)
def everything_fails(scene: Scene) -> None:
    good = scene.portfolio(), scene.portfolio(BYSTANDER)
    with scene.befallen(Status(503), None, None) as befallen:
        for project_id in (VICTIM, BYSTANDER):
            for source in ("portfolio", "status", "statistics"):
                scene.eventually_fails(project_id, source)
        assert (scene.portfolio(), scene.portfolio(BYSTANDER)) == good
        assert len(scene.log.said(READ_FAILED, source="portfolio")) == 2
        eventually(lambda: scene.log.said(CALL_FAILED))
        assert scene.healthy()
    scene.change(2)
    scene.eventually_has(2)
    eventually(lambda: sum(scene.failures().values()) == befallen.times)
    assert _only("http_5xx")(scene)


def _status(scene: Scene, project_id: int = VICTIM) -> list[str]:
    return [
        line
        for line in scene.exporter.numbers(project_id)
        if line.startswith("quantconnect_live_status") and line.endswith(" 1.0")
    ]


@_story(
    LISTS,
    "live/list fails",
    published=None,
    also="portfolios as ever, and the last status of each project",
    logged=_CALL_FAILED,
    counted=(failures("http_5xx", "live/list"), *_NO_STATUS),
    recovers="“API calls succeed again”",
)
def listing_fails(scene: Scene) -> None:
    before = _status(scene)
    with scene.befallen(Status(500), "live/list", None) as befallen:
        scene.eventually_fails(VICTIM, "status")
        scene.eventually_fails(BYSTANDER, "status")
        assert _status(scene) == before
        scene.change(2)
        scene.eventually_has(2)
        eventually(lambda: befallen.times >= 3)
        assert len(scene.log.said(CALL_FAILED)) == 1
        assert not scene.log.said(READ_FAILED)
    eventually(lambda: scene.success(VICTIM, "status") == 1)
    eventually(lambda: len(scene.log.said(CALL_SUCCEEDS)) == 1)
    scene.eventually_counts(lambda: {("live/list", "http_5xx"): befallen.times})


@_story(
    LISTS,
    "live/list forgets everything that runs",
    published=Published.ALL,
    also="every project stays `Running`: that it is not listed is no status",
    logged={},
    counted=(),
    recovers="with the next list",
)
def listing_is_empty(scene: Scene) -> None:
    def forget(answer: dict[str, Any]) -> None:
        if len({each["projectId"] for each in answer["live"]}) > 1:
            answer["live"] = []

    before = _status(scene)
    with scene.befallen(patched(forget), "live/list", None):
        scene.eventually_asks(2, "live/list", project_id=VICTIM)
        scene.eventually_asks(2, "live/list", project_id=BYSTANDER)
        assert _status(scene) == before
        assert scene.success(VICTIM, "status") == 1
    assert scene.failures() == {}


@_story(
    LISTS,
    "live/list without `live`",
    published=None,
    also="portfolios as ever, and the last status of each project",
    logged=_CALL_FAILED,
    counted=(failures("malformed", "live/list"), *_NO_STATUS),
    recovers="“API calls succeed again”",
)
def listing_is_malformed(scene: Scene) -> None:
    before = _status(scene)
    with scene.befallen(say.no_portfolio(), "live/list", None) as befallen:
        scene.eventually_fails(VICTIM, "status")
        assert _status(scene) == before
        (said,) = eventually(lambda: scene.log.said(CALL_FAILED))
        assert said["error"] == "live/list: live is missing, expected an array"
    eventually(lambda: scene.success(VICTIM, "status") == 1)
    scene.eventually_counts(lambda: {("live/list", "malformed"): befallen.times})


@_story(
    LISTS,
    "a status that nobody knows",
    published=Published.ALL,
    also="status `Unknown`",
    logged=_UNKNOWN,
    counted=(problems("live/list", "status"),),
    recovers="with the next list",
)
def unknown_status(scene: Scene) -> None:
    def change(answer: dict[str, Any]) -> None:
        for each in answer["live"]:
            each["status"] = "Teleporting"

    before = _status(scene)
    with scene.befallen(patched(change), "live/list", None):
        eventually(lambda: 'status="Unknown"' in "".join(_status(scene)))
        assert scene.problems()["status"] >= 2
    eventually(lambda: _status(scene) == before)


_SPOILT_DEPLOYMENT: dict[str, Any] = {
    "deployId": 1,
    "status": ["Running"],
    "launched": {"at": 1},
    "stopped": True,
    "brokerage": 7.5,
    "environment": [],
    "equity": "$5",
    "error": {"a": 1},
}


@_story(
    LISTS,
    "every field of a deployment is of another type",
    published=Published.ALL,
    also="of the deployment status `Unknown`, and nothing else",
    logged=_UNKNOWN,
    counted=tuple(problems("live/list", field) for field in _SPOILT_DEPLOYMENT),
    recovers="with the next list",
)
def deployment_of_other_types(scene: Scene) -> None:
    def change(answer: dict[str, Any]) -> None:
        for each in answer["live"]:
            each.update(_SPOILT_DEPLOYMENT)

    before = scene.exporter.numbers(VICTIM)
    assert any(line.startswith("quantconnect_live_equity") for line in before)
    with scene.befallen(patched(change), "live/list", None):
        eventually(lambda: 'status="Unknown"' in "".join(_status(scene)))
        lines = scene.exporter.numbers(VICTIM)
        assert not any(line.startswith("quantconnect_live_equity") for line in lines)
        assert not any(line.startswith("quantconnect_live_launched") for line in lines)
        assert scene.problems().keys() == _SPOILT_DEPLOYMENT.keys()
        assert scene.success() == 1
    eventually(lambda: set(before) <= set(scene.exporter.numbers(VICTIM)))
    assert scene.failures() == {}


@_story(
    LISTS,
    "live/read fails",
    published=None,
    also="everything but newer statistics",
    logged=_ONE_FAILED,
    counted=(failures("http_5xx", "live/read"), unread("statistics", VICTIM)),
    recovers="“Reading succeeds again”",
)
def statistics_fail(scene: Scene) -> None:
    with scene.befallen(Status(502), "live/read") as befallen:
        scene.eventually_fails(VICTIM, "statistics")
        scene.change(2)
        scene.eventually_has(2)
        assert scene.success(VICTIM) == 1
        assert len(scene.log.said(READ_FAILED, source="statistics")) == 1
    eventually(lambda: scene.success(VICTIM, "statistics") == 1)
    scene.eventually_counts(lambda: {("live/read", "http_5xx"): befallen.times})


@_story(
    LISTS,
    "statistics that are nonsense",
    published=Published.ALL,
    also="of the statistics those that can be read",
    logged={LEFT_OUT: ONCE, ALL_UNDERSTOOD: ONCE},
    counted=(problems("live/read", "Fees"), problems("live/read", "Volume")),
    recovers="with the next read",
)
def statistics_are_nonsense(scene: Scene) -> None:
    def change(answer: dict[str, Any]) -> None:
        answer["runtimeStatistics"] = {"Fees": "lots", "Volume": "$1,2.3", "Return": "1.5 %"}

    def line(family: str) -> str:
        return f'quantconnect_live_{family}{{account="main",project="P1",project_id="1"}} 0.015'

    with scene.befallen(patched(change), "live/read"):
        eventually(lambda: line("return_ratio") in scene.exporter.numbers(VICTIM))
        assert not any("live_fees" in each for each in scene.exporter.numbers(VICTIM))
        assert {said["field"] for said in scene.log.said(LEFT_OUT)} == {"Fees", "Volume"}
        assert scene.problems().keys() == {"Fees", "Volume"}
    assert scene.failures() == {}


_SPOILT_SERVER: dict[str, Any] = {
    "CPU Usage": [1],
    "Used RAM (MB)": "lots",
    "Total RAM (MB)": True,
    "Up Time": 7,
}


@_story(
    LISTS,
    "every field of the server's statistics is of another type",
    published=Published.ALL,
    also="the algorithm's own statistics",
    logged={LEFT_OUT: ONCE, ALL_UNDERSTOOD: ONCE},
    counted=tuple(problems("live/read", field) for field in _SPOILT_SERVER),
    recovers="with the next read",
)
def server_of_other_types(scene: Scene) -> None:
    good = {"CPU Usage": "5.0%", "Used RAM (MB)": "100", "Total RAM (MB)": "512"}

    def answer(server: dict[str, Any]) -> Callable[[dict[str, Any]], None]:
        return lambda answer: answer.update(
            serverStatistics=server, runtimeStatistics={"Return": "1.5 %"}
        )

    def shows(family: str) -> bool:
        return any(
            line.startswith(f"quantconnect_live_{family}{{")
            for line in scene.exporter.numbers(VICTIM)
        )

    with scene.befallen(patched(answer(good)), "live/read"):
        eventually(lambda: shows("cpu_usage_ratio"))
        assert shows("memory_used_bytes")
    with scene.befallen(patched(answer(_SPOILT_SERVER)), "live/read"):
        eventually(lambda: scene.log.said(LEFT_OUT))
        eventually(lambda: not shows("cpu_usage_ratio"))
        assert not shows("memory_used_bytes")
        assert shows("return_ratio")


@_story(
    LISTS,
    "the statistics are no objects",
    published=Published.ALL,
    also="no statistics",
    logged={LEFT_OUT: ONCE, ALL_UNDERSTOOD: ONCE},
    counted=(
        problems("live/read", "runtimeStatistics"),
        problems("live/read", "serverStatistics"),
    ),
    recovers="with the next read",
)
def statistics_are_no_objects(scene: Scene) -> None:
    def change(answer: dict[str, Any]) -> None:
        answer.update(runtimeStatistics="none", serverStatistics=7)

    with scene.befallen(patched(change), "live/read") as befallen:
        eventually(lambda: befallen.times >= 2)
        eventually(lambda: len(scene.log.said(LEFT_OUT)) == 2)
        assert scene.success(VICTIM, "statistics") == 1


def _without_victim(answer: dict[str, Any]) -> None:
    answer["projects"] = [each for each in answer["projects"] if each["projectId"] != VICTIM]


@contextmanager
def _nameless(scene: Scene, times: int) -> Iterator[None]:
    """The names do not come with the others, and so many calls for the victim's fail."""
    with (
        scene.befallen(Status(500), "projects/read", times=times),
        scene.befallen(patched(_without_victim), "projects/read", None, times=1),
    ):
        scene.start()
        yield


@_story(
    LISTS,
    "a name cannot be had: the listing does not have it, and its own calls fail",
    published=Published.NOTHING_YET,
    also="after three tries the project under its id",
    logged={ACCEPTED: 1, READ_FAILED: 1, CALLED_BY_ID: 1, READ_SUCCEEDS: 1},
    counted=(failures("http_5xx", "projects/read", 3),),
    recovers="it is read under its id from then on: no series is ever renamed",
    named=False,
    started=False,
)
def no_name(scene: Scene) -> None:
    with _nameless(scene, 3):
        eventually(lambda: scene.log.said(CALLED_BY_ID))
        holdings = 'quantconnect_holdings{account="main",project="1",project_id="1"} 3.0'
        eventually(lambda: holdings in scene.exporter.numbers(VICTIM))
    scene.eventually_asks(3)
    assert all('project="1"' in line for lines in scene.seen for line in lines)


@_story(
    LISTS,
    "a name cannot be had at first",
    published=Published.NOTHING_YET,
    also="the project as soon as it has its name: no series is ever renamed",
    logged={ACCEPTED: 1, READ_FAILED: 1, READ_SUCCEEDS: 1},
    counted=(failures("http_5xx", "projects/read", 2),),
    recovers="with the name; no series is ever renamed",
    named=False,
    started=False,
)
def name_comes_late(scene: Scene) -> None:
    with _nameless(scene, 2):
        scene.eventually_has(1)
    assert all('project="P1"' in line for lines in scene.seen for line in lines)


class _Listings:
    """A fault of the answers that list several projects."""

    def __init__(self, fault: Fault) -> None:
        self._fault = fault

    def act(self, exchange: Exchange) -> None:
        """Let it befall a listing, and nothing else."""
        if len(json.loads(exchange.answer().body)["projects"]) > 1:
            self._fault.act(exchange)
        else:
            exchange.proceed()


@_story(
    LISTS,
    "the names cannot be listed",
    published=Published.NOTHING_YET,
    also="after three tries each project is asked for by its id, and published under its name",
    logged={ACCEPTED: 1, **_CALL_FAILED},
    counted=(failures("http_5xx", "projects/read"),),
    recovers="“API calls succeed again”",
    named=False,
    started=False,
)
def no_listing(scene: Scene) -> None:
    with scene.befallen(_Listings(Status(500)), "projects/read", None):
        scene.start()
        scene.eventually_has(1)
        scene.eventually_has(1, BYSTANDER)
        assert scene.calls("projects/read", project_id=VICTIM) == 1
        scene.change(2)
        scene.eventually_has(2)
    assert all('project="P1"' in line for lines in scene.seen for line in lines)


@_story(
    LISTS,
    "a name with markup, quotes and a line break in it",
    published=Published.NOTHING_YET,
    also="that name, escaped, in the exposition and on the page",
    logged={ACCEPTED: 1},
    counted=(),
    recovers="there is nothing to recover from",
    named=False,
    started=False,
    project_name='<script>alert("1")</script>\n# HELP {',
)
def evil_name(scene: Scene) -> None:
    scene.start()
    escaped = r'project="<script>alert(\"1\")</script>\n# HELP {"'
    eventually(lambda: any(escaped in line for line in scene.portfolio()))
    page = scene.page("/")
    assert "<script" not in page
    assert "&lt;script" in page
    assert scene.failures() == {}
    assert scene.problems() == {}


# --- Not what they seem ---------------------------------------------------------------------------


def _answers(scene: Scene, holdings: object, cash: object) -> None:
    """The victim's portfolio is this from now on."""
    answer = {"portfolio": {"holdings": holdings, "cash": cash}, "success": True}
    scene.world.project(VICTIM).answer = json.dumps(answer).encode()


def _money(amount: float, **rates: float) -> dict[str, Any]:
    """A cash book; what has rate 1 is the account's currency."""
    return {
        currency: {
            "securitySymbols": [] if rate == 1 else [{"value": f"{currency}XXX"}],
            "symbol": currency,
            "amount": amount,
            "conversionRate": rate,
            "currencySymbol": "$",
            "valueInAccountCurrency": amount * rate,
        }
        for currency, rate in rates.items()
    }


def _redeployed(status: str) -> Fault:
    """The victim's newest deployment is another one, of this status."""

    def change(answer: dict[str, Any]) -> None:
        for each in answer["live"]:
            if each["projectId"] == VICTIM:
                each.update(deployId="L-redeployed", status=status, equity=0)

    return patched(change)


_NOT_READY = (failures("not_ready", PORTFOLIO), _UNREAD)


for _title, _cash in (
    ("no money: a cash book of zeros", _money(0, USD=1, EUR=1.25)),
    ("no cash book", []),
):

    def _fails_to_redeploy(scene: Scene, cash: object = _cash) -> None:
        good = scene.portfolio()
        with scene.befallen(_redeployed("RuntimeError"), "live/list", None):
            eventually(lambda: 'status="RuntimeError"' in "".join(_status(scene)))
            _answers(scene, [], cash)
            scene.eventually_fails()
            scene.eventually_asks(3)
            assert scene.portfolio() == good
            (said,) = scene.log.said(READ_FAILED)
            assert (said["reason"], said["error"]) == ("not_ready", NEVER_RAN_YET)
            scene.passes(901)
            assert scene.portfolio() == []
            scene.eventually_asks(3)
            assert scene.portfolio() == []
        scene.change(2)
        scene.eventually_has(2)
        assert None in scene.versions()
        assert 0 not in scene.versions()

    _story(
        SEEMING,
        f"a failed redeploy: the new deployment has ended, with no position and {_title}",
        published=Published.UNTIL_OLD,
        also="never 0 positions; status `RuntimeError`",
        logged={STOPPED: 1, STARTED: 1, **_ONE_FAILED},
        counted=_NOT_READY,
        recovers="when there are positions or money again",
    )(_fails_to_redeploy)


@_story(
    SEEMING,
    "a new deployment that has not run yet, with money and no position",
    logged={STOPPED: 1, STARTED: 1, **_ONE_FAILED},
    counted=_NOT_READY,
    recovers="when it has run: what it says then is believed",
)
def not_run_yet(scene: Scene) -> None:
    good = scene.portfolio()
    with scene.befallen(_redeployed("LoggingIn"), "live/list", None):
        eventually(lambda: 'status="LoggingIn"' in "".join(_status(scene)))
        _answers(scene, [], _money(1000.5, USD=1))
        scene.eventually_fails()
        scene.eventually_asks(3)
        assert scene.portfolio() == good
        (said,) = scene.log.said(READ_FAILED)
        assert (said["reason"], said["error"]) == ("not_ready", NEVER_RAN_YET)
        scene.change(2)
        scene.eventually_has(2)


@_story(
    SEEMING,
    "an account that is empty indeed: it runs with neither position nor money",
    published=None,
    also="what was read before, until it is too old; 0 positions and no cash, once it has said so"
    " for longer than `stale_after`",
    logged=_ONE_FAILED,
    counted=_NOT_READY,
    recovers="when it has said so for long enough",
)
def truly_empty(scene: Scene) -> None:
    good = scene.portfolio()
    _answers(scene, {}, _money(0, USD=1, EUR=1.25))
    scene.eventually_fails()
    scene.eventually_asks(3)
    assert scene.portfolio() == good
    scene.passes(901)
    eventually(lambda: scene.versions()[-1] == 0)
    assert scene.success() == 1
    scene.change(2)
    eventually(lambda: scene.versions()[-1] == 2)
    assert [each for each in scene.versions() if each is not None] == [1, 0, 2]


_ORDERS = "live/orders/read"
_ORDER = {"id": 1, "status": 3, "createdTime": "2026-11-17T11:00:00Z"}


def _orders(scene: Scene, *ids: int) -> say.Body:
    """A list of filled orders."""
    deploy_id = scene.world.project(VICTIM).deployments[-1].deploy_id
    events = [{"algorithmId": deploy_id}]
    found = [{**_ORDER, "id": number, "events": events} for number in ids]
    return say.Body(json.dumps({"orders": found, "success": True}).encode())


class _Switched:
    """An answer that can be exchanged for another one, without any other in between."""

    def __init__(self, now: say.Body) -> None:
        self.now = now

    def act(self, exchange: Exchange) -> None:
        """Send it."""
        self.now.act(exchange)


def _filled(scene: Scene) -> float | None:
    start = f'live_orders{{account="main",project="P1",project_id="{VICTIM}",status="filled"'
    return scene.exporter.value(start)


@_story(
    SEEMING,
    "a list of orders that is still loading: `success` without a list",
    also="the orders that were read before; never 0 orders",
    logged=_ONE_FAILED,
    counted=(failures("not_ready", _ORDERS), unread("orders", VICTIM)),
    recovers="after 10 seconds, a minute, six, and then at each `orders_interval`",
    orders_interval=0.05,
)
def loading_orders(scene: Scene) -> None:
    answer = _Switched(_orders(scene, 1, 2))
    with scene.befallen(answer, _ORDERS) as befallen:
        eventually(lambda: _filled(scene) == 2)
        answer.now = say.Body(b'{"progress": 0.25, "status": "loading", "success": true}')
        scene.eventually_fails(source="orders")
        times = befallen.times
        eventually(lambda: befallen.times > times + 3)
        assert _filled(scene) == 2
        answer.now = _orders(scene, 1, 2, 3)
        eventually(lambda: scene.success(source="orders") == 1)
        assert _filled(scene) == 3


@_story(
    SEEMING,
    "a list of orders that lacks the last one that was read",
    also="the orders that were read before, until the whole list has been read again",
    logged={},
    counted=(),
    recovers="at once: the list is read from its beginning, and what it says then is believed",
    orders_interval=0.05,
)
def other_orders(scene: Scene) -> None:
    answer = _Switched(_orders(scene, 1, 2))
    with scene.befallen(answer, _ORDERS):
        eventually(lambda: _filled(scene) == 2)
        answer.now = _orders(scene, 7, 8, 9)
        eventually(lambda: _filled(scene) == 3)


@_story(
    SEEMING,
    "an equity of 0 while it runs",
    published=Published.ALL,
    also="no equity: an account that trades is worth more than nothing",
    logged={},
    counted=(),
    recovers="with the next list",
)
def no_equity(scene: Scene) -> None:
    def change(answer: dict[str, Any]) -> None:
        for each in answer["live"]:
            each["equity"] = 0

    def equities() -> list[str]:
        numbers = scene.exporter.numbers(VICTIM)
        return [line for line in numbers if line.startswith("quantconnect_live_equity{")]

    before = scene.exporter.numbers(VICTIM)
    (equity,) = equities()
    with scene.befallen(patched(change), "live/list", None) as befallen:
        eventually(lambda: not equities())
        more = befallen.times + 2
        eventually(lambda: befallen.times >= more)
        assert scene.exporter.numbers(VICTIM) == [each for each in before if each != equity]
    eventually(lambda: equities() == [equity])


@_story(
    SEEMING,
    "a cash book of another currency: the project is deployed to another account",
    published=None,
    also="of the new account nothing under the currency of the old one",
    logged={"The configuration was reloaded": 1, **_ONE_FAILED},
    counted=(failures("malformed", PORTFOLIO), _UNREAD),
    recovers="at a reload, under the new currency",
)
def another_currency(scene: Scene) -> None:
    good = scene.portfolio()
    _answers(scene, answer(2)["portfolio"]["holdings"], _money(2001.0, EUR=1, USD=0.8))
    scene.eventually_fails()
    scene.eventually_asks(3)
    assert scene.portfolio() == good
    (said,) = scene.log.said(READ_FAILED)
    assert "the account is in EUR now, but its series are in USD" in said["error"]
    scene.reload()
    scene.eventually_has(2)
    values = [line for line in scene.portfolio() if "account_currency" in line]
    assert values
    assert all('account_currency="EUR"' in line for line in values)


# --- Connecting -----------------------------------------------------------------------------------


def _connecting(scene: Scene, reason: str, error: str) -> None:
    """Nothing can be had from the start: it is said, served, and tried again."""
    scene.start()
    eventually(lambda: scene.log.said(CALL_FAILED), timeout=120)
    said = scene.log.said(CALL_FAILED)[0]
    assert said["reason"] == reason
    assert error in said["error"], said
    assert {reason for _, reason in scene.failures()} == {reason}
    assert scene.healthy()
    assert scene.ready()
    assert scene.portfolio() == []
    eventually(lambda: sum(scene.failures().values()) >= 2, timeout=120)
    assert len(scene.log.said(CALL_FAILED)) == 1


_AGAIN = "as soon as it can connect; “API calls succeed again”"


@_story(
    CONNECTING,
    "refused: QuantConnect goes away, and comes back at the same address",
    logged={
        **_ONE_FAILED,
        CALL_FAILED: PERHAPS,
        CALL_SUCCEEDS: PERHAPS,
    },
    counted=(failures("connection"), unread()),
    recovers="as soon as it can connect",
)
def refused(scene: Scene) -> None:
    good = scene.portfolio()
    scene.server.close()
    eventually(lambda: any("refused" in said["error"] for said in scene.log.said(READ_FAILED)))
    scene.eventually_fails(BYSTANDER)
    assert scene.portfolio() == good
    assert _only("connection")(scene)
    scene.change(2)
    scene.restart()
    scene.eventually_has(2)


@_story(
    CONNECTING,
    "the name cannot be resolved",
    published=_YET,
    also=_WELL,
    logged=_CALL_FAILED,
    counted=(failures("connection", "authenticate"),),
    recovers=_AGAIN,
    started=False,
)
def unresolved(scene: Scene) -> None:
    error = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    resolve, port = socket.getaddrinfo, scene.server.port

    def fail(host: Any, of: Any, *rest: Any, **more: Any) -> Any:
        if of == port:
            raise error
        return resolve(host, of, *rest, **more)

    with mock.patch("socket.getaddrinfo", fail):
        _connecting(scene, "connection", "Name or service not known")
    scene.eventually_has(1)


@_story(
    CONNECTING,
    "the resolver does not answer for the host of one account, for longer than request_timeout",
    published=_YET,
    also="the other account's projects as ever; `/-/ready` and `/-/healthy` are 200",
    logged={ACCEPTED: ONCE, CALL_FAILED: 1, CALL_SUCCEEDS: 1},
    counted=(failures("timeout", "authenticate"),),
    recovers="with the next call after the resolver answers again",
    started=False,
    seconds=1.2,
    accounts=("slow.example", "other.example"),
)
def resolver_hangs(scene: Scene) -> None:
    resolve, answers = socket.getaddrinfo, threading.Event()
    asked: list[str] = []

    def slow(host: Any, *rest: Any, **more: Any) -> Any:
        if host == "slow.example":
            asked.append(host)
            answers.wait(60)
        return resolve("127.0.0.1" if str(host).endswith(".example") else host, *rest, **more)

    # Until the scene is over: what is read then still needs it.
    scene.lasting.enter_context(mock.patch("socket.getaddrinfo", slow))
    scene.lasting.callback(answers.set)
    scene.start()
    eventually(lambda: asked)
    scene.eventually_has(1, BYSTANDER)
    (said,) = eventually(lambda: scene.log.said(CALL_FAILED))
    assert (said["reason"], said["error"]) == ("timeout", "no complete answer within 1.2 seconds")
    eventually(scene.ready)
    scene.passes(MINUTE)
    eventually(lambda: len(asked) >= 2)
    scene.eventually_asks(3, project_id=BYSTANDER)
    assert scene.portfolio() == []
    assert scene.healthy()
    answers.set()
    scene.eventually_has(1)


@_story(
    CONNECTING,
    "connected, and then nothing: no handshake, no answer",
    published=_YET,
    also=_WELL,
    logged=_CALL_FAILED,
    counted=(failures("timeout", "authenticate"),),
    recovers=_AGAIN,
    started=False,
    seconds=1.2,
)
def silent(scene: Scene) -> None:
    with scene.befallen(Stall(sent=None), "authenticate", None):
        _connecting(scene, "timeout", "no complete answer within 1.2 seconds")
    scene.eventually_has(1)


def _mended(scene: Scene) -> None:
    """The same server has a good certificate now; connections that are made from now on see it."""
    scene.certify("good")
    scene.eventually_has(1)


for _name, _title, _error in (
    ("expired", "a certificate that has expired", "certificate has expired"),
    ("elsewhere", "a certificate of another host", "certificate is not valid for '127.0.0.1'"),
    ("own", "a certificate that nobody trusts has signed", "self-signed certificate"),
):

    def _certificate(scene: Scene, error: str = _error) -> None:
        _connecting(scene, "tls", error)
        _mended(scene)

    _story(
        CONNECTING,
        _title,
        published=_YET,
        also=_WELL,
        logged=_CALL_FAILED,
        counted=(failures("tls", "authenticate"),),
        recovers=f"with a good certificate; {_AGAIN}",
        started=False,
        certificate=_name,
    )(_certificate)


@_story(
    CONNECTING,
    "no TLS where there should be some",
    published=_YET,
    also=_WELL,
    logged={CALL_FAILED: 1},
    counted=(failures("tls", "authenticate"),),
    recovers="it is tried again and again, until base_url is mended",
    started=False,
    scheme="https",
    ends_well=False,
)
def no_tls(scene: Scene) -> None:
    _connecting(scene, "tls", "TLS failed: ")


# --- Ourselves ------------------------------------------------------------------------------------


@_story(
    OURSELVES,
    "the token's file vanishes",
    also="the token in use stays in use",
    logged={**_rejected(1), UNREADABLE: 1, TOKEN_CHANGED: 1},
    counted=_AUTH,
    recovers=f"when there is a file again, at the next look at it, {_LOOKS}",
    token_in_file=True,
)
def token_vanishes(scene: Scene) -> None:
    scene.token_file.unlink()
    scene.change(2)
    scene.eventually_has(2)
    assert not scene.log.said(UNREADABLE)
    scene.world.token = TOKEN[::-1]
    _rejects_everything(scene)
    (said,) = scene.log.said(UNREADABLE)
    assert said["error"].endswith("got: No such file or directory")
    scene.change(3)
    scene.token_file.write_text(TOKEN[::-1])
    scene.eventually_has(3)


@_story(
    OURSELVES,
    "something that is no file in the token's place, then an empty file",
    published=Published.UNTIL_OLD,
    logged={**_rejected(2), UNREADABLE: 2, TOKEN_CHANGED: 1},
    counted=_AUTH,
    recovers="when the file is good again",
    token_in_file=True,
)
def token_unreadable(scene: Scene) -> None:
    scene.token_file.unlink()
    scene.token_file.mkdir()
    scene.world.token = TOKEN[::-1]
    _rejects_everything(scene)
    (said,) = scene.log.said(UNREADABLE)
    assert said["error"].endswith("got: not a regular file")
    scene.token_file.rmdir()
    scene.token_file.write_text(" \n")
    _waits(scene, 15)
    eventually(lambda: len(scene.log.said(UNREADABLE)) == 2)
    assert scene.log.said(UNREADABLE)[1]["error"].endswith("got: it is empty")
    scene.falls_silent()
    scene.change(2)
    scene.token_file.write_text(TOKEN[::-1])
    scene.eventually_has(2)


@_story(
    OURSELVES,
    "this machine's clock steps back an hour",
    published=Published.ALL,
    logged={},
    counted=(skew(-3600),),
    recovers="ages and waits go by the clock that only goes forward",
)
def clock_steps_back(scene: Scene) -> None:
    scene.wrong_by = -HOUR
    scene.change(2)
    scene.eventually_has(2)
    eventually(lambda: (scene.own('api_clock_skew_seconds{account="main"}') or 0) < -3590)
    scene.eventually_asks(5)
    assert scene.failures() == {}
    assert scene.success() == 1
    scene.wrong_by = 0.0
    scene.change(3)
    scene.eventually_has(3)


@_story(
    OURSELVES,
    "this machine's clock jumps three hours ahead",
    logged={**_rejected(1), "The configuration was reloaded": 1},
    counted=(*_AUTH, skew(10800)),
    recovers="at a reload, once it is right again",
)
def clock_jumps(scene: Scene) -> None:
    scene.wrong_by = 3 * HOUR
    _rejects_everything(scene)
    scene.wrong_by = 0.0
    scene.change(2)
    scene.reload()
    scene.eventually_has(2)


def _then(times: int, real: Callable[..., Any]) -> Callable[..., Any]:
    """``real``, after it raised ``times`` times, each time at the same place."""
    raising: Iterator[bool] = chain(repeat(True, times), repeat(False))
    lock = threading.Lock()

    def call(*arguments: Any, **keywords: Any) -> Any:
        with lock:
            raises = next(raising)
        if raises:
            raise KeyError("broken on purpose")
        return real(*arguments, **keywords)

    return call


def _caught(scene: Scene) -> float | None:
    registry = scene.exporter.telemetry.registry
    return registry.get_sample_value("quantconnect_exporter_faults_total")


@_story(
    OURSELVES,
    "the loop of the poller raises",
    logged={FAULT: 1},
    counted=(_faults(3),),
    recovers="the loop goes on",
)
def loop_raises(scene: Scene) -> None:
    broken = _then(3, Schedule.next)
    with mock.patch.object(Schedule, "next", broken):
        # Only then: a read that was under way may find the change before the loop turns again.
        eventually(lambda: _caught(scene) == 3)
        scene.change(2)
        scene.eventually_has(2)
        assert "broken on purpose" in scene.log.texts["json"]
    assert scene.healthy()
    assert scene.failures() == {}


@_story(
    OURSELVES,
    "the loop of the poller raises for ever",
    published=Published.UNTIL_OLD,
    also="`/-/healthy` is 503 after two minutes, so that somebody restarts it",
    logged={FAULT: 1},
    counted=(_faults(),),
    recovers="if it can, by itself",
)
def loop_is_broken(scene: Scene) -> None:
    good = scene.portfolio()
    with mock.patch.object(Schedule, "next", _then(1_000_000, Schedule.next)):
        eventually(lambda: scene.log.said(FAULT))
        assert scene.healthy()
        assert scene.portfolio() == good
        scene.passes(121)
        assert not scene.healthy()
        scene.passes(800)
        assert scene.portfolio() == []
    scene.change(2)
    scene.eventually_has(2)
    assert scene.healthy()


@_story(
    OURSELVES,
    "reading an answer raises what nobody foresaw",
    logged={FAULT: 1, **_ONE_FAILED},
    counted=(_faults(4), unread("portfolio")),
    recovers="with the next good read",
)
def decoding_raises(scene: Scene) -> None:
    good = scene.portfolio()
    broken = _then(4, decode_holdings)
    with mock.patch("exporter.sources.portfolio.decode_holdings", broken):
        eventually(lambda: scene.log.said(FAULT, call="portfolio"))
        scene.change(2)
        scene.eventually_has(2)
    assert scene.log.said(READ_FAILED)[0]["error"] == "a fault of this exporter, see its log"
    assert set(scene.seen) <= {(), tuple(good), tuple(scene.portfolio())}
    assert scene.failures() == {}  # QuantConnect's answer was good


@_story(
    OURSELVES,
    "rendering what was read raises",
    published=Published.UNTIL_OLD,
    logged={FAULT: 1, **_ONE_FAILED},
    counted=(_faults(), _UNREAD),
    recovers="with the next good read",
)
def rendering_raises(scene: Scene) -> None:
    good = scene.portfolio()
    render = Renderer.render

    def broken(renderer: Renderer, table: Any, things: Iterable[Any]) -> Any:
        things = list(things)
        if table is CASH and any(thing.currency == "XXX" for thing in things):
            raise KeyError("broken on purpose")
        return render(renderer, table, things)

    answer = json.loads(scene.world.project(VICTIM).answer or b"")
    answer["portfolio"]["cash"]["XXX"] = answer["portfolio"]["cash"]["EUR"]
    before = scene.world.project(VICTIM).answer
    with mock.patch.object(Renderer, "render", broken):
        scene.world.project(VICTIM).answer = json.dumps(answer).encode()
        scene.eventually_fails()
        assert scene.portfolio() == good
        scene.eventually_asks(3)
        scene.passes(901)
        scene.eventually_asks(3)
        assert scene.portfolio() == []
        assert scene.success() == 0
        scene.world.project(VICTIM).answer = before
        scene.eventually_has(1)


@_story(
    OURSELVES,
    "no thread can be started for the name look-up of a new connection",
    logged={
        **_ONE_FAILED,
        CALL_FAILED: PERHAPS,
        CALL_SUCCEEDS: PERHAPS,
    },
    counted=(failures("connection"), unread()),
    recovers="with the next thread that can be had",
)
def no_threads(scene: Scene) -> None:
    good = scene.portfolio()
    start = threading.Thread.start
    names: list[str] = []

    def refuse(thread: threading.Thread) -> None:
        if thread.name != "name-look-up":
            start(thread)
            return
        names.append(thread.name)
        raise RuntimeError("can't start new thread")

    with mock.patch.object(threading.Thread, "start", refuse):
        scene.server.close()  # and with it the kept connections
        scene.restart()
        scene.eventually_fails()
        eventually(lambda: len(names) > 10)
        assert scene.portfolio() == good
        # A call that was under way when the server closed has failed in another way.
        said = scene.log.said(READ_FAILED, source="portfolio", project_id=VICTIM)
        assert sum("thread" in each["error"] for each in said) == 1
    scene.change(2)
    scene.eventually_has(2)
    assert _only("connection")(scene)


SECTIONS = {
    "The account": ACCOUNT,
    "Lists, statistics and names": LISTS,
    "Not what they seem": SEEMING,
    "No connection to be had": CONNECTING,
    "This machine, and the exporter itself": OURSELVES,
}
STORIES = tuple(story for section in SECTIONS.values() for story in section)
