"""What is fuzzed: each target takes bytes and must come to an end without an exception.

The errors that a parser declares are its answers; any other exception is a find.
"""

from __future__ import annotations

import io
import json
import logging
import tempfile
from datetime import UTC, datetime
from hashlib import sha256
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as openmetrics_families,
)
from prometheus_client.parser import text_string_to_metric_families as text_families
from requests import Request
from requests.structures import CaseInsensitiveDict

from exporter import config, exposition, log
from exporter.config.duration import format_duration, parse_duration
from exporter.exposition import Renderer, samples
from exporter.metrics.table import Row
from exporter.quantconnect.display import parse_display
from exporter.quantconnect.envelope import clock_skew, open_envelope, retry_after
from exporter.quantconnect.errors import ApiError
from exporter.quantconnect.fields import parse_timestamp
from exporter.quantconnect.signing import Signature
from exporter.quantconnect.symbols import IdentifierError, display_symbol, parse_identifier
from exporter.quantconnect.transport import Answer
from exporter.sources.chart import Window, decode_series
from exporter.sources.portfolio import PORTFOLIO, account_currencies, decode_portfolio
from exporter.sources.projects import DESCRIPTION, decode_description, decode_page
from exporter.sources.statistics import CUSTOM_STATISTIC, STATISTICS, decode_statistics
from exporter.sources.status import STATUS, Status, decode_deployments
from exporter.web.config.basicauth import _credentials
from exporter.web.config.loading import load as load_web_config
from exporter.web.listen import parse_address
from tests.fuzz.drawn import Drawn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exporter.exposition import Snapshot
    from exporter.sources.source import Source

_STATUSES = (200, 200, 200, 200, 201, 204, 302, 400, 401, 403, 429, 500, 503)
_SHORTEST_TOKEN = 8
_BASE36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ENVIRONMENT = {"SET": "value", "EMPTY": "", "QUANTCONNECT_API_TOKEN": "token"}


def _refused(error: ValueError) -> None:
    """What a parser says is fit for a log."""
    assert str(error).isprintable(), str(error)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape" if data[:1] == b"\xff" else "replace")


# --- QuantConnect's answers -----------------------------------------------------------------------


def answers(data: bytes) -> None:
    """Any status, headers and body."""
    drawn = Drawn(data)
    status = _STATUSES[drawn.below(len(_STATUSES))]
    length = drawn.below(40)
    rest = drawn.rest()
    value = rest[:length].decode("latin-1")
    headers = CaseInsensitiveDict({"Date": value, "Retry-After": value, "Content-Type": value})
    _headers(headers)
    try:
        payload = open_envelope(Answer(status, headers, rest[length:]), scrub=lambda text: text)
    except ApiError as error:
        _said(error)
    else:
        _decode(payload)


def payloads(data: bytes) -> None:
    """Answers in which something is right: names that are known, and successes."""
    payload = Drawn(data).payload()
    try:
        body = json.dumps(payload).encode()
        answer = Answer(200, CaseInsensitiveDict(), body)
        opened = open_envelope(answer, scrub=lambda text: text)
    except ApiError as error:
        _said(error)
    else:
        _decode(opened)


def _decode(payload: dict[str, object]) -> None:
    """By each decoder; what can be read must make an exposition that can be parsed."""
    renderer = Renderer(Row("main", 7, "US momentum", "USD", {"AAPL": 'A"\\\n'}))
    pieces: list[Snapshot] = []

    def publish(source: Source[Any], answer: Any) -> None:
        pieces.extend(
            renderer.render(each.table, each.rows(answer, 0.0)) for each in source.families
        )

    try:
        portfolio = decode_portfolio(payload, max_holdings=100)
    except ApiError as error:
        _said(error)
    else:
        account_currencies(portfolio.cash)
        publish(PORTFOLIO, portfolio)
    try:
        listing = decode_deployments(payload)
    except ApiError as error:
        _said(error)
    else:
        for deployment in list(listing.newest().values())[:1]:
            publish(STATUS, Status(deployment))
    publish(STATISTICS, decode_statistics(payload, custom=("q", "USD", "")))
    try:
        decode_page(payload)
        publish(DESCRIPTION, decode_description(payload, project_id=7))
    except ApiError as error:
        _said(error)
    try:
        series = decode_series(payload, series="Equity", window=Window(0, 2_000_000_000, 100))
    except ApiError as error:
        _said(error)
    else:
        assert all(isfinite(point.value) for point in series.points)
        assert sorted({point.time for point in series.points}) == [
            point.time for point in series.points
        ]
    _parses(pieces)


def _said(error: ApiError) -> None:
    """What is said fits on a line, and is not the whole answer."""
    assert error.message
    assert len(error.message) < 1000, error.message
    assert error.message.isprintable(), error.message
    assert error.retry_after is None or error.retry_after >= 0


def _parses(pieces: list[Snapshot]) -> None:
    text = samples(pieces)
    if not text:
        return
    seen = set()
    for families in (text_families, openmetrics_families):
        ending = "# EOF\n" if families is openmetrics_families else ""
        for family in families(f"{text}\n{ending}"):
            for sample in family.samples:
                assert isfinite(sample.value), sample
                series = (families, sample.name, tuple(sorted(sample.labels.items())))
                assert series not in seen, sample
                seen.add(series)
    assert len(seen) == 2 * len(text.split("\n"))


def _headers(headers: Mapping[str, str]) -> None:
    skew = clock_skew(headers, datetime.now(UTC).timestamp())
    assert skew is None or isfinite(skew)
    seconds = retry_after(headers)
    assert seconds is None or 0 <= seconds < float("inf")


def secrets(data: bytes) -> None:
    """What QuantConnect said, with the token and a signature somewhere in it."""
    text = data.decode("utf-8", "replace")
    token = "".join(character for character in text[:70] if character.isprintable()).strip()
    if len(token) < _SHORTEST_TOKEN or any(map(str.isspace, token)):
        return
    signature = Signature(user_id=7, token=token, now=lambda: 1_795_000_000.0)
    request = signature(Request("POST", "http://127.0.0.1/").prepare())
    signed = request.headers["Authorization"]
    for secret in (token, signed.removeprefix("Basic "), sha256(data).hexdigest()):
        scrubbed = signature.scrub(f"{text[70:]} {secret} {text[:40]}")
        assert secret not in scrubbed, scrubbed
    assert signature.scrub("No such project") == "No such project" or token in "No such project"


def identifiers(data: bytes) -> None:
    """Keys of holdings: as text, and as numbers with any digits."""
    drawn = Drawn(data)
    if drawn.below(2):
        symbol_id = _text(drawn.rest())
    else:
        number = int.from_bytes(drawn.rest()[:10], "big")
        digits = ""
        while number:
            number, digit = divmod(number, 36)
            digits = _BASE36[digit] + digits
        symbol_id = f"SPY {digits}|SPY R735QTJ8XC9X"
    for strike_scale in (4, 6):
        try:
            security = parse_identifier(symbol_id, strike_scale)
        except IdentifierError as error:
            _refused(error)
            continue
        assert display_symbol("", security, {})
        assert security.strike is None or "E" not in str(security.strike)


def displays(data: bytes) -> None:
    """Statistics as people see them."""
    text = _text(data)
    for percent in (None, True, False):
        try:
            value = parse_display(text, percent=percent).value
        except ValueError as error:
            _refused(error)
        else:
            assert isfinite(value)
            assert str(value) != "-0.0"


def dates(data: bytes) -> None:
    """Dates in answers and in headers."""
    text = _text(data)
    try:
        seconds = parse_timestamp(text)
    except ValueError as error:
        _refused(error)
    else:
        assert seconds is None or isfinite(seconds)
    _headers({"Date": text, "Retry-After": text})
    _headers({"Date": "Sun, 22 Nov 2026 10:00:00 GMT", "Retry-After": text})


# --- What people write ----------------------------------------------------------------------------

_DIRECTORY = tempfile.TemporaryDirectory(prefix="fuzz-")


def configuration(data: bytes) -> None:
    """The configuration file."""
    path = Path(_DIRECTORY.name) / "quantconnect.yaml"
    path.write_bytes(data)
    try:
        loaded = config.load(path, _ENVIRONMENT)
    except config.ConfigError as error:
        _problems(error)
        return
    written = Path(_DIRECTORY.name) / "again.yaml"
    text = config.to_yaml(loaded)
    assert "token" not in text.replace("api_token", "") or b"token" in data
    written.write_text(text.replace("<secret>", "other"))
    # The running configuration is a configuration.
    assert config.to_yaml(config.load(written, {})) == text


def _problems(error: config.ConfigError) -> None:
    assert error.problems
    assert all(problem.isprintable() for problem in error.problems), error.problems


def web_configuration(data: bytes) -> None:
    """The file of ``--web.config.file``."""
    path = Path(_DIRECTORY.name) / "web.yml"
    path.write_bytes(data)
    loaded = load_web_config(path, certificates=False)
    assert (loaded.settings is None) == (loaded.error is not None)
    if loaded.error is not None:
        _problems(loaded.error)


def words(data: bytes) -> None:
    """Durations, addresses, the Authorization header."""
    text = _text(data)
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        _refused(error)
    else:
        assert seconds >= 0
        assert parse_duration(format_duration(seconds)) == seconds
    try:
        assert 0 <= parse_address(text).port <= 65535
    except ValueError as error:
        _refused(error)
    _credentials(data)


# --- What goes out --------------------------------------------------------------------------------


def accept(data: bytes) -> None:
    """The headers by which a scraper chooses."""
    text = data.decode("latin-1")
    offered = exposition.negotiate(text)
    assert offered.content_type.isprintable()
    assert isinstance(exposition.accepts_gzip(text), bool)


def labels(data: bytes) -> None:
    """A label of any text comes out of the exposition as it went in."""
    text = data.decode("utf-8", "replace")
    piece = Renderer(Row("main", 7, text, "USD")).render(CUSTOM_STATISTIC, [(text, 1.5)])
    rendered = samples([piece])
    assert "\n" not in rendered
    (family,) = text_families(rendered + "\n")
    (sample,) = family.samples
    assert sample.labels == {
        "account": "main",
        "project_id": "7",
        "project": text,
        "statistic": text,
    }


def lines(data: bytes) -> None:
    """A log line is one line, whatever is in its fields."""
    text = _text(data)
    for format_ in log.FORMATS:
        line = _line(format_, text)
        assert line.endswith("\n")
        assert len(line.splitlines()) == 1 or format_ == "json"
        if format_ == "json":
            assert json.loads(line)["text"] == text


def _line(format_: str, text: str) -> str:
    root, package = logging.getLogger(), logging.getLogger("exporter")
    before = root.handlers[:], root.level, package.level
    stream = io.StringIO()
    log.configure(level="debug", format=format_, stream=stream)
    try:
        log.Log("exporter.fuzz").error("A message", text=text, more=[text])
        log.flush()
    finally:
        root.handlers[0].close()
        root.handlers[:] = before[0]
        root.setLevel(before[1])
        package.setLevel(before[2])
    return stream.getvalue()


TARGETS: Mapping[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (
        answers,
        payloads,
        secrets,
        identifiers,
        displays,
        dates,
        configuration,
        web_configuration,
        words,
        accept,
        labels,
        lines,
    )
}
