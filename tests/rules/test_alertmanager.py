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
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from prometheus.stack import free_port

from .ruleset import ALERTMANAGER, ALERTS, ROOT, Rule, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.needs_alertmanager

RECEIVERS = {"critical": "pager", "warning": "chat", "info": "journal"}
ELSEWHERE = {
    "QuantConnectWatchdog": "heartbeat",
    "QuantConnectPositionOpened": "nobody",
    "QuantConnectPositionClosed": "nobody",
}
"""Where alerts go that are not told by their severity."""
DEADLINE = 120.0

Labels = dict[str, str]


def test_the_configuration_is_good(amtool: str) -> None:
    run(amtool, "check-config", ALERTMANAGER)


def test_the_commented_receivers_are_good(amtool: str, tmp_path: Path) -> None:
    head, text = ALERTMANAGER.read_text().split("\nreceivers:\n")
    uncommented, count = re.subn(
        r"^    # (\w+_configs:|  .*)$", r"    \1", text, flags=re.MULTILINE
    )
    assert count > 10
    file = tmp_path / "alertmanager.yml"
    file.write_text(f"{head}\nreceivers:\n{uncommented}")
    receivers = {each["name"]: each for each in yaml.safe_load(file.read_text())["receivers"]}
    assert {name for name, each in receivers.items() if len(each) == 1} == {"nobody"}
    run(amtool, "check-config", file)


@pytest.mark.parametrize("alert", ALERTS, ids=str)
def test_the_severity_says_who_hears(amtool: str, alert: Any) -> None:
    severity = alert.labels["severity"]
    labels = [f"alertname={alert.name}", f"severity={severity}", "job=quantconnect"]
    receiver = run(amtool, "config", "routes", "test", f"--config.file={ALERTMANAGER}", *labels)
    assert receiver.strip() == ELSEWHERE.get(alert.name, RECEIVERS.get(severity))


@pytest.mark.parametrize(
    ("severity", "receiver"),
    [("critical", "futures-pager"), ("warning", "futures-chat"), ("info", "journal")],
)
@pytest.mark.parametrize("name", ["QuantConnectDrawdownHigh", "QuantConnectPortfolioStale"])
def test_a_desk_hears_of_its_own_projects(
    amtool: str, name: str, severity: str, receiver: str
) -> None:
    labels = [f"alertname={name}", f"severity={severity}", "job=quantconnect", "desk=futures"]
    told = run(amtool, "config", "routes", "test", f"--config.file={ALERTMANAGER}", *labels)
    assert told.strip() == receiver


def test_what_comes_from_elsewhere_goes_nowhere(amtool: str) -> None:
    labels = ["alertname=InstanceDown", "severity=critical"]
    receiver = run(amtool, "config", "routes", "test", f"--config.file={ALERTMANAGER}", *labels)
    assert receiver.strip() == "nobody"


def test_a_route_has_the_pipeline_and_the_account_and_nothing_else() -> None:
    config = yaml.safe_load(ALERTMANAGER.read_text())
    *_, pipeline, others = config["route"]["routes"]
    (matcher,) = pipeline["matchers"]
    pattern = re.search(r'=~ "(.+)"', matcher)
    assert pattern
    for alert in ALERTS:
        if alert.name not in ELSEWHERE:
            belongs = alert.group in {"quantconnect-pipeline", "quantconnect-account"}
            assert bool(re.fullmatch(pattern[1], alert.name)) == belongs, alert.name
    assert pipeline["group_by"] == ["alertname", "account"]
    assert others["group_by"] == ["alertname", "project_id"]


def matches(matchers: list[str], alert: Rule) -> bool:
    """Whether an alert may match: labels that only its series have are not looked at."""
    labels = {**alert.labels, "alertname": alert.name}
    for matcher in matchers:
        parts = re.fullmatch(r'(\w+) (=|=~|!~) "(.+)"', matcher)
        assert parts
        name, operator, value = parts.groups()
        if name in labels:
            found = re.fullmatch(value, labels[name]) is not None
            if found == (operator == "!~"):
                return False
    return True


def test_an_alert_silences_only_what_is_not_more_severe() -> None:
    rank = ("none", "info", "warning", "critical")
    for rule in yaml.safe_load(ALERTMANAGER.read_text())["inhibit_rules"]:
        sources = [a for a in ALERTS if matches(rule["source_matchers"], a)]
        targets = [a for a in ALERTS if matches(rule["target_matchers"], a)]
        if "source" in str(rule["source_matchers"]) or "endpoint" in str(rule["source_matchers"]):
            assert len({a.name for a in sources}) == 1
        assert sources
        assert targets
        least = min(rank.index(source.labels["severity"]) for source in sources)
        assert all(rank.index(target.labels["severity"]) <= least for target in targets), rule


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
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=60) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def post(self, alerts: list[Labels]) -> None:
        body = json.dumps([{"labels": labels} for labels in alerts]).encode()
        request = urllib.request.Request(
            f"{self.url}/api/v2/alerts", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60):
            pass

    def tells(self, alerts: list[Labels], *, told: int) -> list[tuple[str, list[Labels]]]:
        """Post the alerts, of which so many are told; the messages, as receiver and alerts.

        When that many are there, one more alert is posted. What was still waiting in a group has
        been sent by the time that one has waited as long as they did.
        """
        last = {**alert("Last", "info", project_id="last"), "job": "last"}
        self.post(alerts)
        eventually(
            lambda: sum(len(sent) for _, sent in list(self.webhook.messages)) >= told,
            f"{told} alerts are told",
        )
        self.post([last])
        eventually(
            lambda: any(last in sent for _, sent in list(self.webhook.messages)), "the last one"
        )
        return [(receiver, sent) for receiver, sent in self.webhook.messages if last not in sent]


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
        text = text.replace("repeat_interval: 2m", "repeat_interval: 600ms")
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
            process.wait(timeout=60)
            log.close()


def alert(name: str, severity: str, **labels: str) -> Labels:
    return {
        "alertname": f"QuantConnect{name}",
        "severity": severity,
        "job": "quantconnect",
        **labels,
    }


def stale(severity: str) -> tuple[Labels, ...]:
    """What is said of the reads of one project."""
    return (
        alert("PortfolioReadFailing", "warning", project_id="1"),
        alert("PortfolioStale", severity, source="portfolio", project_id="1"),
        alert("StatusStale", severity, source="status", project_id="1"),
    )


@dataclass(frozen=True)
class Row:
    """A line of the table in docs/alerts.md: what fires, and which of it is silenced."""

    fires: str
    alerts: tuple[Labels, ...]
    silenced: tuple[Labels, ...]

    @property
    def line(self) -> str:
        told = "; ".join(
            f"{RECEIVERS[a['severity']]}: {a['alertname'].removeprefix('QuantConnect')}"
            for a in self.alerts
            if a not in self.silenced
        )
        names = dict.fromkeys(
            f"{a['alertname'].removeprefix('QuantConnect')} ({a['severity']})"
            for a in self.silenced
        )
        return f"| {self.fires} | {', '.join(names) or 'nothing'} | {told} |"


PORTFOLIO = [
    alert("PortfolioReadFailing", "warning", project_id="1"),
    alert("PortfolioStale", "warning", source="portfolio", project_id="1"),
    alert("PortfolioStale", "critical", source="portfolio", project_id="1"),
]
STATUS = [
    alert("StatusStale", "warning", source="status", project_id="1"),
    alert("StatusStale", "critical", source="status", project_id="1"),
]
UNREAD = [
    alert("AccountUnread", "critical", source="portfolio"),
    alert("AccountUnread", "critical", source="status"),
]
STOPPED = alert("StoppedWithOpenPositions", "critical", project_id="1")
DIED = alert("AlgorithmRuntimeError", "critical", project_id="1")
NOT_RUNNING = alert("AlgorithmNotRunning", "warning", project_id="1")
FROZEN = alert("PortfolioFrozen", "warning", project_id="1", account_currency="USD")
TOKEN = alert("APIAuthenticationFailing", "critical")
OUTAGE = alert("APIErrorsHigh", "critical")
NO_PORTFOLIOS = alert("APIErrorsHigh", "warning", endpoint="live/portfolio/read")
NO_LIST = alert("APIErrorsHigh", "warning", endpoint="live/list")
NO_STATISTICS = alert("APIErrorsHigh", "warning", endpoint="live/read")


def row(fires: str, alerts: list[Labels], silenced: list[Labels]) -> Row:
    return Row(fires, tuple(alerts), tuple(silenced))


ROWS = (
    row(
        "the token of an account is rejected",
        [TOKEN, *UNREAD, *PORTFOLIO, *STATUS],
        [*UNREAD, *PORTFOLIO, *STATUS],
    ),
    row(
        "all calls of an account fail",
        [OUTAGE, NO_PORTFOLIOS, NO_LIST, *UNREAD, *PORTFOLIO, *STATUS],
        [NO_PORTFOLIOS, NO_LIST, *UNREAD, *PORTFOLIO, *STATUS],
    ),
    row(
        "no portfolio of an account is read",
        [UNREAD[0], NO_PORTFOLIOS, *PORTFOLIO, STATUS[1]],
        PORTFOLIO,
    ),
    row(
        "neither status nor equity of an account is read",
        [UNREAD[1], NO_LIST, *STATUS, PORTFOLIO[2]],
        STATUS,
    ),
    row(
        "calls for portfolios fail, and one portfolio is outdated enough to page",
        [NO_PORTFOLIOS, *PORTFOLIO, STATUS[0]],
        PORTFOLIO[:2],
    ),
    row(
        "calls to live/list fail, and the status of one project is outdated enough to page",
        [NO_LIST, *STATUS, PORTFOLIO[0]],
        STATUS[:1],
    ),
    row(
        "calls for statistics fail",
        [NO_STATISTICS, PORTFOLIO[0], STATUS[0]],
        [],
    ),
    row(
        "an algorithm crashes with open positions, and its portfolio is no longer read",
        [STOPPED, DIED, NOT_RUNNING, *PORTFOLIO, *STATUS[1:]],
        [DIED, NOT_RUNNING, *PORTFOLIO],
    ),
    row(
        "an algorithm crashes without positions",
        [DIED, NOT_RUNNING, FROZEN],
        [NOT_RUNNING, FROZEN],
    ),
    row("an algorithm is stopped", [NOT_RUNNING, FROZEN], [FROZEN]),
    row("the portfolio of one project becomes outdated", PORTFOLIO, PORTFOLIO[1:2]),
    row(
        "an algorithm sends orders in a loop, and they are rejected",
        [
            alert("OrderRateHigh", "critical", account="main", project_id="1"),
            alert("OrderRejected", "warning", account="main", project_id="1", status="invalid"),
        ],
        [],
    ),
    row(
        "log lines match a critical query and another one",
        [
            alert("LogQueryMatched", "critical", account="main", project_id="1", query="margin"),
            alert("LogQueryMatched", "warning", account="main", project_id="1", query="errors"),
        ],
        [],
    ),
    row(
        "an algorithm is stopped, and no node is free to start it again",
        [NOT_RUNNING, alert("NoFreeLiveNode", "info", account="main")],
        [],
    ),
)
DOWN = alert("ExporterDown", "critical", instance="127.0.0.1:10270", scope="job")
ABSENT = {"alertname": "QuantConnectExporterAbsent", "severity": "critical"}
OF_THE_JOB = [*UNREAD, STOPPED, *PORTFOLIO, alert("DrawdownHigh", "critical", project_id="1")]
EXPORTER = (
    row(
        "no exporter of a job answers",
        [DOWN, ABSENT, *OF_THE_JOB],
        [ABSENT, *OF_THE_JOB],
    ),
    row(
        "one of several exporters does not answer",
        [{**DOWN, "scope": "instance"}, STOPPED, STATUS[1]],
        [],
    ),
)


def placed(labels: Labels, place: str) -> Labels:
    """An alert of an account, and of a project, that no other row has."""
    of = {"account": place, "project_id": place}
    ours = {**labels, **{name: of[name] for name in of if name in labels}}
    return ours | ({"account": place} if "instance" not in labels and "job" in labels else {})


@pytest.mark.parametrize("rows", [ROWS, EXPORTER[:1], EXPORTER[1:]], ids=["rows", "job", "shard"])
def test_who_is_told_of_what(alertmanager: Alertmanager, rows: tuple[Row, ...]) -> None:
    """Each alert that nothing silences is told once, to whom its severity says, and no other."""
    expected = sorted(
        (RECEIVERS[labels["severity"]], sorted(placed(labels, f"row {number}").items()))
        for number, each in enumerate(rows)
        for labels in each.alerts
        if labels not in each.silenced
    )
    posted = [
        placed(labels, f"row {number}")
        for number, each in enumerate(rows)
        for labels in each.alerts
    ]
    told = alertmanager.tells(posted, told=len(expected))
    assert (
        sorted((who, sorted(labels.items())) for who, sent in told for labels in sent) == expected
    )
    # One message for each, but for the endpoints or sources of an account, which belong together.
    together = [{(a["alertname"], a.get("account")) for a in sent} for _, sent in told]
    assert all(len(names) == 1 for names in together)


@pytest.mark.parametrize("each", [*ROWS, *EXPORTER], ids=lambda each: each.fires)
def test_the_table_says_it(each: Row) -> None:
    assert each.line in (ROOT / "docs" / "alerts.md").read_text()


def test_many_projects_of_an_account_are_one_message_for_each_alert(
    alertmanager: Alertmanager,
) -> None:
    alerts = [
        {**labels, "project_id": str(number), "account": "main"}
        for number in range(20)
        for labels in stale("warning")
    ]
    told = alertmanager.tells(alerts, told=60)
    assert [(who, len(sent)) for who, sent in told] == [("chat", 20)] * 3


def test_two_desks_hear_of_their_own_and_of_nothing_else(alertmanager: Alertmanager) -> None:
    """The futures desk has receivers of its own; equities are everybody's."""
    alerts = [
        alert(name, severity, account="main", project_id=number, desk=desk)
        for number, desk in (("1", "futures"), ("2", "equities"))
        for name, severity in (
            ("DrawdownHigh", "critical"),
            ("PortfolioReadFailing", "warning"),
            ("AlgorithmRedeployed", "info"),
        )
    ]
    everybody = alert("AccountUnread", "critical", account="other")
    told = alertmanager.tells([*alerts, everybody], told=7)
    assert sorted(
        (who, a["alertname"].removeprefix("QuantConnect"), a.get("desk")) for who, (a,) in told
    ) == [
        ("chat", "PortfolioReadFailing", "equities"),
        ("futures-chat", "PortfolioReadFailing", "futures"),
        ("futures-pager", "DrawdownHigh", "futures"),
        ("journal", "AlgorithmRedeployed", "equities"),
        ("journal", "AlgorithmRedeployed", "futures"),
        ("pager", "AccountUnread", None),
        ("pager", "DrawdownHigh", "equities"),
    ]


def test_nothing_but_the_exporter_silences_stopped_with_open_positions() -> None:
    for rule in yaml.safe_load(ALERTMANAGER.read_text())["inhibit_rules"]:
        (stopped,) = (a for a in ALERTS if a.name == STOPPED["alertname"])
        sources = {a.name for a in ALERTS if matches(rule["source_matchers"], a)}
        if matches(rule["target_matchers"], stopped):
            assert sources == {"QuantConnectExporterDown"}, rule


def test_the_watchdog_is_sent_again_and_again(alertmanager: Alertmanager) -> None:
    watchdog = {"alertname": "QuantConnectWatchdog", "severity": "none"}
    alertmanager.post([watchdog, DOWN])
    eventually(
        lambda: [who for who, sent in alertmanager.webhook.messages].count("heartbeat") > 2,
        "the heartbeat beats",
    )
