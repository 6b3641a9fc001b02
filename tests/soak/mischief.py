"""What is done to the exporter: upstream faults, reloads, rotated tokens, good files and bad."""

from __future__ import annotations

import re
from collections import Counter
from itertools import count
from typing import TYPE_CHECKING

import requests

from tests.soak.world import trade
from tests.support import (
    Body,
    Bytes,
    Chunked,
    ClockOffset,
    Cut,
    Delay,
    Drip,
    HangUp,
    Large,
    LongHead,
    Stall,
    Status,
    TruncatedGzip,
    fault_answers,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from random import Random

    from exporter.simulator import Fault
    from tests.soak.process import Exporter
    from tests.support import SimulatorServer

HARMLESS: tuple[Fault, ...] = (
    Delay(0.5),
    Chunked(37),
    ClockOffset(10_800),
    ClockOffset(-10_800),
    fault_answers.byte_order_mark(),
)
HARMFUL: tuple[Fault, ...] = (
    Status(500),
    Status(502),
    Status(503),
    Status(504),
    Status(403),
    Status(204),
    Status(400),
    fault_answers.redirect("http://127.0.0.1:1/elsewhere"),
    fault_answers.unauthorized(),
    fault_answers.unauthorized(challenge=False),
    fault_answers.too_many_requests("2"),
    fault_answers.too_many_requests(),
    fault_answers.too_many_requests("soon"),
    fault_answers.html(),
    fault_answers.empty(),
    fault_answers.deep_json(20_000),
    fault_answers.gzip_bomb(40_000_000),
    fault_answers.not_a_number(),
    fault_answers.invalid_utf8(),
    fault_answers.failure("Something went wrong"),
    fault_answers.failure(message="No"),
    fault_answers.invalid_hash(),
    fault_answers.locked_out(),
    fault_answers.no_portfolio(),
    fault_answers.loading(),
    fault_answers.null_portfolio(),
    TruncatedGzip(),
    Cut(),
    Cut(reset=True),
    HangUp(),
    HangUp(reset=True),
    Stall(sent=None),
    Stall(sent=10),
    Drip(20.0),
    Drip(20.0, head_too=True),
    Large(17_000_000),
    Chunked(37, broken=True),
    Bytes(b"\x15\x03\x01\x00\x02\x02\x28"),
    Bytes(b"HTTP/1.1 banana\r\n\r\n"),
    LongHead(),
    Body(b"[1,2,3]"),
    Body(b'{"success":true,"portfolio":7}'),
)
_ENDPOINTS = (
    *(None, "authenticate", "live/list", "live/portfolio/read", "live/read"),
    *("live/orders/read", "live/trades/read", "projects/nodes/read"),
)

BAD_FILES = (
    "accounts: []\n",
    "scrape_interval: never\n",
    "accounts: [\n",
    "\x00",
    "accounts: [{user_id: 1, api_token_file: missing}]\nunheard_of: 1\n",
)

CONFIGURATION = """\
scrape_interval: {interval}
status_interval: 2s
statistics_interval: {interval}
orders_interval: {interval}
trades_interval: {interval}
nodes_interval: {interval}
account_interval: {interval}
log_queries: {{errors: error}}
request_timeout: 2s
accounts:
"""
ACCOUNT = """\
  - name: {name}
    user_id: 1
    api_token_file: token
    base_url: {base_url}
    requests_per_minute: 720
    discover: {{enabled: {discovers}, include: "Generated.*"}}
    projects:
"""
PROJECT = "      - {{id: {id}, labels: {{desk: {desk}}}}}\n"


class Mischief:
    """Everything that is done to one exporter, in an order that ``random`` decides.

    ``harmless`` is the share of faults that cost no read. ``done`` counts what was done, by kind;
    ``wrong`` is what the exporter should have done otherwise.
    """

    def __init__(
        self,
        server: SimulatorServer,
        directory: Path,
        random: Random,
        *,
        interval: str,
        harmless: float,
    ) -> None:
        self.done: Counter[str] = Counter()
        self.faults: set[str] = set()
        self.wrong: list[str] = []
        self.tokens: list[str] = []
        self.configuration = directory / "quantconnect.yaml"
        self._server = server
        self._token = directory / "token"
        self._random = random
        self._interval = interval
        self._harmless = harmless
        self._numbers = count(1)
        self._ends: list[tuple[float, Callable[[], None]]] = []
        self._now = 0.0
        self.rotate()
        self.configure_usually()

    # --- Files ------------------------------------------------------------------------------------

    def configure_usually(self) -> None:
        """Every project listed in one account: how it is in the beginning and in the end."""
        self._configure({"main": self._server.world.project_ids}, self._interval, "quiet")

    def _configure_somehow(self) -> None:
        ids = self._server.world.project_ids
        kept = [each for each in ids if self._random.random() < 0.9] or ids
        accounts = {"main": kept}
        if self._random.random() < 0.5:
            cut = self._random.randrange(len(kept))
            accounts = {"main": kept[cut:], f"other{self._random.randrange(3)}": kept[:cut]}
            accounts = {name: projects for name, projects in accounts.items() if projects}
        self._configure(
            accounts, self._random.choice(("2s", "3s", "4s")), f"desk{next(self._numbers)}"
        )

    def _configure(self, accounts: dict[str, list[int]], interval: str, desk: str) -> None:
        text = CONFIGURATION.format(interval=interval)
        for name, projects in accounts.items():
            discovers = str(desk != "quiet" and self._random.random() < 0.3).lower()
            base_url = self._server.base_url
            text += ACCOUNT.format(name=name, base_url=base_url, discovers=discovers)
            text += "".join(PROJECT.format(id=each, desk=desk) for each in projects)
        self._write(self.configuration, text)

    def _write(self, path: Path, text: str) -> None:
        """Whole, as a careful deployment does it."""
        beside = path.with_suffix(".new")
        beside.write_text(text)
        beside.replace(path)

    def rotate(self) -> None:
        """Another token, first in the file."""
        token = f"soak-token-{next(self._numbers):06d}"
        self._write(self._token, token + "\n")
        self._server.world.token = token
        self.tokens.append(token)

    def _rotate_late(self) -> None:
        """Another token, first at QuantConnect."""
        token = f"soak-token-{next(self._numbers):06d}"
        self._server.world.token = token
        self.tokens.append(token)
        self._later(self._random.uniform(1, 4), lambda: self._write(self._token, token + "\n"))

    # --- One thing after the other ----------------------------------------------------------------

    def next(self, exporter: Exporter, now: float) -> None:
        """Do something; ``now`` is monotonic."""
        self.tick(now)
        number = self._random.random()
        if number < 0.35:
            self.done[f"position {trade(self._server.world, self._random)}"] += 1
        elif number < 0.70:
            self._fault()
        elif number < 0.90:
            self._reload(exporter)
        elif number < 0.94:
            self._rotate_late() if self._random.random() < 0.3 else self.rotate()
            self.done["token rotated"] += 1
        elif number < 0.96:
            self._hide_token()
        else:
            self._stranger(exporter)

    def tick(self, now: float) -> None:
        """End what has gone on for long enough."""
        self._now = now
        for end, undo in [each for each in self._ends if each[0] <= now]:
            self._ends.remove((end, undo))
            undo()

    def _later(self, seconds: float, undo: Callable[[], None]) -> None:
        self._ends.append((self._now + seconds, undo))

    def _fault(self) -> None:
        fault = self._random.choice(HARMLESS if self._random.random() < self._harmless else HARMFUL)
        endpoint = self._random.choice(_ENDPOINTS)
        project_id = None
        if self._random.random() < 0.5:
            project_id = self._random.choice(self._server.world.project_ids)
        if isinstance(fault, (Large, Body)) or self._random.random() < 0.5:
            times = self._random.randrange(1, 4)
            self._server.faults.add(fault, endpoint=endpoint, project_id=project_id, times=times)
        else:
            handle = self._server.faults.add(fault, endpoint=endpoint, project_id=project_id)
            self._later(self._random.uniform(0.5, 6.0), lambda: self._server.faults.remove(handle))
        self.done["fault upstream"] += 1
        self.faults.add(re.sub(r"\s+", " ", repr(fault))[:60])

    def exhaust(self, seconds: float) -> None:
        """Let it use the most that it ever may: every call at once, every answer too large."""
        portfolios = "live/portfolio/read"  # without an answer to authenticate nothing else is sent
        stall = self._server.faults.add(Stall(sent=None), endpoint=portfolios)
        large = self._server.faults.add(Large(17_000_000), endpoint=portfolios)
        self._later(seconds / 2, lambda: self._server.faults.remove(stall))
        self._later(seconds, lambda: self._server.faults.remove(large))

    def _reload(self, exporter: Exporter) -> None:
        bad = self._random.random() < 0.25
        good = self.configuration.read_text()
        if bad:
            self._write(self.configuration, self._random.choice(BAD_FILES))
        elif self._random.random() < 0.3:
            self.configure_usually()
        else:
            self._configure_somehow()
        if self._random.random() < 0.2 and not bad:
            exporter.hangup()
            self.done["reload by SIGHUP"] += 1
        else:
            answer = requests.post(f"{exporter.url}/-/reload", timeout=20)
            expected = 500 if bad else 200
            # A token file that is hidden at the moment makes a new account's configuration bad.
            if answer.status_code != expected and self._token.exists():
                self.wrong.append(f"reload: {answer.status_code} {answer.text}")
            self.done["reload of a bad file" if bad else "reload by HTTP"] += 1
        if bad:
            self._write(self.configuration, good)

    def _hide_token(self) -> None:
        hidden = self._token.with_name("hidden")
        if self._token.exists():
            self._token.rename(hidden)
            self._later(self._random.uniform(1, 5), lambda: self._show_token(hidden))
            self.done["token file gone for a while"] += 1

    def _show_token(self, hidden: Path) -> None:
        if self._token.exists():  # rotated meanwhile
            hidden.unlink(missing_ok=True)
        elif hidden.exists():  # hidden once only, and not twice
            hidden.rename(self._token)

    def _stranger(self, exporter: Exporter) -> None:
        """Somebody asks the exporter for things that it doesn't have, or in no way it knows."""
        path = self._random.choice(("/nothing", "/projects/0", "/..%2f..%2fetc/passwd", "/%00"))
        answer = requests.get(exporter.url + path, timeout=20)
        if answer.status_code not in (400, 404):
            self.wrong.append(f"{path}: {answer.status_code}")
        self.done["stranger on the port"] += 1

    def stop(self, exporter: Exporter) -> None:
        """No fault any more; all files and the world as they are usually."""
        self._server.faults.clear()
        self._server.authentication.forgive()
        for _, undo in self._ends:
            undo()
        self._ends.clear()
        self.rotate()
        self.configure_usually()
        answer = requests.post(f"{exporter.url}/-/reload", timeout=20)
        if answer.status_code != 200:
            self.wrong.append(f"last reload: {answer.status_code} {answer.text}")
