"""``backfill`` against the simulated QuantConnect: text out, or what is wrong."""

from __future__ import annotations

import re
import shlex
import sys
import time
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from exporter.backfill.past import NO_BENCHMARK
from exporter.cli import main
from exporter.cli.backfill import FAILED, NO_TARGET, THERE, WRITTEN, backfill
from exporter.cli.configuration import load
from exporter.cli.flags import parse
from tests.support import SimulatorServer, Status, fault_answers, generated_world

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from exporter.config import Config

    from .conftest import Configure

DAY = 86_400.0
NOW = 1_795_676_400.0  # Thursday, 2026-11-26 07:00 UTC
ONE, TWO, NEVER = 30_000_001, 30_000_002, 30_000_003
BOTH = f"projects: [{{id: {ONE}}}, {{id: {TWO}}}]"
TARGET = ("--target-label=job=q", "--target-label=instance=x:1")
Told = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def quantconnect() -> Iterator[SimulatorServer]:
    """Two projects that were launched 100 days ago, and one that never was; time stands still."""
    world = generated_world(projects=3, holdings=2)
    for project in world.projects:
        (deployment,) = project.deployments
        project.deployments[:] = [replace(deployment, launched=NOW - 100 * DAY)]
    world.project(NEVER).deployments.clear()
    world.freeze(NOW)
    with SimulatorServer(world) as server:
        yield server


class Run:
    """Runs the command; ``slept`` are its waits after failures, ``out`` is what it printed."""

    def __init__(
        self, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
    ) -> None:
        self._capsys, self._caplog = capsys, caplog
        self.slept: list[float] = []
        self.out = self.err = ""

    def __call__(self, *arguments: str) -> tuple[int, Told]:
        """The exit status, and what it told of projects and accounts."""
        self._caplog.clear()
        options = parse(
            ["backfill", "--since=2026-11-16", "--until=2026-11-26", *TARGET, *arguments], {}
        )
        with self._caplog.at_level("INFO", "exporter"):
            status = backfill(options, sleep=self._sleep, random=Random(1))
        self.out, self.err = self._capsys.readouterr()
        return status, [
            (record.getMessage(), record.__dict__["fields"])
            for record in self._caplog.records
            if record.name.startswith(("exporter.cli", "exporter.backfill"))
        ]

    def _sleep(self, seconds: float) -> None:
        if seconds > 0.1:
            self.slept.append(seconds)
        else:
            time.sleep(seconds)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Run:
    return Run(capsys, caplog)


def samples(text: str, name: str = "quantconnect_live_equity") -> dict[str, list[float]]:
    """The times of a family's samples by the project's id."""
    found: dict[str, list[float]] = {}
    for family in text_string_to_metric_families(text):  # type: ignore[no-untyped-call]
        for sample in family.samples:
            if sample.name == name:
                found.setdefault(sample.labels["project_id"], []).append(float(sample.timestamp))
    return found


def failures(told: Told) -> dict[int, str]:
    """The errors by project."""
    return {fields["project_id"]: fields["error"] for said, fields in told if said == FAILED}


# --- What is written ------------------------------------------------------------------------------


def test_it_has_the_labels_of_the_running_exporter(
    run: Run, configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(BOTH, top="benchmark_interval: 1h")
    assert main(["dump"]) == 0
    running = re.findall(r"^quantconnect_live_equity({.*}) ", capsys.readouterr().out, re.MULTILINE)
    assert len(running) == 2
    status, _ = run()
    assert status == 0
    past = re.findall(r"^quantconnect_live_equity({.*?}) ", run.out, re.MULTILINE)
    without = [re.sub(r'(instance="x:1",|job="q",)', "", labels) for labels in past]
    assert list(dict.fromkeys(without)) == running
    assert run.out.count("# TYPE") == 2
    assert run.out.endswith("\n# EOF\n")


def test_a_file_for_each_project(
    run: Run, configure: Configure, tmp_path: Path, quantconnect: SimulatorServer
) -> None:
    configure(BOTH)
    status, told = run("--since=2026-08-01", "--output=past/new")
    assert (status, run.out) == (0, "")
    assert sorted(each.name for each in (tmp_path / "past/new").iterdir()) == [
        f"{ONE}.om",
        f"{TWO}.om",
    ]
    text = (tmp_path / f"past/new/{ONE}.om").read_text(encoding="utf-8")
    (times,) = samples(text).values()
    (days,) = samples(text, "quantconnect_live_benchmark_value").values()
    assert len(times) == len(set(times))
    assert times == sorted(times)
    # Daily, but of the last 30 days every five minutes in which an exchange was open.
    assert (len([at for at in times if at < NOW - 30 * DAY]), len(times)) == (50, 1788)
    assert (len(days), days[-1]) == (72, 1_795_651_200)
    assert told == [
        (
            WRITTEN,
            {
                "project_id": project_id,
                "project": f"Generated 0000{number}",
                "begins": "2026-08-19",
                "equity": 1788,
                "benchmark": 72,
            },
        )
        for number, project_id in enumerate((ONE, TWO), 1)
    ]
    # Equity in two wide windows and ten narrow ones, the benchmark in two.
    charts = quantconnect.requests.of("live/chart/read", ONE)
    assert len(charts) == 2 + 10 + 2


def test_projects_that_are_there_are_not_read_again(
    run: Run, configure: Configure, tmp_path: Path, quantconnect: SimulatorServer
) -> None:
    configure(BOTH)
    (tmp_path / f"{ONE}.om").write_text("old")
    status, told = run("--output=.")
    assert (status, [said for said, _ in told]) == (0, [THERE, WRITTEN])
    assert told[0][1] == {"project_id": ONE}
    assert (tmp_path / f"{ONE}.om").read_text() == "old"
    assert not quantconnect.requests.of(None, ONE)
    asked = len(quantconnect.requests)
    status, told = run("--output=.")
    assert (status, [said for said, _ in told]) == (0, [THERE, THERE])
    assert len(quantconnect.requests) == asked


def test_a_discovered_project_that_is_there(
    run: Run, configure: Configure, tmp_path: Path, quantconnect: SimulatorServer
) -> None:
    configure(f"discover: {{enabled: true}}\n    projects: [{{id: {TWO}}}]")
    (tmp_path / f"{ONE}.om").write_text("old")
    status, told = run("--output=.")
    assert (status, [said for said, _ in told]) == (0, [THERE, WRITTEN])
    assert not quantconnect.requests.of("live/chart/read", ONE)


@pytest.mark.parametrize("account", [BOTH, "", f"projects: [{{id: {ONE}}}, {{id: {NEVER}}}]"])
def test_chosen_projects(
    run: Run, configure: Configure, quantconnect: SimulatorServer, account: str
) -> None:
    """Nothing is asked about another one, but where discovery has to look for the chosen one."""
    configure(account)
    status, _ = run(f"--projects={ONE}")
    assert (status, list(samples(run.out))) == (0, [str(ONE)])
    assert not quantconnect.requests.of("live/chart/read", TWO)
    if account:
        assert not quantconnect.requests.of(None, TWO)


def test_a_terminal_sees_how_far_it_has_come(
    run: Run, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(BOTH)
    run()
    assert "…" not in run.err
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    run()
    shown = [each for each in re.split(r"[\r\n]", run.err) if each.endswith("…")]
    assert shown[0] == "project 1 of 2, 1 calls …"
    assert shown[-1] == "project 2 of 2, 14 calls …"
    assert run.err.endswith("\r\x1b[K")


@pytest.mark.usefixtures("quantconnect")
def test_without_the_labels_that_prometheus_adds(
    configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(BOTH)
    for arguments in ([], ["--target-label=job=q"]):
        assert main(["backfill", "--projects=1", *arguments]) == 1
        assert NO_TARGET in capsys.readouterr().err


# --- What fails -----------------------------------------------------------------------------------


def test_a_project_that_is_loading_costs_no_other(
    run: Run, configure: Configure, quantconnect: SimulatorServer, tmp_path: Path
) -> None:
    configure(BOTH)
    handle = quantconnect.faults.add(
        fault_answers.loading(), endpoint="live/chart/read", project_id=ONE
    )
    status, told = run("--output=.")
    assert (status, run.slept) == (1, [10.0, 10.0])
    assert failures(told) == {
        ONE: "not_ready: live/chart/read: still loading (2026-11-16 to 2026-11-26)"
    }
    assert [each.name for each in tmp_path.glob("*.om")] == [f"{TWO}.om"]
    quantconnect.faults.remove(handle)
    status, told = run("--output=.")
    assert (status, [said for said, _ in told]) == (0, [THERE, WRITTEN])


def test_a_failure_that_passes(
    run: Run, configure: Configure, quantconnect: SimulatorServer
) -> None:
    configure(BOTH)
    quantconnect.faults.add(
        fault_answers.too_many_requests("7"), endpoint="live/chart/read", times=2
    )
    quantconnect.faults.add(Status(502), endpoint="live/chart/read", times=1)
    status, _ = run()
    assert (status, run.slept[:2]) == (0, [7.0, 7.0])


def test_a_rejection_ends_the_account(
    run: Run, configure: Configure, quantconnect: SimulatorServer
) -> None:
    configure(BOTH)
    quantconnect.faults.add(
        fault_answers.invalid_hash(), endpoint="live/chart/read", project_id=ONE
    )
    status, told = run()
    assert (status, run.out) == (1, "")
    errors = failures(told)
    assert errors[ONE].startswith("auth: QuantConnect answered: ")
    assert errors[TWO] == "skipped, since QuantConnect rejected the previous call"
    assert len(quantconnect.requests.of("live/chart/read")) == 1


def test_an_account_that_is_rejected_from_the_start(
    run: Run, configure: Configure, quantconnect: SimulatorServer
) -> None:
    configure(f"projects: [{{id: {ONE}, name: One}}, {{id: {TWO}}}]", token="wrong")
    status, told = run()
    assert (status, run.out) == (1, "")
    rejected = "its name or its account currency is unknown: auth: QuantConnect answered: "
    errors = failures(told)
    assert list(errors) == [ONE, TWO]
    assert all(error.startswith(rejected) for error in errors.values())
    assert [each.endpoint for each in quantconnect.requests] == ["authenticate"]


@pytest.mark.parametrize(
    ("settings", "endpoint", "fault", "error"),
    [
        (
            "",
            "live/portfolio/read",
            Status(503),
            "its name or its account currency is unknown: http_5xx: HTTP 503 with an HTML page",
        ),
        (
            "",
            "projects/read",
            Status(503),
            "its name is unknown: http_5xx: HTTP 503 with an HTML page",
        ),
        (", name: One", "projects/read", Status(503), None),
        (
            "",
            "live/list",
            fault_answers.patched(lambda answer: answer.update(live=[])),
            "it was never deployed live",
        ),
        (", account_currency: EUR", "live/portfolio/read", Status(503), None),
    ],
)
def test_labels_that_are_not_known(
    run: Run,
    configure: Configure,
    quantconnect: SimulatorServer,
    settings: str,
    endpoint: str,
    fault: Any,
    error: str | None,
) -> None:
    configure(f"projects: [{{id: {ONE}{settings}}}]")
    quantconnect.faults.add(fault, endpoint=endpoint)
    status, told = run()
    assert failures(told) == ({} if error is None else {ONE: error})
    assert (status, bool(run.out)) == ((0, True) if error is None else (1, False))


def test_a_currency_that_cannot_be_told(
    run: Run, configure: Configure, quantconnect: SimulatorServer
) -> None:
    configure(f"projects: [{{id: {ONE}}}]")

    def two_at_par(answer: dict[str, Any]) -> None:
        (cash,) = answer["portfolio"]["cash"].values()
        answer["portfolio"]["cash"] |= {"USDT": {**cash, "symbol": "USDT"}}

    def no_glyph(answer: dict[str, Any]) -> None:
        answer["runtimeStatistics"]["Equity"] = "5"

    quantconnect.faults.add(fault_answers.patched(two_at_par), endpoint="live/portfolio/read")
    quantconnect.faults.add(fault_answers.patched(no_glyph), endpoint="live/read")
    status, told = run()
    assert (status, failures(told)) == (
        1,
        {ONE: "its account currency is ambiguous; set account_currency"},
    )


def test_projects_that_are_not_read(run: Run, configure: Configure) -> None:
    configure(f"projects: [{{id: {ONE}}}, {{id: {NEVER}}}]")
    status, told = run(f"--projects={NEVER},5")
    assert (status, failures(told)) == (
        1,
        {
            5: "it is neither configured nor discovered",
            NEVER: "it was never deployed live",
        },
    )


def test_projects_that_cannot_be_found(
    run: Run, configure: Configure, quantconnect: SimulatorServer
) -> None:
    configure(f"discover: {{enabled: true}}\n    projects: [{{id: {ONE}}}]")
    quantconnect.faults.add(Status(503), endpoint="live/list", after=1)
    status, told = run()
    assert status == 1
    assert ("Cannot find all projects of an account", "default") in [
        (said, fields.get("account")) for said, fields in told
    ]


def test_nothing_to_read(run: Run, configure: Configure, quantconnect: SimulatorServer) -> None:
    for project_id in (ONE, TWO):
        quantconnect.world.project(project_id).deployments.clear()
    configure()
    status, told = run()
    assert (status, [said for said, _ in told]) == (
        1,
        ["No project was read; quantconnect-exporter doctor says why"],
    )


def test_no_benchmark(run: Run, configure: Configure, quantconnect: SimulatorServer) -> None:
    configure(f"projects: [{{id: {ONE}}}]")
    # After the equity: a wide window and four narrow ones.
    quantconnect.faults.add(
        fault_answers.failure("Unknown chart"), endpoint="live/chart/read", after=5
    )
    status, told = run()
    assert status == 0
    assert [said for said, _ in told] == [NO_BENCHMARK, WRITTEN]
    assert samples(run.out, "quantconnect_live_benchmark_value") == {}


def test_an_age_beyond_quantconnects_first_day_asks_from_that_day_on(
    run: Run, configure: Configure
) -> None:
    configure(f"projects: [{{id: {ONE}}}]")
    status, told = run("--since=100y", "--until=2012-03-01")
    assert status == 1
    assert failures(told) == {ONE: "not_ready: QuantConnect has no equity since 2012-01-01"}


def test_the_past_ends_before_it_begins(run: Run, configure: Configure) -> None:
    configure(BOTH)
    assert run("--since=2026-11-26") == (
        1,
        [("The past ends before it begins; set --since and --until", {})],
    )


def test_standard_output_is_closed(
    run: Run, configure: Configure, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    configure(f"projects: [{{id: {ONE}}}]")
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", None)
        options = parse(["backfill"], {})
        assert backfill(options) == 1
        options = parse(["backfill", "--since=10d", *TARGET, "--output=."], {})
        assert backfill(options) == 0
    assert (tmp_path / f"{ONE}.om").exists()


@pytest.mark.usefixtures("quantconnect")
def test_no_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backfill", "--config.file=none.yaml"]) == 1
    said = capsys.readouterr()
    assert (said.out, "none.yaml" in said.err) == ("", True)


def test_a_token_file_that_goes(
    run: Run, configure: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the configuration was read, and before the token is."""
    file, token = configure(BOTH), tmp_path / "token"
    file.write_text(file.read_text().replace("api_token: demo", f"api_token_file: {token}"))
    token.write_text("demo")

    def load_and_lose(options: argparse.Namespace) -> Config | None:
        config = load(options)
        token.unlink()
        return config

    monkeypatch.setattr("exporter.cli.backfill.load", load_and_lose)
    assert run()[0] == 1
    assert str(token) in run.err


def test_a_folder_that_cannot_be_written_to(run: Run, configure: Configure, tmp_path: Path) -> None:
    configure(BOTH)
    (tmp_path / "file").touch()
    status, told = run("--output=file")
    assert (status, told) == (
        1,
        [("Cannot write to the folder", {"output": "file", "error": "File exists"})],
    )


def test_a_disk_that_is_full(
    run: Run, configure: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither half a file stays nor one that looks whole."""
    configure(BOTH)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    status, told = run("--output=past")
    assert (status, told[-1][1]["error"]) == (1, "No space left on device")
    assert list((tmp_path / "past").iterdir()) == []


def test_a_reader_that_had_enough(
    run: Run, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command's entry says so for all commands."""
    configure(BOTH)

    def broken(*_: object) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr("exporter.cli.destination.Printed.end", broken)
    with pytest.raises(BrokenPipeError):
        run()


# --- Flags ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "now", "at"),
    [
        ("90d", 1_000_000_000.7, 992_224_000),
        ("0s", 1_000_000_000.7, 1_000_000_000),
        ("2026-11-26", 0.0, 1_795_651_200),
        ("2026-11-26T01:00:00+01:00", 0.0, 1_795_651_200),
        ("1795651200", 0.0, 1_795_651_200),
    ],
)
def test_when_it_begins(written: str, now: float, at: int) -> None:
    assert parse(["backfill", "--since", written], {}).since.at(now) == at
    assert parse(["backfill", "--until", written], {}).until.at(now) == at


def test_the_defaults() -> None:
    options = parse(["backfill"], {})
    assert (options.since.at(1e9), options.until.at(1e9)) == (1e9 - 730 * DAY, 1e9 - 3 * 3600)
    assert (options.projects, options.target_label, options.output) == (None, [], None)


def test_lists() -> None:
    options = parse(["backfill", "--projects=7, 8", *TARGET], {})
    assert options.projects == {7, 8}
    assert options.target_label == [("job", "q"), ("instance", "x:1")]


A_TIME = (
    "expected a duration such as 90d, a date such as 2026-11-01 or a timestamp such as"
    " 2026-11-01T12:00:00Z"
)


@pytest.mark.parametrize(
    ("flag", "error"),
    [
        ("--since=yesterday", f"--since: {A_TIME}, got 'yesterday'\n"),
        (
            "--until=2026-11-26T01:00:00",
            f"{A_TIME}, got '2026-11-26T01:00:00' (it has no time zone; write Z at its",
        ),
        ("--projects=7,x", "--projects: expected ids of projects such as 23456789,23456790, got"),
        ("--projects=", "--projects: expected ids of projects such as 23456789,23456790, got ''"),
        (
            "--target-label=job",
            "--target-label: expected NAME=VALUE such as job=quantconnect, got 'job'",
        ),
        (
            "--target-label=__x=1",
            "--target-label: expected NAME=VALUE such as job=quantconnect, got '__x=1'",
        ),
        (
            "--target-label=project=x",
            "label that Prometheus adds, got 'project', which the exporter sets",
        ),
    ],
)
def test_flags_that_make_no_sense(
    capsys: pytest.CaptureFixture[str], flag: str, error: str
) -> None:
    with pytest.raises(SystemExit):
        parse(["backfill", flag], {})
    assert error in capsys.readouterr().err


# --- The page -------------------------------------------------------------------------------------


def test_the_commands_of_the_page_have_flags_that_there_are() -> None:
    page = (Path(__file__).parents[2] / "docs" / "backfill.md").read_text(encoding="utf-8")
    blocks = "\n".join(re.findall(r"(?ms)^```sh\n(.*?)^```$", page)).replace("\\\n", " ")
    commands = re.findall(r"quantconnect-exporter ([^>&\n]+)", blocks)
    backfills, rules = [parse(shlex.split(command), {}) for command in commands]
    assert (backfills.command, rules.command, rules.past) == ("backfill", "rules", True)
    assert dict(backfills.target_label).keys() == {"job", "instance"}
