"""The exposition formats on offer, which of them a client wants, and a scrape put together.

Offered are what prometheus-client offers: the text format 0.0.4 and 1.0.0 and OpenMetrics 1.0.0.
Its renderers write the headers of our families, so that the whole is byte for byte what it would
write for the same families.

Of the escapings that a client may ask for, ``allow-utf-8`` and ``underscores`` leave classic
names such as ours alone. ``dots`` and ``values`` (as prometheus-client writes it) rename every
series, under the feet of every dashboard and rule: who asks for them is answered, and told so in
the Content-Type, with ``underscores``.
"""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple

from prometheus_client import exposition as text
from prometheus_client.openmetrics import exposition as openmetrics

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client import CollectorRegistry


class Format(NamedTuple):
    """An exposition format: its Content-Type, and prometheus-client's renderer for it."""

    content_type: str
    render: Callable[[CollectorRegistry], bytes]


TEXT = Format(text.CONTENT_TYPE_PLAIN_0_0_4, text.generate_latest)


@cache
def text_1_0_0(escaping: str) -> Format:
    """The text format 1.0.0; our names are classic, so the escaping only shows in its type."""
    return Format(
        f"{text.CONTENT_TYPE_LATEST}; escaping={escaping}",
        partial(text.generate_latest, escaping=escaping),
    )


@cache
def openmetrics_1_0_0(escaping: str) -> Format:
    """OpenMetrics 1.0.0."""
    return Format(
        f"{openmetrics.CONTENT_TYPE_LATEST}; escaping={escaping}",
        partial(openmetrics.generate_latest, escaping=escaping, version="1.0.0"),
    )


def negotiate(accept: str) -> Format:
    """The offered format that an Accept header prefers; text 0.0.4 whenever in doubt.

    The highest q wins and, among equals, what is named first. Nothing in a header is an error.
    """
    best, best_q = TEXT, 0.0
    for media_range in accept.split(","):
        media_type, parameters = _parse(media_range)
        found = _offered(media_type, parameters)
        q = _quality(parameters.get("q", "1"))
        if found is not None and q > best_q:
            best, best_q = found, q
    return best


def _offered(media_type: str, parameters: dict[str, str]) -> Format | None:
    version = parameters.get("version", "")
    escaping = parameters.get("escaping", "")
    if escaping != openmetrics.ALLOWUTF8:
        escaping = openmetrics.UNDERSCORES
    if media_type in ("application/openmetrics-text", "application/*"):
        return openmetrics_1_0_0(escaping) if version in ("", "1.0.0") else None
    if media_type == "text/plain" and version == "1.0.0":
        return text_1_0_0(escaping)
    if media_type in ("text/plain", "text/*", "*/*"):
        return TEXT if version in ("", "0.0.4") else None
    return None


def accepts_gzip(accept_encoding: str) -> bool:
    """Return whether an Accept-Encoding header accepts gzip: named or ``*``, with a q above 0."""
    accepted = False
    for coding in accept_encoding.split(","):
        name, parameters = _parse(coding)
        if name == "gzip":
            return _quality(parameters.get("q", "1")) > 0
        if name == "*":
            accepted = _quality(parameters.get("q", "1")) > 0
    return accepted


def _parse(item: str) -> tuple[str, dict[str, str]]:
    """A media range or coding, and its parameters: names in lower case, values unquoted."""
    name, *rest = item.split(";")
    parameters = (parameter.partition("=") for parameter in rest)
    return name.strip().lower(), {
        key.strip().lower(): value.strip().strip('"') for key, _, value in parameters
    }


def _quality(value: str) -> float:
    try:
        q = float(value)
    except ValueError:
        return 0.0
    return q if 0 <= q <= 1 else 0.0
