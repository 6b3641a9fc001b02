"""Whatever stands in the file, it is taken or refused with a ConfigError, and never half."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.problems import ConfigError, Problems
from exporter.config.reader import Leaf, Reader
from exporter.config.tree import parse
from exporter.web.config.assembly import assemble, check
from exporter.web.config.schema import (
    CIPHERS,
    GROUPS,
    TLS13_CIPHERS,
    VERSIONS,
    Header,
    Interval,
    WebDocument,
    canonical,
)

HASH = "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG"
KEYS = (
    *("tls_server_config", "cert", "cert_file", "key", "key_file", "client_ca", "client_ca_file"),
    *("client_auth_type", "client_allowed_sans", "min_version", "max_version", "cipher_suites"),
    *("prefer_server_cipher_suites", "curve_preferences", "http_server_config", "http2"),
    *("headers", "X-Frame-Options", "Content-Security-Policy"),
    *("basic_auth_users", "alice", "rate_limit", "interval", "burst"),
)
SECTIONS = ("tls_server_config", "http_server_config", "basic_auth_users", "rate_limit")
WORDS = [*CIPHERS, *TLS13_CIPHERS, *GROUPS, *VERSIONS, HASH, "deny", "1s", "RequireAnyClientCert"]
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.sampled_from(WORDS)
)
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.sampled_from(KEYS), st.text()), inner, max_size=6),
    ),
    max_leaves=20,
)


def outcome(content: bytes) -> None:
    """Every problem must name the file, and nothing but problems may be raised."""
    problems = Problems("web.yml")
    found: tuple[str, ...] = ()
    try:
        root = parse(content, "web.yml")
        if root is not None:
            document = Reader(problems, null_is_absent=True).read(root, WebDocument)
            check(document, problems)
            problems.raise_if_any()
            assemble(document, directory=Path("/"))
    except ConfigError as error:
        found = error.problems
    assert all(problem.startswith("web.yml") for problem in found)


@given(st.binary())
def test_any_bytes(content: bytes) -> None:
    outcome(content)


@given(DOCUMENTS)
def test_any_document(document: Any) -> None:
    outcome(yaml.safe_dump(document).encode())


@given(st.dictionaries(st.sampled_from(SECTIONS), DOCUMENTS))
def test_any_sections(document: dict[str, Any]) -> None:
    outcome(yaml.safe_dump(document).encode())


@given(
    st.lists(
        st.tuples(st.integers(0, 10**6), st.sampled_from([("ms", 1), ("s", 1000), ("m", 60_000)])),
        min_size=1,
        max_size=3,
    )
)
def test_an_interval_is_the_sum_of_its_parts(parts: list[tuple[int, tuple[str, int]]]) -> None:
    text = "".join(f"{amount}{unit}" for amount, (unit, _) in parts)
    milliseconds = sum(amount * size for amount, (_, size) in parts)
    if milliseconds > timedelta(days=1) / timedelta(milliseconds=1):
        with pytest.raises(ValueError, match="longer than 24h"):
            Leaf.of(Interval).convert(text)
    else:
        assert Leaf.of(Interval).convert(text) == pytest.approx(milliseconds / 1000)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("0s", 0),
        ("1h", 3600),
        (".5s", 0.5),
        ("1.s", 1),
        ("2us", 2e-6),
        ("1µs", 1e-6),
        ("1μs", 1e-6),
        ("100ns", 1e-7),
        ("1h1h", 7200),
    ],
)
def test_intervals_as_go_writes_them(text: str, seconds: float) -> None:
    assert Leaf.of(Interval).convert(text) == pytest.approx(seconds)


@given(st.text())
def test_a_header_is_never_more_than_a_line(text: str) -> None:
    header = ""
    with suppress(ValueError):
        header = Leaf.of(Header).convert(text)
    assert header.isascii()
    assert header.isprintable()


@given(st.ip_addresses())
def test_an_address_is_known_in_every_notation(address: Any) -> None:
    assert canonical(address.exploded) == canonical(str(address).upper()) == str(address)
