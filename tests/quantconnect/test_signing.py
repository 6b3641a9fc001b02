from __future__ import annotations

from base64 import b64decode
from hashlib import sha256

import requests
from hypothesis import given
from hypothesis import strategies as st

from exporter.quantconnect.signing import Signature

TOKEN = "f1ccd9ae0a5c2cd3d40c5ec0b4ac3ea25e0d5ff54ecd2a1f7e5b8bfb0d3a6a8c"


def prepared(signature: Signature) -> requests.PreparedRequest:
    return requests.Request("POST", "https://quantconnect.test/", auth=signature).prepare()


def test_a_signature_as_leans_authentication_makes_it() -> None:
    headers = prepared(Signature(user_id=123456, token=TOKEN, now=lambda: 1718031600.9)).headers
    assert headers["Timestamp"] == "1718031600"
    scheme, _, encoded = headers["Authorization"].partition(" ")
    assert scheme == "Basic"
    # printf '%s:1718031600' "$TOKEN" | sha256sum
    assert b64decode(encoded).decode() == (
        "123456:" + sha256(f"{TOKEN}:1718031600".encode()).hexdigest()
    )


def test_each_request_is_signed_as_of_its_own_time() -> None:
    times = iter([100.0, 101.0])
    signature = Signature(user_id=1, token=TOKEN, now=lambda: next(times))
    first, second = prepared(signature).headers, prepared(signature).headers
    assert (first["Timestamp"], second["Timestamp"]) == ("100", "101")
    assert first["Authorization"] != second["Authorization"]


def test_neither_token_nor_signature_is_printed() -> None:
    signature = Signature(user_id=1, token=TOKEN, now=lambda: 100.0)
    assert repr(signature) == "Signature(user_id=1, token=<secret>)"
    assert TOKEN not in f"{signature} {signature!r}"


@given(before=st.text(max_size=20), after=st.text(max_size=20))
def test_what_repeats_a_secret_is_scrubbed(before: str, after: str) -> None:
    signature = Signature(user_id=1, token=TOKEN, now=lambda: 100.0)
    authorization = prepared(signature).headers["Authorization"]
    digest = b64decode(authorization.partition(" ")[2]).decode().partition(":")[2]
    scrubbed = signature.scrub(f"{before} {TOKEN} {authorization} 1:{digest} {after}")
    for secret in (TOKEN, authorization, authorization.partition(" ")[2], digest):
        assert secret not in scrubbed
    assert scrubbed == f"{before} <secret> <secret> 1:<secret> {after}"
    assert signature.scrub(f'found "{TOKEN[:60]}…"') == 'found "<secret>…"'
    assert signature.scrub(f'found "{digest[:60]}…"') == 'found "<secret>…"'


def test_a_short_token_is_scrubbed_as_it_is() -> None:
    signature = Signature(user_id=1, token="a.b", now=lambda: 100.0)
    assert signature.scrub("a.b a.bc axb") == "<secret> <secret>c axb"


def test_other_text_is_left_as_it_is() -> None:
    signature = Signature(user_id=1, token=TOKEN, now=lambda: 100.0)
    text = (
        "Basic plan: project 23456789 not found, see organization 5cad178b20a1d52567b534553413b691"
    )
    assert signature.scrub(text) == text
