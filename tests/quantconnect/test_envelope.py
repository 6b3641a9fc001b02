"""Which one reason every shape of a refusal has, and what is still taken for an answer."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from exporter.quantconnect.envelope import clock_skew, open_envelope, retry_after
from exporter.quantconnect.errors import ApiError, Reason
from exporter.quantconnect.transport import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

DATE = "Sun, 22 Nov 2026 12:00:00 GMT"


def answer(
    body: bytes | object = b"", *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, CaseInsensitiveDict(headers or {}), raw)


def opened(given: Answer) -> dict[str, object]:
    return open_envelope(given, scrub=str)


def refusal(given: Answer) -> ApiError:
    with pytest.raises(ApiError) as caught:
        opened(given)
    return caught.value


# --- What is an answer ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "payload"),
    [
        (b'{"success":true}', {"success": True}),
        (b'{"Success":true,"Live":[]}', {"Success": True, "Live": []}),
        (b'{"holdings":{}}', {"holdings": {}}),  # the oldest encoding says nothing of success
        (b'{"success":true,"errors":[]}', {"success": True, "errors": []}),
        (b'{"success":true,"errors":["only a warning"]}', None),
        (b'\xef\xbb\xbf {"success":true}', {"success": True}),
        (b'{"success":true,"x":1e999}', {"success": True, "x": float("inf")}),
        (b'{"success":true,"x":-Infinity}', {"success": True, "x": float("-inf")}),
        (b'{"success":true,"x":123456789012345678901234567890}', None),
    ],
)
def test_success(body: bytes, payload: dict[str, object] | None) -> None:
    assert opened(answer(body)) == (json.loads(body) if payload is None else payload)


def test_not_a_number_costs_only_itself() -> None:
    payload = opened(answer(b'{"success":true,"equity":NaN,"name":"kept"}'))
    assert payload["name"] == "kept"
    assert payload["equity"] != payload["equity"]


def test_any_status_of_success_is_one() -> None:
    assert opened(answer({"success": True}, status=201)) == {"success": True}


# --- What is a refusal ----------------------------------------------------------------------------

HASH = (
    "The API token hash is not valid. This could be due to an old hash, invalid API token, or an"
    " invalid timestamp."
)


@pytest.mark.parametrize(
    ("status", "body", "reason", "message"),
    [
        # As QuantConnect says no: HTTP 200, and the text decides.
        (200, {"success": False, "errors": [HASH], "errorCode": 10002}, "auth", HASH),
        (200, {"success": False, "errors": ["No."], "errorCode": 10002}, "auth", "No."),
        (200, {"success": False, "errors": ["Hash doesn't match."]}, "auth", "Hash doesn't match."),
        (200, {"success": False, "errors": ["UserID not valid"]}, "auth", "UserID not valid"),
        (
            200,
            {"success": False, "messages": ["Invalid timestamp, value received: 0"]},
            "auth",
            "Invalid timestamp, value received: 0",
        ),
        (
            200,
            {"success": False, "errors": ["too many failed attempts for this user or ip"]},
            "auth",
            "too many failed attempts for this user or ip",
        ),
        (
            200,
            {"success": False, "errors": ["Too many requests, slow down"]},
            "rate_limit",
            "Too many requests, slow down",
        ),
        (200, {"Success": False, "Errors": ["Rate limit"]}, "rate_limit", "Rate limit"),
        (
            200,
            {"success": False, "errors": ["Project not found", "or not yours"]},
            "api_error",
            "Project not found; or not yours",
        ),
        (200, {"success": False, "Message": "Invalid argument"}, "api_error", "Invalid argument"),
        (200, {"success": False, "message": "m", "errors": ["e"]}, "api_error", "e; m"),
        (200, {"success": False, "error": "x"}, "api_error", "x"),
        (200, {"success": False, "errors": "not a list"}, "api_error", "not a list"),
        (200, {"success": False, "errors": [{"code": 3}]}, "api_error", '{"code": 3}'),
        (200, {"errors": ["no word of success"]}, "api_error", "no word of success"),
        (200, {"success": None}, "api_error", None),
        (200, {"success": "true"}, "api_error", None),
        (200, {"success": 1}, "api_error", None),
        (200, {"success": False, "errorCode": [10002]}, "api_error", None),
        # By status, with a word of QuantConnect's or without one.
        (401, {"success": False}, "auth", None),
        (401, {"success": True}, "auth", None),
        (403, {"success": False, "errors": ["Forbidden"]}, "http_4xx", "Forbidden"),
        (403, {"errors": ["Hash doesn't match"]}, "auth", "Hash doesn't match"),
        (404, {}, "http_4xx", None),
        (429, {"errors": ["slow down"]}, "rate_limit", "slow down"),
        (499, {}, "http_4xx", None),
        (500, {"errors": ["oops"]}, "http_5xx", "oops"),
        (503, {"success": True}, "http_5xx", None),
        (599, {}, "http_5xx", None),
        (199, {"success": True}, "api_error", None),
        (700, {}, "http_5xx", None),
    ],
)
def test_a_refusal_in_json(status: int, body: object, reason: str, message: str | None) -> None:
    error = refusal(answer(body, status=status))
    expected = (
        f"QuantConnect answered HTTP {status} without success and gave no error"
        if message is None
        else f"QuantConnect answered: {message}"
    )
    assert (error.reason.value, error.message) == (reason, expected)


HTML = b"\n<!DOCTYPE html><html><body>Log in</body></html>"


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (200, Reason.MALFORMED),
        (204, Reason.MALFORMED),
        (400, Reason.HTTP_4XX),
        (401, Reason.AUTH),
        (407, Reason.HTTP_4XX),
        (429, Reason.RATE_LIMIT),
        (500, Reason.HTTP_5XX),
        (502, Reason.HTTP_5XX),
        (504, Reason.HTTP_5XX),
        (199, Reason.API_ERROR),
    ],
)
def test_html_of_a_proxy(status: int, reason: Reason) -> None:
    error = refusal(answer(HTML, status=status))
    page = "an HTML page"
    if status < 500:
        page += " (a proxy or a login page in the way?)"
    expected = (
        f"expected a JSON object, got {page}"
        if 200 <= status < 300
        else f"HTTP {status} with {page}"
    )
    assert (error.reason, error.message) == (reason, expected)


@pytest.mark.parametrize("body", [b"", HTML, b"{}", b'{"success":true}'])
@pytest.mark.parametrize("status", [300, 301, 302, 304, 399])
def test_a_redirect(status: int, body: bytes) -> None:
    error = refusal(answer(body, status=status))
    assert (error.reason, error.message) == (
        Reason.MALFORMED,
        f"HTTP {status}: redirects are not followed; is base_url right, is a proxy in the way?",
    )


@pytest.mark.parametrize(
    ("body", "headers", "looks_like"),
    [
        (b"", {}, "an empty body"),
        (b"  <HTML>", {}, "an HTML page (a proxy or a login page in the way?)"),
        (b"null", {"Content-Type": "application/json; charset=x"}, "null"),
        (b"[]", {}, "an array"),
        (b"[NaN]", {"Content-Type": "text/plain"}, "an array"),
        (b"true", {}, "a boolean"),
        (b"0", {}, "a number"),
        (b"-1.5e3", {}, "a number"),
        (b'"success"', {}, "a string"),
        (b'{"success":true', {"content-type": "text/plain"}, "text/plain"),
        (b'{"success":true', {"content-type": "Application/JSON; charset=utf-8"}, "invalid JSON"),
        (b'{"success":true', {"content-type": "application/problem+json"}, "invalid JSON"),
        (b'{"success":true}\xff', {}, "invalid JSON"),
        (b"\xff\xfe", {}, "invalid JSON"),
        (b" ", {}, "invalid JSON"),
        (b"[" * 100_000, {}, "invalid JSON"),
        (b'{"a":' * 100_000, {}, "invalid JSON"),
        (b'{"x":' + b"9" * 5000 + b"}", {}, "invalid JSON"),
        (b"x", {"Content-Type": "x/" + "y" * 1000}, "x/" + "y" * 30),
        (b"x", {"Content-Type": "\x1b[31m"}, "invalid JSON"),
    ],
)
def test_what_is_no_json_object(body: bytes, headers: dict[str, str], looks_like: str) -> None:
    error = refusal(answer(body, headers=headers))
    assert (error.reason, error.message) == (
        Reason.MALFORMED,
        f"expected a JSON object, got {looks_like}",
    )
    error = refusal(answer(body, status=418, headers=headers))
    assert (error.reason, error.message) == (Reason.HTTP_4XX, f"HTTP 418 with {looks_like}")


def test_a_message_is_one_printable_line_of_bounded_length() -> None:
    error = refusal(
        answer(
            b'{"success":false,"errors":["a\\u001b[31m\\n\\tb \\ud800 \\u2028c", "'
            + b"x" * 9999
            + b'"]}'
        )
    )
    assert error.message.startswith("QuantConnect answered: a�[31m b � c; xxx")
    assert len(error.message) == len("QuantConnect answered: ") + 300


def test_secrets_are_scrubbed_before_a_message_is_cut() -> None:
    secret = "5ecret" * 10
    said = answer({"success": False, "errors": ["x" * 280 + secret + "y"]})
    with pytest.raises(ApiError) as caught:
        open_envelope(said, scrub=lambda text: text.replace(secret, "<secret>"))
    assert caught.value.message == f"QuantConnect answered: {'x' * 280}<secret>y"


def test_an_error_nested_too_deeply_to_be_written() -> None:
    for depth in range(500, 1100):
        nested = b"[" * depth + b"1" + b"]" * depth
        error = refusal(answer(b'{"success":false,"errors":[{"e":' + nested + b"}]}"))
        assert error.reason in (Reason.API_ERROR, Reason.MALFORMED)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["success", "Success", "errors", "messages", "Message", "error", "errorCode"]
            )
            | st.text(max_size=8),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)
STATUSES = st.sampled_from([200, 200, 200, 204, 302, 400, 401, 429, 500, 503])
HEADERS = st.dictionaries(
    st.sampled_from(["Retry-After", "Date", "Content-Type"]), st.text(max_size=40), max_size=3
)


@given(body=st.binary(max_size=60), status=STATUSES, headers=HEADERS)
def test_no_bytes_raise_anything_but_an_api_error(
    body: bytes, status: int, headers: dict[str, str]
) -> None:
    with suppress(ApiError):
        assert isinstance(opened(answer(body, status=status, headers=headers)), dict)


@given(document=JSON, status=STATUSES, headers=HEADERS)
def test_no_json_raises_anything_but_an_api_error(
    document: object, status: int, headers: dict[str, str]
) -> None:
    given = answer(json.dumps(document).encode(), status=status, headers=headers)
    message = ""
    try:
        payload = opened(given)
    except ApiError as error:
        message = error.message
    else:
        assert isinstance(document, dict)
        assert status in (200, 204)
        assert payload.keys() == document.keys()
    assert message.isprintable()
    assert len(message) < 400


# --- Headers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("9" * 400, 999999999.0),
        ("Sun, 22 Nov 2026 12:02:00 GMT", 120.0),
        ("Sunday, 22-Nov-26 12:00:30 GMT", 30.0),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0.0),
        ("Sun, 22 Nov 2026 12:01:00 -0000", 60.0),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("٣", None),
        ("Sun, 99 Nov 2026 12:02:00 GMT", None),
    ],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    assert retry_after(CaseInsensitiveDict({"retry-after": value, "Date": DATE})) == seconds
    error = refusal(answer(HTML, status=429, headers={"Retry-After": value, "Date": DATE}))
    assert error.retry_after == seconds
    error = refusal(answer({}, status=503, headers={"Retry-After": value, "Date": DATE}))
    assert error.retry_after == seconds


def test_a_date_to_retry_after_without_a_date_of_the_answer_counts_from_our_clock() -> None:
    assert retry_after({"Retry-After": "Sun, 22 Nov 2020 12:00:00 GMT"}) == 0.0
    far = retry_after({"Retry-After": "Sun, 22 Nov 2099 12:00:00 GMT", "Date": "yesterday"})
    assert far is not None
    assert far > 1e9 / 2


@pytest.mark.parametrize(
    ("date", "skew"),
    [
        (DATE, 2.5),
        ("Sun, 22 Nov 2026 13:00:00 +0100", 2.5),
        ("Sun, 22 Nov 2026 12:01:00 GMT", -57.5),
        ("", None),
        ("now", None),
    ],
)
def test_clock_skew_is_positive_when_ours_is_ahead(date: str, skew: float | None) -> None:
    assert clock_skew(CaseInsensitiveDict({"date": date}), 1795348802.5) == skew


def test_no_date_no_skew() -> None:
    assert clock_skew({}, 1.0) is None


@given(value=st.text(max_size=40), date=st.text(max_size=40))
def test_no_header_raises(value: str, date: str) -> None:
    headers = {"Retry-After": value, "Date": date}
    assert (retry_after(headers) or 0.0) >= 0
    clock_skew(headers, 0.0)
