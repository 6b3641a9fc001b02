"""An exporter in this process, a QuantConnect to torment it with, and everything that it says.

Whatever is done, somebody scrapes it over HTTP, each 100 ms or as fast as it answers, and every
scrape must be answered and show nothing but whole portfolios; and whatever the exporter says, on a
page, in a log, in a metric, no token and no signature may be in it. Both are checked when a scene
ends.
"""

from __future__ import annotations

import atexit
import base64
import json
import logging
import shutil
import ssl
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from unittest import mock

import requests
from prometheus_client import Gauge, generate_latest

from exporter import log
from exporter.cli.reload import Reloader
from exporter.clock import Clock
from exporter.exposition import samples
from exporter.simulator.authentication import Authentication
from exporter.web.app import Application, Site
from exporter.web.listen import bind, parse_address
from exporter.web.server import Server
from tests.faults import told
from tests.poller.given import config_of, eventually
from tests.poller.live import Live, quick
from tests.soak.scraper import inconsistencies
from tests.support import SimulatorServer, given_world
from tests.web_config.pki import PKI

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from exporter.simulator import Fault
    from exporter.simulator.exchange import Exchange
    from exporter.store import Published

TOKEN = "Marked4f0c9a7e21b85d36Marked4f0c9a7e21b85d36Marked4f0c9a7e21b85d"
"""As long as QuantConnect's, and nowhere else."""

VICTIM, BYSTANDER = 1, 2
PORTFOLIO = "live/portfolio/read"
STALE_AFTER = 900.0
_SILENCE = 0.25
_PROMPT = 15.0
"""Seconds within which the poller stops, however slow the machine is: calls may last longer."""
SCRAPE_EVERY = 0.1
_PAGES = ("/", "/config", f"/projects/{VICTIM}", f"/projects/{BYSTANDER}", "/-/ready", "/-/healthy")
_GAUGES = (
    "quantconnect_api_authenticated",
    "quantconnect_api_clock_skew_seconds",
    "quantconnect_exporter_config_last_reload_successful",
)
_ALARMS = ("quantconnect_read_success{", *_GAUGES)
_PORTFOLIO_FAMILIES = ("quantconnect_holding", "quantconnect_cash")


def answer(version: int) -> dict[str, Any]:
    """The victim's portfolio: three positions and two currencies, every number of this version."""
    keys = ("SPY R735QTJ8XC9X", "AAPL R735QTJ8XC9X", "IBM R735QTJ8XC9X")
    holdings = {
        key: {"a": 10.5 * version, "q": number * version, "p": 11 * version, "v": 55, "u": version}
        for number, key in enumerate(keys, 1)
    }
    cash = {
        currency: {
            "securitySymbols": [] if rate == 1 else [{"value": f"{currency}USD"}],
            "symbol": currency,
            "amount": 1000.5 * version,
            "conversionRate": rate,
            "currencySymbol": "$",
            "valueInAccountCurrency": 1000.5 * version * rate,
        }
        for currency, rate in (("USD", 1), ("EUR", 1.25))
    }
    return {"portfolio": {"holdings": holdings, "cash": cash}, "success": True}


class Counted:
    """A fault that knows how often it befell somebody."""

    def __init__(self, fault: Fault) -> None:
        self.times = 0
        self._fault = fault

    def act(self, exchange: Exchange) -> None:
        """Once more."""
        self.times += 1
        self._fault.act(exchange)


class Listening(Authentication):
    """Remembers every signature that was sent."""

    def __init__(self) -> None:
        super().__init__(lockout_after=10, lockout_seconds=900.0)
        self.credentials: set[str] = set()
        self.last = ""

    def refusal(self, headers: Mapping[str, str], address: str, **known: Any) -> Any:
        self.last = headers.get("Authorization", "")
        self.credentials.add(self.last)
        return super().refusal(headers, address, **known)


class Log(logging.Handler):
    """Everything that is logged, at any level, and as both formats write it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []
        self.texts = dict.fromkeys(log.FORMATS, "")
        self._formats: dict[str, Callable[[logging.LogRecord], str]] = {}
        root, package = logging.getLogger(), logging.getLogger("exporter")
        handlers, level, package_level = root.handlers[:], root.level, package.level
        for name in log.FORMATS:
            root.handlers[:] = []
            log.configure(level="debug", format=name)
            self._formats[name] = root.handlers[0].format
            root.handlers[0].close()
        root.handlers[:] = handlers
        root.setLevel(level)
        package.setLevel(package_level)

    def emit(self, record: logging.LogRecord) -> None:
        """Note a record."""
        self.records.append(record)
        for name, line in self._formats.items():
            self.texts[name] += line(record) + "\n"

    def said(self, message: str = "", **fields: object) -> list[dict[str, Any]]:
        """The fields of what was logged in words that begin so, and with these fields."""
        found = []
        for record in list(self.records):
            these = {"msg": record.getMessage(), **getattr(record, "fields", {})}
            if these["msg"].startswith(message) and fields.items() <= these.items():
                found.append(these)
        return found


class Scene:
    """Two projects, the victim and a bystander, read each 100 ms by a poller with its threads."""

    def __init__(
        self,
        directory: Path,
        *,
        seconds: float = 20.0,
        named: bool = True,
        started: bool = True,
        token_in_file: bool = False,
        requests_per_minute: float = 60_000.0,
        certificate: str = "",
        scheme: str = "http",
        project_name: str = "P1",
        stale_after: float = STALE_AFTER,
        orders_interval: float = 0.0,
        accounts: tuple[str, ...] = (),
    ) -> None:
        self.directory = directory
        self.world = given_world(
            {VICTIM: answer(1), BYSTANDER: answer(1)}, names={VICTIM: project_name, BYSTANDER: "P2"}
        )
        self.world.token = TOKEN
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if certificate else None
        if certificate:
            self.certify(certificate)
        self.server = SimulatorServer(self.world, ssl_context=self._tls)
        self.authentication = self.server.authentication = Listening()
        self.ahead = 0.0
        """By how many seconds the exporter's monotonic clock is ahead."""
        self.wrong_by = 0.0
        """By how many seconds its other clock is."""
        self.log = Log()
        self.wrong: list[str] = []
        self.seen: list[tuple[str, ...]] = []
        """The victim's portfolio in the scrapes since the beginning, wherever it was another."""
        self._alarms: set[tuple[str, tuple[tuple[str, str], ...], float]] = set()
        self._before = ""
        self._logged_before = 0
        self.token_file = directory / "token"
        self.token_file.write_text(TOKEN)
        names: dict[str, Any] = {"named": named, "token_in_file": token_in_file, "hosts": accounts}
        self._config = quick(
            config_of(
                directory,
                self._yaml(self.server.base_url.replace("http:", f"{scheme}:"), **names),
            ),
            interval=SCRAPE_EVERY,
            status_interval=SCRAPE_EVERY,
            request_timeout=seconds,
            requests_per_minute=requests_per_minute,
        )
        self._config = replace(
            self._config, stale_after=stale_after, orders_interval=orders_interval
        )
        self._starts = started
        self._elsewhere: SimulatorServer | None = None
        self._said: list[str] = []
        self._stopping = threading.Event()
        self._scraping = threading.Thread(target=self._scrape_on, name="scraper")
        clock = Clock(
            monotonic=lambda: time.monotonic() + self.ahead,
            now=lambda: time.time() + self.wrong_by,
        )
        self.exporter = Live(self._config, clock=clock)
        self.lasting = ExitStack()
        """What is changed for as long as the scene lasts."""
        self._session = _session()
        self._site = self._served(clock)
        self._serving = threading.Thread(target=self._site.run_in_thread, name="site")

    def _served(self, clock: Clock) -> Server:
        """The exporter's own HTTP server."""
        live = self.exporter
        reloader = Reloader(
            self._config,
            load=lambda: self._config,
            poller=live.poller,
            telemetry=live.telemetry,
            clock=clock,
        )
        site = Site(live.store, live.telemetry, live.poller, reloader, clock, "1", "/metrics")
        listening = bind(parse_address("127.0.0.1:0"))
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        return Server(Application(site, max_requests=0), [listening])

    def _yaml(
        self, base_url: str, *, named: bool, token_in_file: bool, hosts: tuple[str, ...]
    ) -> str:
        """One account; or, where there are ``hosts``, one for each project, at that host."""
        token = "api_token_file: token" if token_in_file else f"api_token: {TOKEN}"
        projects = [
            f"{{id: {each}{f', name: P{each}' if named else ''}}}" for each in (VICTIM, BYSTANDER)
        ]
        listed = {"main": (base_url, ", ".join(projects))}
        for host, project in zip(hosts, projects, strict=False):
            listed[host.partition(".")[0]] = (base_url.replace("127.0.0.1", host), project)
        if hosts:
            del listed["main"]
        return "accounts:\n" + "".join(
            f"- {{name: {name}, user_id: 1, {token}, base_url: '{url}', projects: [{those}]}}\n"
            for name, (url, those) in listed.items()
        )

    # --- Beginning and end ------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self.server.start()
        logger = logging.getLogger("exporter")
        self._level = logger.level
        logger.setLevel(logging.DEBUG)
        logger.addHandler(self.log)
        logging.getLogger("urllib3").addHandler(self.log)
        self._put = mock.patch.object(
            self.exporter.store, "put", side_effect=partial(self._note, self.exporter.store.put)
        )
        self._put.start()
        # autospec has the gauge itself handed on as well.
        self._set = mock.patch.object(
            Gauge, "set", autospec=True, side_effect=partial(self._note_set, Gauge.set)
        )
        self._set.start()
        self._serving.start()
        if self._starts:
            self.start()
            eventually(self.exporter.poller.complete)
            self.eventually_reads(VICTIM, BYSTANDER)
            eventually(lambda: all(map(self._is_described, (VICTIM, BYSTANDER))))
        self._before = self.scrape()
        self.seen = self.seen[-1:]
        self._alarms.clear()
        self._logged_before = len(self.log.records)
        self._scraping.start()
        return self

    def start(self) -> None:
        """Begin to read."""
        self.exporter.poller.start()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._said += [self.page(path) for path in _PAGES]
        finally:
            self._stopping.set()
            self._scraping.join()
            self._session.close()
            self._site.stop()
            stopped = self.exporter.stops()
            self._serving.join()
            self.lasting.close()
            self._put.stop()
            self._set.stop()
            self.server.close()
            asked = 0
            if self._elsewhere is not None:
                asked = len(self._elsewhere.requests)
                self._elsewhere.close()
            logger = logging.getLogger("exporter")
            logger.removeHandler(self.log)
            logger.setLevel(self._level)
            logging.getLogger("urllib3").removeHandler(self.log)
        if kind is None:
            assert not self.wrong, self.wrong[:3]
            assert stopped < _PROMPT
            assert not asked
            assert_narrow_lists(self.server)
            self._keeps_secrets()

    def comes_to(self, row: told.Told, *, ends_well: bool = True) -> None:
        """What was logged, counted and shown is what the row says, all of it and nothing else.

        Before that everything must be read well again, if it ``ends_well``.
        """
        if ends_well:
            reads = {f'source="{source}"' for source in ("portfolio", "status", "statistics")}
            eventually(
                lambda: all(
                    any(each in line and line.endswith(" 1.0") for line in self._reads(project_id))
                    for project_id in (VICTIM, BYSTANDER)
                    for each in reads
                )
            )
            eventually(self.healthy)

        def differs() -> list[str]:
            after = self.scrape()
            records = self.log.records[self._logged_before :]
            logged = [
                told.line(each.getMessage(), getattr(each, "fields", {}))
                for each in records
                if each.name.startswith("exporter") and each.levelno > logging.DEBUG
            ]
            alarms = [
                told.Series(name, dict(of), value)
                for name, of, value in list(self._alarms)
                # Before the first answer nobody has been accepted, which is no alarm.
                if self._starts or name != told.REJECTED.name
            ]
            return (
                told.of_log(logged, row.logged)
                + told.of_series(told.moved(self._before, after) + alarms, row.counted)
                + self._published_otherwise(row.published)
            )

        deadline = time.monotonic() + 120
        while wrong := differs():
            assert time.monotonic() < deadline, "\n".join(wrong)
            time.sleep(0.02)

    def _published_otherwise(self, published: told.Published | None) -> list[str]:
        missing = () in self.seen
        match published:
            case told.Published.ALL | told.Published.BEFORE if missing:
                return ["the portfolio was missing from a scrape"]
            case told.Published.ALL if any(
                name == told.READ_SUCCESS for name, _, _ in self._alarms
            ):
                return ["a read failed"]
            case told.Published.UNTIL_OLD if not missing or not self.seen[0]:
                return ["the portfolio was never missing, or from the beginning"]
            case told.Published.NOTHING_YET if self.seen[0]:
                return ["there was a portfolio at once"]
        return []

    def _reads(self, project_id: int) -> list[str]:
        text = samples(self.exporter.store.snapshots_of(project_id))
        return [line for line in text.splitlines() if line.startswith(told.READ_SUCCESS)]

    def _is_described(self, project_id: int) -> bool:
        """The listing of the account's projects has come."""
        numbers = self.exporter.numbers(project_id)
        return any(line.startswith("quantconnect_project_auto_restart{") for line in numbers)

    def _keeps_secrets(self) -> None:
        """Neither the token nor anything that was signed with it is in anything that came out."""
        said = [
            *self._said,
            *self.log.texts.values(),
            repr(self._config),
        ]
        assert self.authentication.credentials or not self.server.requests
        assert_no_secret(self.authentication, said)

    def _note(self, put: Callable[[Published], None], published: Published) -> None:
        """Whatever is published is noted, however shortly it stands."""
        text = samples(part.snapshot for part in published.parts[:1])
        for line in text.splitlines():
            if line.startswith(told.READ_SUCCESS) and line.endswith(" 0.0"):
                self._notice(line + "\n")
        put(published)

    def _note_set(self, put: Callable[[Gauge, float], None], gauge: Gauge, value: float) -> None:
        """So is what a gauge shows, though it may be well again before it is scraped."""
        put(gauge, value)
        registry = self.exporter.telemetry.registry
        self._notice(generate_latest(registry.restricted_registry(_GAUGES)).decode())

    def _notice(self, exposition: str) -> None:
        for alarm in told.alarms(exposition):
            assert alarm.value is not None
            self._alarms.add((alarm.name, tuple(sorted(alarm.labels.items())), alarm.value))

    def page(self, path: str) -> str:
        """What the exporter answers under a path, with its headers."""
        answer = self._session.get(self.url + path, timeout=120)
        return f"{answer.status_code} {answer.headers}\n{answer.text}"

    def healthy(self) -> bool:
        """What /-/healthy says."""
        return self.page("/-/healthy").startswith("200 ")

    def ready(self) -> bool:
        """What /-/ready says."""
        return self.page("/-/ready").startswith("200 ")

    def scrape(self, session: requests.Session | None = None) -> str:
        """What /metrics answers, which must be whole; noted."""
        answer = (session or self._session).get(f"{self.url}/metrics", timeout=120)
        assert answer.status_code == 200
        text = answer.text
        self._said.append(f"{answer.headers}\n{text}")
        del self._said[:-20]
        portfolio = tuple(_of(text.splitlines(), VICTIM))
        if not self.seen or self.seen[-1] != portfolio:
            self.seen.append(portfolio)
        self._notice("".join(line + "\n" for line in text.splitlines() if line.startswith(_ALARMS)))
        return text

    def _scrape_on(self) -> None:
        with _session() as session:
            while not self._stopping.wait(SCRAPE_EVERY):
                try:
                    text = self.scrape(session)
                    self.wrong += inconsistencies(text, is_openmetrics=False).wrong
                except (requests.RequestException, AssertionError, ValueError) as error:
                    self.wrong.append(f"a scrape failed: {type(error).__name__}: {error}")

    # --- What is done -----------------------------------------------------------------------------

    def elsewhere(self) -> str:
        """The base URL of a server that must never be asked."""
        if self._elsewhere is None:
            self._elsewhere = SimulatorServer(self.world)
            self._elsewhere.start()
        return self._elsewhere.base_url

    def certify(self, name: str) -> None:
        """QuantConnect shows that certificate from now on."""
        assert self._tls is not None
        self._tls.load_cert_chain(pki() / f"{name}.pem", pki() / f"{name}.key")

    def change(self, version: int = 2) -> None:
        """The victim's positions and cash are others from now on."""
        self.world.project(VICTIM).answer = json.dumps(answer(version)).encode()

    @contextmanager
    def befallen(
        self,
        fault: Fault,
        endpoint: str | None = PORTFOLIO,
        project_id: int | None = VICTIM,
        times: int | None = None,
    ) -> Iterator[Counted]:
        """A fault while the block runs."""
        counted = Counted(fault)
        handle = self.server.faults.add(
            counted, endpoint=endpoint, project_id=project_id, times=times
        )
        try:
            yield counted
        finally:
            self.server.faults.remove(handle)

    def passes(self, seconds: float) -> None:
        """So much time passes for the exporter, by the clock that only goes forward."""
        self.ahead += seconds

    def restart(self) -> None:
        """Another QuantConnect at the same address, where the last one was closed."""
        port = self.server.port
        self.server = SimulatorServer(self.world, port=port)
        self.server.authentication = self.authentication
        self.server.start()

    # --- What follows -----------------------------------------------------------------------------

    def portfolio(self, project_id: int = VICTIM) -> list[str]:
        """The sample lines of a project's portfolio, as they are scraped."""
        return _of(self.scrape().splitlines(), project_id)

    def versions(self) -> list[int | None]:
        """Which versions of the victim's portfolio were scraped, one after the other.

        None for none; a portfolio that is not of one version is an error.
        """
        return [told.version_of(each) for each in self.seen]

    def success(self, project_id: int = VICTIM, source: str = "portfolio") -> float | None:
        """quantconnect_read_success."""
        return self.exporter.success(project_id, source)

    def eventually_reads(self, *ids: int) -> None:
        """Until the last read of each of these was a good one."""
        eventually(lambda: all(self.success(each) == 1 for each in ids), timeout=120)

    def eventually_fails(self, project_id: int = VICTIM, source: str = "portfolio") -> None:
        """Until a read has failed."""
        eventually(lambda: self.success(project_id, source) == 0, timeout=120)

    def eventually_has(self, version: int, project_id: int = VICTIM) -> None:
        """Until the portfolio of that version is what is published."""
        labels = f'currency="USD",project="P{project_id}",project_id="{project_id}"'
        amount = f"{labels}}} {1000.5 * version!r}"
        store = self.exporter.store
        eventually(
            lambda: any(
                line.startswith("quantconnect_cash_amount{") and line.endswith(amount)
                for line in samples(store.snapshots_of(project_id)).splitlines()
            )
        )

    def failures(self) -> dict[tuple[str, str], int]:
        """How many calls failed, by endpoint and reason."""
        return self._counts("quantconnect_api_request_failures_total", "endpoint", "reason")

    def problems(self) -> dict[str, int]:
        """How many fields were left out, by field."""
        counts = self._counts("quantconnect_api_parse_problems_total", "endpoint", "field")
        return {field: count for (_, field), count in counts.items()}

    def _counts(self, name: str, *labels: str) -> dict[tuple[str, str], int]:
        counts: Counter[tuple[str, str]] = Counter()
        for metric in self.exporter.telemetry.registry.collect():
            for sample in metric.samples:
                if sample.name == name and sample.value:
                    first, second = (sample.labels[label] for label in labels)
                    counts[first, second] += int(sample.value)
        return dict(counts)

    def eventually_counts(self, counted: Callable[[], dict[tuple[str, str], int]]) -> None:
        """Until exactly these failures are counted, and no others."""
        eventually(lambda: self.failures() == counted(), timeout=120)

    def calls(self, endpoint: str = PORTFOLIO, project_id: int | None = VICTIM) -> int:
        """How often an endpoint was asked."""
        return len(self.server.requests.of(endpoint, project_id))

    def eventually_asks(self, more: int = 1, endpoint: str = PORTFOLIO, **of: Any) -> None:
        """Until an endpoint was asked so many times more."""
        before = self.calls(endpoint, **of)
        eventually(lambda: self.calls(endpoint, **of) >= before + more, timeout=120)

    def reload(self) -> None:
        """The configuration is read again, and is what it was."""
        assert requests.post(f"{self.url}/-/reload", timeout=120).status_code == 200

    def falls_silent(self) -> None:
        """Until nothing has been asked for a quarter of a second: five times the interval."""
        deadline = time.monotonic() + 120
        before, since = len(self.server.requests), time.monotonic()
        while time.monotonic() - since < _SILENCE:
            assert time.monotonic() < deadline, "it asks on and on"
            time.sleep(0.02)
            if len(self.server.requests) != before:
                before, since = len(self.server.requests), time.monotonic()

    def own(self, line: str) -> float | None:
        """A sample of the exporter's own, by its name without prefix, and its labels."""
        return self.exporter.own(line)


@cache
def pki() -> Path:
    """A directory with ``ca.pem`` and certificates: good, expired, elsewhere, own."""
    directory = Path(tempfile.mkdtemp(prefix="pki-"))
    atexit.register(shutil.rmtree, directory)
    made = PKI(directory)
    made.self_signed("ca", subject="test CA")
    made.self_signed("own", subject="127.0.0.1")
    made.issue("good", san="IP:127.0.0.1")
    made.issue("expired", san="IP:127.0.0.1", days=-1)
    made.issue("elsewhere", san="DNS:elsewhere.example")
    return directory


def assert_narrow_lists(server: SimulatorServer) -> None:
    """live/list was never asked for every deployment there ever was, which takes QuantConnect
    longer than a call may."""
    for request in server.requests.of("live/list"):
        assert request.status is not None or request.project_id is not None


def assert_no_secret(authentication: Listening, said: Iterable[str]) -> None:
    """Neither the token nor anything that was signed with it is in any of these texts."""
    secrets = {TOKEN, TOKEN[:16]}.union(*map(signatures, set(authentication.credentials)))
    for text in said:
        for secret in secrets:
            assert secret not in text, f"a secret is in {text[:2000]}"


def signatures(authorization: str) -> set[str]:
    """An Authorization header's parts that are worth something: whole, and the hash alone."""
    encoded = authorization.removeprefix("Basic ")
    digest = base64.b64decode(encoded).decode().partition(":")[2]
    return {encoded, digest} if len(digest) == 64 else set()


def _session() -> requests.Session:
    """For the exporter's pages; it looks for no proxy at each call."""
    session = requests.Session()
    session.trust_env = False
    return session


def _of(lines: list[str], project_id: int) -> list[str]:
    """What of an exposition is a project's portfolio."""
    label = f'project_id="{project_id}"'
    return [line for line in lines if line.startswith(_PORTFOLIO_FAMILIES) and label in line]
