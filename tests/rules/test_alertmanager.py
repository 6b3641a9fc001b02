"""The example for Alertmanager: who hears of what, by amtool; what silences what, on the real one.

The alerts that are posted have the labels of the rules' unit tests; the configuration is the file
itself with its waits shortened and a webhook in every receiver.
"""

from __future__ import annotations

import json
import re
import subprocess
import threading
import time
import urllib.request
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from prometheus.stack import free_port

from .ruleset import ALERTMANAGER, ALERTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.needs_alertmanager

RECEIVERS = {"critical": "pager", "warning": "chat", "info": "journal"}
DEADLINE = 30.0

Labels = dict[str, str]
Message = tuple[str, set[str]]
"""The receiver, and the names of the alerts."""


def run(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_configuration_is_good(amtool: str) -> None:
    run(amtool, "check-config", ALERTMANAGER)


def test_the_commented_receivers_are_good(amtool: str, tmp_path: Path) -> None:
    head, receivers = ALERTMANAGER.read_text().split("\nreceivers:\n")
    uncommented, count = re.subn(
        r"^    # (\w+_configs:|  .*)$", r"    \1", receivers, flags=re.MULTILINE
    )
    assert count > 10
    file = tmp_path / "alertmanager.yml"
    file.write_text(f"{head}\nreceivers:\n{uncommented}")
    assert len(yaml.safe_load(file.read_text())["receivers"][1]) == 3
    run(amtool, "check-config", file)


@pytest.mark.parametrize("alert", ALERTS, ids=str)
def test_the_severity_says_who_hears(amtool: str, alert: Any) -> None:
    severity = alert.labels["severity"]
    labels = [f"alertname={alert.name}", f"severity={severity}", "job=quantconnect"]
    receiver = run(amtool, "config", "routes", "test", f"--config.file={ALERTMANAGER}", *labels)
    assert receiver.strip() == RECEIVERS[severity]


def test_what_comes_from_elsewhere_goes_nowhere(amtool: str) -> None:
    labels = ["alertname=InstanceDown", "severity=critical"]
    receiver = run(amtool, "config", "routes", "test", f"--config.file={ALERTMANAGER}", *labels)
    assert receiver.strip() == "nobody"


def test_the_first_route_has_the_pipeline_and_nothing_else() -> None:
    config = yaml.safe_load(ALERTMANAGER.read_text())
    pipeline, others = config["route"]["routes"]
    (matcher,) = pipeline["matchers"]
    pattern = re.search(r'=~ "(.+)"', matcher)
    assert pattern
    for alert in ALERTS:
        in_pipeline = alert.group == "quantconnect-pipeline"
        assert bool(re.fullmatch(pattern[1], alert.name)) == in_pipeline, alert.name
    assert pipeline["group_by"] == ["alertname", "account"]
    assert others["group_by"] == ["alertname", "project_id"]


class Webhook(ThreadingHTTPServer):
    """Keeps what Alertmanager sends: the receiver, and the labels of the alerts of one message."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Receiver)
        self.messages: list[tuple[str, list[Labels]]] = []


class Receiver(BaseHTTPRequestHandler):
    server: Webhook

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        labels = [alert["labels"] for alert in body["alerts"]]
        self.server.messages.append((body["receiver"], labels))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silent."""


def eventually(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, f"in {DEADLINE:.0f} s not so: {what}"
        time.sleep(0.02)


class Alertmanager:
    """A running Alertmanager, spoken to by its API."""

    def __init__(self, url: str, webhook: Webhook) -> None:
        self.url = url
        self.webhook = webhook

    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def post(self, alerts: list[Labels]) -> None:
        body = json.dumps([{"labels": labels} for labels in alerts]).encode()
        request = urllib.request.Request(
            f"{self.url}/api/v2/alerts", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=5):
            pass

    def silenced(self) -> list[str]:
        """Names of the alerts that are inhibited now."""
        with urllib.request.urlopen(f"{self.url}/api/v2/alerts", timeout=5) as answer:
            alerts = json.load(answer)
        return sorted(a["labels"]["alertname"] for a in alerts if a["status"]["inhibitedBy"])

    def tells(self, alerts: list[Labels], expected: list[Message]) -> list[Labels]:
        """Post the alerts; these messages arrive and no others. The alerts that they told of.

        When the expected ones are there, one more alert is posted. What was still waiting in a
        group has been sent by the time that one has waited as long as they did.
        """
        last = {**alert("Last", "info", project_id="last"), "job": "last"}
        self.post(alerts)
        eventually(
            lambda: all(message in self.messages() for message in expected),
            f"{expected} in {self.messages()}",
        )
        self.post([last])
        eventually(lambda: ("journal", {last["alertname"]}) in self.messages(), "the last one")
        told = [m for m in self.messages() if m != ("journal", {last["alertname"]})]
        assert sorted(told, key=str) == sorted(expected, key=str)
        return [a for _, sent in self.webhook.messages for a in sent if a != last]

    def messages(self) -> list[Message]:
        received = list(self.webhook.messages)
        return [(receiver, {a["alertname"] for a in sent}) for receiver, sent in received]


@contextmanager
def served(webhook: Webhook) -> Iterator[str]:
    thread = threading.Thread(target=webhook.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{webhook.server_address[1]}/"
    finally:
        webhook.shutdown()
        thread.join()
        webhook.server_close()


@pytest.fixture
def alertmanager(alertmanager_binary: str, tmp_path: Path) -> Iterator[Alertmanager]:
    webhook = Webhook()
    with served(webhook) as hook:
        text = re.sub(r"group_wait: \w+", "group_wait: 500ms", ALERTMANAGER.read_text())
        text = re.sub(r"group_interval: \w+", "group_interval: 500ms", text)
        config = yaml.safe_load(text)
        for receiver in config["receivers"]:
            receiver["webhook_configs"] = [{"url": hook}]
        file = tmp_path / "alertmanager.yml"
        file.write_text(yaml.safe_dump(config))
        port = free_port()
        log = (tmp_path / "alertmanager.log").open("w")
        process = subprocess.Popen(
            [
                alertmanager_binary,
                f"--config.file={file}",
                f"--storage.path={tmp_path / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--cluster.listen-address=",
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            running = Alertmanager(f"http://127.0.0.1:{port}", webhook)
            eventually(running.ready, "Alertmanager is ready")
            yield running
        finally:
            process.terminate()
            process.wait(timeout=10)
            log.close()


def alert(name: str, severity: str, **labels: str) -> Labels:
    return {
        "alertname": f"QuantConnect{name}",
        "severity": severity,
        "job": "quantconnect",
        **labels,
    }


def project(number: int) -> Labels:
    return {"project_id": str(number), "project": f"Project {number}"}


def stale(number: int, account: str, severity: str) -> list[Labels]:
    of = {**project(number), "account": account}
    return [
        alert("PortfolioReadFailing", "warning", **of),
        alert("PortfolioStale", severity, source="portfolio", **of),
        alert("StatusStale", severity, source="status", **of),
    ]


@pytest.mark.parametrize(
    "cause",
    [
        alert("APIErrorsHigh", "critical", account="main"),
        alert("APIAuthenticationFailing", "critical", account="main"),
    ],
    ids=lambda labels: labels["alertname"],
)
def test_an_outage_is_one_message_not_sixty(alertmanager: Alertmanager, cause: Labels) -> None:
    followers = [
        labels
        for severity in ("warning", "critical")
        for number in range(20)
        for labels in stale(number, "main", severity)
    ]
    elsewhere = stale(99, "other", "critical")
    told = alertmanager.tells(
        [*followers, *elsewhere, cause],
        [
            ("pager", {cause["alertname"]}),
            ("chat", {"QuantConnectPortfolioReadFailing"}),
            ("pager", {"QuantConnectPortfolioStale"}),
            ("pager", {"QuantConnectStatusStale"}),
        ],
    )
    assert {a["project_id"] for a in told if a is not cause and "project_id" in a} == {"99"}


def test_a_warning_of_an_outage_already_silences_what_follows(alertmanager: Alertmanager) -> None:
    cause = alert("APIErrorsHigh", "warning", account="main")
    alertmanager.tells(
        [*stale(1, "main", "critical"), cause], [("chat", {"QuantConnectAPIErrorsHigh"})]
    )


def test_many_projects_of_an_account_are_one_message_for_each_alert(
    alertmanager: Alertmanager,
) -> None:
    alerts = [labels for number in range(20) for labels in stale(number, "main", "warning")]
    told = alertmanager.tells(
        alerts,
        [
            ("chat", {"QuantConnectPortfolioReadFailing"}),
            ("chat", {"QuantConnectPortfolioStale"}),
            ("chat", {"QuantConnectStatusStale"}),
        ],
    )
    assert len(told) == len(alerts)


def test_an_exporter_that_is_down_silences_what_follows(alertmanager: Alertmanager) -> None:
    followers = [
        {"alertname": "QuantConnectExporterAbsent", "severity": "critical"},
        alert("AlgorithmNotRunning", "warning", **project(1)),
        alert("StoppedWithOpenPositions", "critical", **project(1)),
        alert("DrawdownHigh", "critical", **project(1)),
        *stale(1, "main", "critical"),
    ]
    down = alert("ExporterDown", "critical", instance="127.0.0.1:10270", scope="job")
    other_job = {**alert("DrawdownHigh", "critical", **project(2)), "job": "another"}
    told = alertmanager.tells(
        [*followers, other_job, down],
        [("pager", {"QuantConnectDrawdownHigh"}), ("pager", {"QuantConnectExporterDown"})],
    )
    assert other_job in told
    assert alertmanager.silenced() == sorted(labels["alertname"] for labels in followers)


def test_one_shard_that_is_down_silences_no_project(alertmanager: Alertmanager) -> None:
    down = alert("ExporterDown", "critical", instance="127.0.0.1:10270", scope="instance")
    stopped = alert("StoppedWithOpenPositions", "critical", **project(1))
    alertmanager.tells(
        [down, stopped],
        [
            ("pager", {"QuantConnectExporterDown"}),
            ("pager", {"QuantConnectStoppedWithOpenPositions"}),
        ],
    )


def test_the_cause_silences_its_consequence_of_the_same_project(alertmanager: Alertmanager) -> None:
    alerts = [
        alert("AlgorithmRuntimeError", "critical", **project(1)),
        alert("AlgorithmNotRunning", "warning", **project(1)),
        alert("PortfolioFrozen", "warning", account_currency="USD", **project(1)),
        alert("AlgorithmNotRunning", "warning", **project(2)),
        alert("PortfolioFrozen", "warning", account_currency="USD", **project(2)),
        alert("PortfolioFrozen", "warning", account_currency="USD", **project(3)),
    ]
    told = alertmanager.tells(
        alerts,
        [
            ("pager", {"QuantConnectAlgorithmRuntimeError"}),
            ("chat", {"QuantConnectAlgorithmNotRunning"}),
            ("chat", {"QuantConnectPortfolioFrozen"}),
        ],
    )
    assert sorted(a["project_id"] for a in told) == ["1", "2", "3"]
    assert alertmanager.silenced() == [
        "QuantConnectAlgorithmNotRunning",
        "QuantConnectPortfolioFrozen",
        "QuantConnectPortfolioFrozen",
    ]


def test_critical_silences_its_warning_and_not_another_projects(alertmanager: Alertmanager) -> None:
    alerts = [*stale(1, "main", "warning"), *stale(1, "main", "critical")]
    told = alertmanager.tells(
        [*alerts, *stale(2, "main", "warning")],
        [
            ("chat", {"QuantConnectPortfolioReadFailing"}),
            ("chat", {"QuantConnectPortfolioStale"}),
            ("pager", {"QuantConnectPortfolioStale"}),
            ("chat", {"QuantConnectStatusStale"}),
            ("pager", {"QuantConnectStatusStale"}),
        ],
    )
    assert alertmanager.silenced() == ["QuantConnectPortfolioStale", "QuantConnectStatusStale"]
    assert sorted((a["severity"], a["project_id"]) for a in told if "Stale" in a["alertname"]) == [
        ("critical", "1"),
        ("critical", "1"),
        ("warning", "2"),
        ("warning", "2"),
    ]


def test_nothing_but_the_exporter_silences_stopped_with_open_positions(
    alertmanager: Alertmanager,
) -> None:
    """Every other alert fires at once, with all labels that any rule of inhibition looks at."""
    of = {**project(1), "account": "main", "scope": "job", "source": "status"}
    alerts = [
        alert(rule.name.removeprefix("QuantConnect"), rule.labels["severity"], **of)
        for rule in ALERTS
        if rule.name != "QuantConnectExporterDown"
    ]
    silenced = {
        ("QuantConnectAPIErrorsHigh", "warning"),
        ("QuantConnectPortfolioReadFailing", "warning"),
        ("QuantConnectPortfolioStale", "warning"),
        ("QuantConnectPortfolioStale", "critical"),
        ("QuantConnectStatusStale", "warning"),
        ("QuantConnectStatusStale", "critical"),
        ("QuantConnectAlgorithmNotRunning", "warning"),
        ("QuantConnectPortfolioFrozen", "warning"),
    }
    alertmanager.tells(
        alerts,
        [
            (RECEIVERS[a["severity"]], {a["alertname"]})
            for a in alerts
            if (a["alertname"], a["severity"]) not in silenced
        ],
    )
    assert alertmanager.silenced() == sorted(name for name, _ in silenced)
