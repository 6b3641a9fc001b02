"""doctor against the simulator: what is found, and what to do about it."""

from __future__ import annotations

import io
import re
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from exporter.cli import main
from exporter.cli.findings import Report
from exporter.config import Config, resolve
from exporter.simulator import World
from exporter.sources.status import ENDED
from tests.support import Delay, SimulatorServer, Status, fault_answers, given_world, patched

from .conftest import frozen_demo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from exporter.simulator.exchange import Fault
    from tests.support.fault_answers import Transformed

    from .conftest import Configure


def doctor(capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    """The exit status, and the rows with single spaces."""
    status = main(["doctor"])
    said = re.sub(r"within [01] s of", "within a second of", capsys.readouterr().out)
    rows = [" ".join(row.split()) for row in said.splitlines()]
    return status, [row for row in rows if row]


def noted(rows: list[str]) -> list[str]:
    """The rows that are notes."""
    return [row for row in rows if re.match(r"[^\"]* note ", row)]


def renamed(name: str) -> Transformed:
    """An answer of projects/read whose first project, 21048731, has another name."""
    return patched(lambda answer: answer["projects"][0].update(name=name))  # type: ignore[index]


# Calls a minute: a second between two, so that each has its answer before the next.
SLOWLY = 60

UNREAD = (
    "account default: discovery note 7 live projects not read: 21363904 (Options and futures),"
    " 21790216 (Forex majors), 22057483 (Crypto momentum), 22418690 (Euro core), 22735112 (Reserve"
    " in cash), 23019847 (Research/Pairs mean reversion), 23344561 (Volatility breakout)"
)


def test_all_is_well(
    capsys: pytest.CaptureFixture[str], quantconnect: SimulatorServer, configure: Configure
) -> None:
    first, legacy = quantconnect.world.project_ids[0], quantconnect.world.project_ids[-1]
    configure(f"projects: [{{id: {first}}}, {{id: {legacy}}}]")
    status, rows = doctor(capsys)
    assert rows == [
        "configuration ok quantconnect.yaml",
        "account default: credentials ok user 1 is accepted",
        "account default: clock ok within a second of QuantConnect's",
        UNREAD,
        "→ list them under projects, or set discover: {enabled: true}",
        f'project {legacy} ok "Legacy trend following"',
        f"project {legacy}: portfolio ok 0 open positions, 1 currency",
        f"project {legacy}: status note Liquidated",
        f'project {first} ok "US equities long-short"',
        f"project {first}: portfolio ok 11 open positions, 1 currency",
        f"project {first}: status ok Running",
        "account default: budget ok needs 2.9 of 60000 calls a minute",
        "Reading works, with 2 notes above.",
    ]
    assert status == 0


def test_nothing_to_note(capsys: pytest.CaptureFixture[str], configure: Configure) -> None:
    configure()
    status, rows = doctor(capsys)
    assert (status, rows[-1]) == (0, "All is well.")


def test_variables_that_do_not_count(
    capsys: pytest.CaptureFixture[str], configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUANTCONNECT_API_TOKEN", "hidden")
    configure("projects: [{id: 21048731}]")
    _, rows = doctor(capsys)
    assert rows[1] == "configuration note without QUANTCONNECT_API_TOKEN of the environment"


def test_one_user_in_two_accounts(
    capsys: pytest.CaptureFixture[str], quantconnect: SimulatorServer, tmp_path: Path
) -> None:
    account = (
        f"user_id: 1, api_token: demo, base_url: '{quantconnect.base_url}',"
        " requests_per_minute: 60000"
    )
    (tmp_path / "quantconnect.yaml").write_text(
        "tickers: {FB: META, GOOCV: GOOG}\n"
        f"accounts:\n  - {{name: a, {account}, projects: [{{id: 21048731}}]}}\n"
        f"  - {{name: b, {account}, projects: [{{id: 21363904}}]}}\n"
    )
    status, rows = doctor(capsys)
    assert rows[1] == "account b note another account has the same user_id: a"
    assert rows[2].startswith("→ make them one account: two make twice the calls")
    assert (status, rows[-1]) == (0, "Reading works, with 3 notes above.")


def test_what_is_discovered_is_checked_too(
    capsys: pytest.CaptureFixture[str], quantconnect: SimulatorServer, configure: Configure
) -> None:
    configure('discover: {enabled: true, exclude: "(Research|Crypto).*"}')
    status, rows = doctor(capsys)
    assert status == 0
    running = [row for row in rows if row.endswith(": status ok Running")]
    assert len(running) == 6
    assert "account default: discovery ok 8 projects running, 0 stopped within 1w" in rows
    assert (
        'project 22057483 note "Crypto momentum" is live, but include and exclude leave it out'
    ) in rows
    # The list of what runs, and of each project a portfolio once a minute, statistics once in five,
    # orders once in ten.
    assert "account default: budget ok needs 9.0 of 60000 calls a minute" in rows
    assert "project 22057483: portfolio" not in " ".join(rows)


def test_nothing_to_read_is_not_all_well(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with SimulatorServer(given_world({})) as server:
        (tmp_path / "quantconnect.yaml").write_text(
            f"accounts:\n  - {{user_id: 1, api_token: demo, base_url: '{server.base_url}',"
            " requests_per_minute: 60000}\n"
        )
        status, rows = doctor(capsys)
    assert (status, rows[-1]) == (1, "Nothing is read.")
    assert rows[3:6] == [
        "account default: discovery ok 0 projects running, 0 stopped within 1w",
        (
            "account default: discovery note nothing is read: no project is live that is not"
            " listed elsewhere"
        ),
        (
            "→ deploy something, or list projects by id; if something is live, is user 1 a member"
            " of the right organization?"
        ),
    ]


def test_patterns_that_leave_out_everything_are_not_all_well(
    capsys: pytest.CaptureFixture[str], configure: Configure
) -> None:
    configure("discover: {enabled: true, include: momentum}")
    status, rows = doctor(capsys)
    assert (status, rows[-1]) == (1, "Nothing is read.")
    assert rows[-4:-2] == [
        (
            "account default: discovery note nothing is read: include and exclude leave out"
            " every live project"
        ),
        "→ they must match a project's whole name, with its folders; or list it by id",
    ]


@pytest.fixture
def later(tmp_path: Path) -> Iterator[None]:
    """A world in which one project has stopped with open positions and one has crashed."""
    world = World.demo(started=time.time() - 2400)
    with SimulatorServer(world) as server:
        (tmp_path / "quantconnect.yaml").write_text(
            f"accounts:\n  - {{user_id: 1, api_token: demo, base_url: '{server.base_url}',"
            " requests_per_minute: 60000}\n"
        )
        yield


@pytest.mark.usefixtures("later")
def test_positions_that_nothing_manages(capsys: pytest.CaptureFixture[str]) -> None:
    status, rows = doctor(capsys)
    assert "account default: discovery ok 6 projects running, 2 stopped within 1w" in rows
    assert "project 23019847: status note Stopped" in rows
    (crash,) = [row for row in rows if row.startswith("project 23344561: status")]
    assert crash.startswith("project 23344561: status note RuntimeError Runtime Error: 'NoneType'")
    assert rows[rows.index(crash) + 1] == (
        "→ read the error, here or in its log; redeploy it at QuantConnect"
    )
    held = [row for row in rows if row.endswith("; it does not run")]
    assert len(held) == 2
    assert re.fullmatch(
        r"project 23019847: portfolio note [1-9]\d* open positions, 1 currency; it does not run",
        held[0],
    )
    notes = len(noted(rows))
    assert (status, rows[-1]) == (
        0,
        f"Reading works, with {notes} notes above. 2 projects do not run and hold positions.",
    )


@pytest.mark.usefixtures("later")
def test_what_stopped_longer_ago_is_not_read(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "quantconnect.yaml"
    file.write_text(
        "tickers: {FB: META, GOOCV: GOOG}\n"
        + file.read_text().replace("60000}", "60000, discover: {enabled: true, forget_after: 30m}}")
    )
    status, rows = doctor(capsys)
    assert "account default: discovery ok 6 projects running, 0 stopped within 30m" in rows
    assert (status, rows[-1]) == (0, "All is well.")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_what_the_terminal_does_not_have_is_escaped(
    monkeypatch: pytest.MonkeyPatch,
    quantconnect: SimulatorServer,
    configure: Configure,
    encoding: str,
) -> None:
    configure("projects: [{id: 21048731}, {id: 99}]")
    quantconnect.faults.add(renamed("₤ 100"), endpoint="projects/read", times=1)
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding=encoding))
    assert main(["doctor"]) == 1
    said = out.getvalue().decode(encoding)
    utf8 = encoding == "utf-8"
    assert ('"₤ 100"' if utf8 else r'"\u20a4 100"') in said
    assert f"{'→' if utf8 else '->'} check that the project exists" in said


def test_output_that_is_no_terminal_nor_file(
    monkeypatch: pytest.MonkeyPatch, configure: Configure
) -> None:
    configure("projects: [{id: 99}]")
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    assert main(["doctor"]) == 1
    assert "-> check that the project exists" in out.getvalue()


@pytest.mark.parametrize("world", [frozen_demo()], ids=["a world of its own"])
def test_what_others_wrote_forges_no_row(
    capsys: pytest.CaptureFixture[str], quantconnect: SimulatorServer, configure: Configure
) -> None:
    configure("projects: [{id: 21048731}, {id: 21363904}]")
    forged = '"\n\nAll is well.\x1b[8m\x1b]0;owned\x07\u202e' + "x" * 5000
    quantconnect.faults.add(renamed(forged), endpoint="projects/read")
    quantconnect.world.stop(21363904, "RuntimeError", forged)
    main(["doctor"])
    said = capsys.readouterr().out
    assert all(sign.isprintable() or sign == "\n" for sign in said)
    assert max(len(line) for line in said.splitlines()) < 1100
    rows = [" ".join(row.split()) for row in said.splitlines()]
    assert "All is well." not in rows
    shown = r'" All is well.\x1b[8m\x1b]0;owned\x07\u202e'
    assert any(row.startswith(f'project 21048731 ok "{shown}xxx') for row in rows)
    (crash,) = [row for row in rows if row.startswith("project 21363904: status")]
    assert crash.startswith(f"project 21363904: status note RuntimeError {shown}xxx")
    assert crash.endswith("x…")


def test_the_last_line(capsys: pytest.CaptureFixture[str]) -> None:
    said = []
    for failures, notes, unmanaged in ((0, 0, 0), (0, 1, 0), (1, 2, 0), (0, 2, 1), (2, 3, 3)):
        Report(failures=failures, notes=notes, projects=3, unmanaged=unmanaged).end()
        said.append(capsys.readouterr().out.strip())
    assert said == [
        "All is well.",
        "Reading works, with 1 note above.",
        "1 problem to fix.",
        "Reading works, with 2 notes above. 1 project does not run and holds positions.",
        "2 problems to fix. 3 projects do not run and hold positions.",
    ]


def test_a_wrong_token_costs_one_call(
    capsys: pytest.CaptureFixture[str], quantconnect: SimulatorServer, configure: Configure
) -> None:
    configure("projects: [{id: 5}]", token="wrong")
    status, rows = doctor(capsys)
    assert (status, rows[-1]) == (1, "1 problem to fix.")
    assert rows[1].startswith(
        "account default: credentials FAILED auth: QuantConnect answered: The"
    )
    assert rows[2] == (
        "→ check the token: it must be the one on the account page of user 1 at QuantConnect;"
        " QuantConnect locks an account out after too many tries"
    )
    assert rows[3] == "account default: clock ok within a second of QuantConnect's"
    assert [request.endpoint for request in quantconnect.requests] == ["authenticate"]


PAGE = "check base_url; a proxy, a firewall or a login page may be in the way"
BOTH = (
    "both are on your account page at QuantConnect;"
    " QuantConnect locks an account out after too many tries"
)
UNSHARED = (
    "→ user 1 may not see this project, or it is gone: is it shared with that user, is it one of"
    " the right organization?"
)


@pytest.mark.parametrize(
    ("fault", "offset", "advice"),
    [
        (
            fault_answers.failure("UserID not valid"),
            0.0,
            (
                "check user_id: it is on your account page at QuantConnect;"
                " QuantConnect locks an account out after too many tries"
            ),
        ),
        (
            fault_answers.failure("Hash doesn't match"),
            3600.0,
            (
                "check the token and this machine's clock: it must be the one on the account page"
                " of user 1 at QuantConnect; QuantConnect locks an account out after too many tries"
            ),
        ),
        (
            fault_answers.failure("Invalid timestamp, value received: 0"),
            0.0,
            (
                "a proxy may drop or change the Timestamp header;"
                " QuantConnect locks an account out after too many tries"
            ),
        ),
        (
            fault_answers.failure("Invalid timestamp, value received: 1"),
            9000.0,
            (
                "set this machine's clock (NTP); signatures carry the time;"
                " QuantConnect locks an account out after too many tries"
            ),
        ),
        (
            fault_answers.locked_out(),
            0.0,
            (
                "stop every other client with wrong credentials, and wait before the next try:"
                " each try may prolong the lockout"
            ),
        ),
        (fault_answers.unauthorized(), 0.0, f"check user_id and the token: {BOTH}"),
        (
            fault_answers.unauthorized(),
            300.0,
            f"check user_id and the token and this machine's clock: {BOTH}",
        ),
        (fault_answers.failure("Never again"), 0.0, f"check user_id and the token: {BOTH}"),
    ],
)
def test_what_to_do_goes_by_what_quantconnect_said(
    capsys: pytest.CaptureFixture[str],
    quantconnect: SimulatorServer,
    configure: Configure,
    fault: Fault,
    offset: float,
    advice: str,
) -> None:
    configure("projects: [{id: 5}]")
    quantconnect.date_offset = offset
    quantconnect.faults.add(fault)
    status, rows = doctor(capsys)
    assert (status, rows[2]) == (1, f"→ {advice}")
    assert [request.endpoint for request in quantconnect.requests] == ["authenticate"]


@pytest.mark.parametrize(
    ("status", "advice"), [(401, PAGE), (403, f"{PAGE}; else check user_id and the token")]
)
def test_a_page_in_place_of_quantconnect(
    capsys: pytest.CaptureFixture[str],
    quantconnect: SimulatorServer,
    configure: Configure,
    status: int,
    advice: str,
) -> None:
    """That is no rejection: in five seconds it may be asked again."""
    configure("projects: [{id: 5}]")
    quantconnect.faults.add(Status(status))
    exit_status, rows = doctor(capsys)
    assert (exit_status, rows[2]) == (1, f"→ {advice}")
    assert {request.endpoint for request in quantconnect.requests} == {"authenticate"}


def test_a_project_that_this_user_may_not_see(
    capsys: pytest.CaptureFixture[str], quantconnect: SimulatorServer, configure: Configure
) -> None:
    configure("projects: [{id: 21048731}, {id: 21363904}]")
    quantconnect.faults.add(
        fault_answers.unauthorized(), endpoint="live/portfolio/read", project_id=21048731
    )
    status, rows = doctor(capsys)
    assert (status, rows[-1]) == (1, "1 problem to fix.")
    failed = rows.index(
        "project 21048731: portfolio FAILED auth: QuantConnect answered HTTP 401 without success"
        " and gave no error"
    )
    assert rows[failed + 1] == UNSHARED
    assert "account default: credentials ok user 1 is accepted" in rows
    assert "project 21048731: status ok Running" in rows
    assert "project 21363904: portfolio ok 10 open positions, 1 currency" in rows
    # Whether it was the account that was rejected was asked once, after each rejection: on a slow
    # machine there is time for a second one.
    rejections = len(quantconnect.requests.of("live/portfolio/read", 21048731))
    assert 2 <= len(quantconnect.requests.of("authenticate")) <= 1 + rejections


@pytest.mark.parametrize(
    ("fault", "advice"),
    [
        (Status(403, body=b'{"success": false, "errors": ["No access"]}'), UNSHARED),
        (Status(403, body=b'{"success": false}'), UNSHARED),
        (Status(403, body=b""), UNSHARED),
        (Status(403), f"→ {PAGE}"),
        (Status(403, body=b"Blocked"), f"→ {PAGE}"),
        (Status(401), f"→ {PAGE}"),
    ],
)
def test_a_refusal_is_quantconnects_own_or_of_something_between(
    capsys: pytest.CaptureFixture[str],
    quantconnect: SimulatorServer,
    configure: Configure,
    fault: Fault,
    advice: str,
) -> None:
    configure("projects: [{id: 21048731}]")
    quantconnect.faults.add(fault, endpoint="live/portfolio/read")
    _, rows = doctor(capsys)
    assert advice in rows


def test_a_listing_that_this_user_may_not_have(
    capsys: pytest.CaptureFixture[str], quantconnect: SimulatorServer, configure: Configure
) -> None:
    configure("projects: [{id: 21048731}]")
    quantconnect.faults.add(fault_answers.unauthorized(), endpoint="live/list")
    status, rows = doctor(capsys)
    assert status == 1
    failed = next(row for row in rows if row.startswith("account default: listing FAILED auth"))
    assert rows[rows.index(failed) + 1] == (
        "→ user 1 may not list live deployments: is that user a member of the right organization?"
    )
    assert "project 21048731: portfolio ok 11 open positions, 1 currency" in rows


def test_what_this_user_may_not_see_of_the_organization(
    capsys: pytest.CaptureFixture[str], quantconnect: SimulatorServer, configure: Configure
) -> None:
    configure("projects: [{id: 21048731}]")
    refused = fault_answers.Body(b'{"errors": ["Organization not found"], "success": false}')
    quantconnect.faults.add(refused, endpoint="account/read")
    odd = fault_answers.Body(b'{"nodes": {"live": [{"busy": "yes"}]}, "success": true}')
    quantconnect.faults.add(odd, endpoint="projects/nodes/read")
    status, rows = doctor(capsys)
    assert status == 1
    failed = next(row for row in rows if row.startswith("account default: account FAILED"))
    assert failed.endswith("api_error: QuantConnect answered: Organization not found")
    assert rows[rows.index(failed) + 1] == (
        "→ user 1 may not see it; account_interval: 0s in the configuration switches it off"
    )
    assert any(row.startswith("account default: nodes note left out nodes.live[0]") for row in rows)


def test_what_is_switched_off_is_no_trouble(
    capsys: pytest.CaptureFixture[str], quantconnect: SimulatorServer, configure: Configure
) -> None:
    configure("projects: [{id: 21048731}]", top="nodes_interval: 0s\naccount_interval: 0s")
    for endpoint in ("account/read", "projects/nodes/read"):
        quantconnect.faults.add(Status(503), endpoint=endpoint)
    status, rows = doctor(capsys)
    assert status == 0
    assert not [row for row in rows if "FAILED" in row]


def test_a_list_that_is_still_loading(
    capsys: pytest.CaptureFixture[str], quantconnect: SimulatorServer, configure: Configure
) -> None:
    configure("projects: [{id: 21048731}]")
    loading = fault_answers.Body(b'{"progress": 0.25, "status": "loading", "success": true}')
    quantconnect.faults.add(loading, endpoint="live/orders/read")
    status, rows = doctor(capsys)
    assert status == 0
    row = next(row for row in rows if row.startswith("project 21048731: orders"))
    assert row == "project 21048731: orders note not_ready: live/orders/read: still loading"


def test_orders_tell_todays_tickers_of_what_is_held(
    capsys: pytest.CaptureFixture[str], configure: Configure
) -> None:
    configure("projects: [{id: 21048731}]", top="tickers: {GOOCV: GOOG}")
    _, rows = doctor(capsys)
    said = rows.index("project 21048731: portfolio note FB is META today")
    assert rows[said + 1] == "→ add to tickers in the configuration: FB: META"


def test_a_token_that_ends_meanwhile_locks_nobody_out(
    capsys: pytest.CaptureFixture[str], quantconnect: SimulatorServer, configure: Configure
) -> None:
    numbers = range(1, 16)
    configure(f"projects: [{', '.join(f'{{id: {number}}}' for number in numbers)}]", rpm=SLOWLY)
    quantconnect.faults.add(fault_answers.invalid_hash(), after=1)
    status, rows = doctor(capsys)
    assert status == 1
    invalid = (
        "QuantConnect answered: The API token hash is not valid. This could be due to an old hash,"
        " invalid API token, or an invalid timestamp."
    )
    assert rows[1:6] == [
        "account default: credentials ok user 1 is accepted",
        (
            "account default: credentials FAILED authenticate, accepted before, now fails with"
            f" auth: {invalid}"
        ),
        (
            "→ check the token: it must be the one on the account page of user 1 at QuantConnect;"
            " QuantConnect locks an account out after too many tries"
        ),
        "account default: clock ok within a second of QuantConnect's",
        f"account default: listing FAILED auth: {invalid}",
    ]
    assert (
        "account default note stopped here so that QuantConnect does not lock the account out; not"
        " looked at: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 5 more"
    ) in rows
    assert rows[rows.index("→ run the doctor again when that is fixed") + 1].endswith("minute")
    asked = [request.endpoint for request in quantconnect.requests]
    assert asked == ["authenticate", "live/list", "authenticate"]


def test_an_account_that_is_locked_out_asks_no_more(
    capsys: pytest.CaptureFixture[str], quantconnect: SimulatorServer, configure: Configure
) -> None:
    configure("projects: [{id: 21048731}]", rpm=SLOWLY)
    quantconnect.faults.add(fault_answers.locked_out(), after=1)
    status, rows = doctor(capsys)
    assert status == 1
    assert rows[2].endswith("too many failed attempts for this user or ip")
    assert rows[3] == (
        "→ stop every other client with wrong credentials, and wait before the next try: each"
        " try may prolong the lockout"
    )
    assert len(quantconnect.requests) == 3


def test_two_projects_that_are_refused_are_enough(
    capsys: pytest.CaptureFixture[str], quantconnect: SimulatorServer, configure: Configure
) -> None:
    configure(rpm=SLOWLY)
    quantconnect.faults.add(fault_answers.unauthorized(), endpoint="live/portfolio/read")
    status, rows = doctor(capsys)
    assert status == 1
    assert [row for row in rows if row.startswith("→")][:2] == [UNSHARED, UNSHARED]
    stopped = "account default note stopped here so that QuantConnect does not lock the account out"
    assert stopped in rows
    assert 2 <= len(quantconnect.requests.of("live/portfolio/read")) <= 4


def test_a_rate_limit_is_not_waited_for(
    capsys: pytest.CaptureFixture[str], quantconnect: SimulatorServer, configure: Configure
) -> None:
    configure("projects: [{id: 21048731}]", rpm=600)
    quantconnect.faults.add(fault_answers.too_many_requests("600"), endpoint="live/portfolio/read")
    status, rows = doctor(capsys)
    assert status == 1
    failed = next(row for row in rows if ": portfolio FAILED rate_limit" in row)
    assert rows[rows.index(failed) + 1].startswith("→ lower requests_per_minute, or wait")


@pytest.mark.parametrize(("offset", "words"), [(300.0, "behind"), (-300.0, "ahead of")])
def test_a_wrong_clock(
    capsys: pytest.CaptureFixture[str],
    quantconnect: SimulatorServer,
    configure: Configure,
    offset: float,
    words: str,
) -> None:
    configure("projects: [{id: 21048731}]")
    quantconnect.date_offset = offset
    status, rows = doctor(capsys)
    assert status == 1
    assert rows[2].startswith("account default: clock FAILED ")
    assert rows[2].endswith(f" s {words} QuantConnect's")
    assert rows[3] == "→ set this machine's clock (NTP); signatures carry the time"


def test_no_clock_in_the_answer(
    capsys: pytest.CaptureFixture[str], quantconnect: SimulatorServer, configure: Configure
) -> None:
    configure("projects: [{id: 5}]", top="request_timeout: 1s")
    quantconnect.faults.add(Delay(30))
    status, rows = doctor(capsys)
    assert status == 1
    assert rows[1:] == [
        "account default: credentials FAILED timeout: no complete answer within 1 second",
        "→ check the network and any proxy; raise request_timeout if it is only slow",
        "1 problem to fix.",
    ]


def test_a_project_that_is_unknown_one_never_deployed_and_one_not_ready(
    capsys: pytest.CaptureFixture[str], quantconnect: SimulatorServer, configure: Configure
) -> None:
    configure("projects: [{id: 99}, {id: 21363904}]")
    quantconnect.faults.add(
        fault_answers.no_portfolio(), endpoint="live/portfolio/read", project_id=21363904
    )
    status, rows = doctor(capsys)
    assert (status, rows[-1]) == (1, "1 problem to fix.")
    unknown = rows.index("project 99 FAILED api_error: QuantConnect answered: Project not found")
    assert rows[unknown + 1] == "→ check that the project exists and that this user may see it"
    never = "project 99: status note never deployed live; only its name is published"
    assert rows[rows.index(never) + 1] == "→ deploy it, or take it out of projects"
    (unready,) = [row for row in rows if row.startswith("project 21363904: portfolio note ")]
    assert rows[rows.index(unready) + 1].endswith("a project that was never deployed has none")


def test_each_failure_is_named_and_the_rest_goes_on(
    capsys: pytest.CaptureFixture[str], quantconnect: SimulatorServer, configure: Configure
) -> None:
    configure("projects: [{id: 21048731}]")
    quantconnect.faults.add(Status(503), endpoint="live/list")
    quantconnect.faults.add(fault_answers.html(), endpoint="live/portfolio/read")
    status, rows = doctor(capsys)
    assert (status, rows[-1]) == (1, "3 problems to fix.")
    page = "an HTML page (a proxy or a login page in the way?)"
    assert rows[3:-2] == [
        "account default: listing FAILED http_5xx: HTTP 503 with an HTML page",
        "→ QuantConnect has a problem: try again later",
        'project 21048731 ok "US equities long-short"',
        f"project 21048731: portfolio FAILED malformed: expected a JSON object, got {page}",
        "→ check base_url; a proxy, a firewall or a login page may be in the way",
        "project 21048731: status FAILED http_5xx: HTTP 503 with an HTML page",
        "→ QuantConnect has a problem: try again later",
    ]


def test_stopped_projects_that_cannot_be_listed(
    capsys: pytest.CaptureFixture[str], quantconnect: SimulatorServer, configure: Configure
) -> None:
    """What runs could."""
    configure()
    for ended in ENDED:
        quantconnect.faults.add(Status(503), endpoint="live/list", status=ended)
    status, rows = doctor(capsys)
    assert (status, rows[-1]) == (1, "1 problem to fix."), rows
    assert rows[3].startswith("account default: listing FAILED http_5xx: HTTP 503")


def test_a_fault_of_ours_is_to_be_reported(
    capsys: pytest.CaptureFixture[str], configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: Any, **_keywords: Any) -> None:
        raise ValueError("a bug")

    monkeypatch.setattr("exporter.sources.portfolio.decode_holdings", fail)
    configure("projects: [{id: 21048731}]")
    status, rows = doctor(capsys)
    assert status == 1
    failed = rows.index("project 21048731: portfolio FAILED a fault of this exporter, see its log")
    assert rows[failed + 1] == "→ run it with --log.level=debug and report what it logs"


def test_the_log_is_there_for_who_asks(
    capsys: pytest.CaptureFixture[str], configure: Configure
) -> None:
    configure()
    assert main(["doctor"]) == 0
    assert capsys.readouterr().err == ""
    assert main(["doctor", "--log.level=debug"]) == 0
    assert "QuantConnect accepts the account" in capsys.readouterr().err


def test_on_a_terminal_it_shows_how_far_it_is(
    capsys: pytest.CaptureFixture[str], configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure("projects: [{id: 21048731}]", rpm=600)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert main(["doctor"]) == 0
    said = capsys.readouterr().err
    assert re.search(r"\rread \d of 5 …", said)
    assert said.endswith("\r\x1b[K")


def test_a_field_that_cannot_be_read(
    capsys: pytest.CaptureFixture[str], quantconnect: SimulatorServer, configure: Configure
) -> None:
    configure("projects: [{id: 22735112}]")
    quantconnect.faults.add(
        fault_answers.not_a_number(), endpoint="live/portfolio/read", project_id=22735112
    )
    status, rows = doctor(capsys)
    assert status == 0
    assert [row for row in rows if "left out" in row] == [
        (
            'project 22735112: portfolio note left out cash["USD"]: found number nan, expected a'
            " finite number"
        )
    ]


def test_a_ticker_of_another_company(
    capsys: pytest.CaptureFixture[str], quantconnect: SimulatorServer, configure: Configure
) -> None:
    held = {"symbol": {"value": "META", "id": "FB V6OIPNZEM8V9"}, "averagePrice": 1, "quantity": 1}

    def older(answer: object) -> None:
        answer["portfolio"]["holdings"] = {"FB V6OIPNZEM8V9": held}  # type: ignore[index]

    configure("projects: [{id: 22735112}]", top="tickers: {GOOCV: GOOG}")
    quantconnect.faults.add(patched(older), endpoint="live/portfolio/read", project_id=22735112)
    _, rows = doctor(capsys)
    note = rows.index("project 22735112: portfolio note FB is META today")
    assert rows[note + 1].endswith("add to tickers in the configuration: FB: META")


def test_a_budget_that_is_too_small(
    capsys: pytest.CaptureFixture[str], configure: Configure
) -> None:
    projects = ", ".join(
        f"{{id: {number}, scrape_interval: 1s}}" for number in (21048731, 21363904)
    )
    configure(f"projects: [{projects}]", rpm=100)
    status, rows = doctor(capsys)
    assert status == 0
    assert re.fullmatch(
        r"account default: budget note needs 12[\d.]+ of 100 calls a minute:"
        r" intervals are stretched [\d.]+ times",
        rows[rows.index("→ raise requests_per_minute or the intervals") - 1],
    )


def test_a_stretched_budget_is_not_all_well(
    capsys: pytest.CaptureFixture[str], configure: Configure
) -> None:
    every = "scrape_interval: 1s\nstatus_interval: 1s\nstatistics_interval: 1s"
    configure("projects: [{id: 21048731}]", top=every, rpm=175)
    status, rows = doctor(capsys)
    assert (status, rows[-1]) == (0, "Reading works, with 2 notes above.")


def test_an_assumed_currency_that_is_wrong(
    capsys: pytest.CaptureFixture[str], configure: Configure
) -> None:
    configure("projects: [{id: 22418690}]", top="defaults: {account_currency: USD}")
    status, rows = doctor(capsys)
    assert status == 1
    said = "the account is in EUR now, but its series are in USD; set account_currency for this"
    assert rows[rows.index("→ list it under projects with its own account_currency") - 1] == (
        f"project 22418690: portfolio FAILED malformed: {said} project"
    )


def test_no_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--config.file=none.yaml"]) == 1
    said = capsys.readouterr()
    assert (said.out, "none.yaml" in said.err) == ("", True)


def test_a_token_that_cannot_be_read(
    capsys: pytest.CaptureFixture[str], configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It could when the configuration was checked."""
    file = configure("projects: [{id: 5}]")
    token = file.with_name("token")
    token.write_text("demo")
    file.write_text(file.read_text().replace("api_token: demo", f"api_token_file: {token}"))

    def resolve_and_lose(*arguments: Any) -> Config:
        config = resolve(*arguments)
        token.unlink()
        return config

    monkeypatch.setattr("exporter.cli.configuration.resolve", resolve_and_lose)
    status, rows = doctor(capsys)
    assert status == 1
    assert rows[1].startswith("account default: token FAILED ")
    assert rows[1].endswith(
        "expected a file that holds the API token, got: No such file or directory"
    )
    assert rows[2] == "→ fix the file or its permissions"
