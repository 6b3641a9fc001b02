"""A YAML tree to ``Settings``: each key of the format, its rules, and the words for them."""

from __future__ import annotations

import re
import ssl
from typing import TYPE_CHECKING, Final

from exporter.config.tree import Pair, line_of
from exporter.web.config import values
from exporter.web.config.ciphers import CIPHERS, GROUPS, TLS13_CIPHERS, VERSIONS
from exporter.web.config.sans import canonical
from exporter.web.config.section import Count, Section
from exporter.web.config.settings import TLS, ClientAuth, Pem, RateLimit, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    import yaml

    from exporter.config.problems import Problems

_TOP: Final = ("tls_server_config", "http_server_config", "basic_auth_users", "rate_limit")
_TLS_TEXTS: Final = (
    "cert",
    "cert_file",
    "key",
    "key_file",
    "client_ca",
    "client_ca_file",
    "client_auth_type",
)
_TLS: Final = (
    *_TLS_TEXTS,
    "client_allowed_sans",
    "min_version",
    "max_version",
    "cipher_suites",
    "prefer_server_cipher_suites",
    "curve_preferences",
)
_HTTP: Final = ("http2", "headers")
_RATE: Final = ("interval", "burst")
_HOMES: Final = {
    **dict.fromkeys(_TLS, "tls_server_config"),
    **dict.fromkeys(_HTTP, "http_server_config"),
    **dict.fromkeys(_RATE, "rate_limit"),
}
# Header to the values that it may have; any where there are none.
_HEADERS: Final[dict[str, tuple[str, ...]]] = {
    "Content-Security-Policy": (),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-Content-Type-Options": ("nosniff",),
    "X-XSS-Protection": (),
    "Strict-Transport-Security": (),
}
# The last is another name for the third, which the exporter-toolkit keeps for old files.
_AUTH_TYPES: Final = {
    **{kind.value: kind for kind in ClientAuth},
    "RequireClientCert": ClientAuth.REQUIRE_ANY,
}
_FILE: Final = "the path of a file"
_PATH: Final = re.compile(r"[^\0]+")


def read(root: yaml.Node, *, directory: Path, problems: Problems, source: str) -> Settings:
    """The settings that ``root`` gives; what is wrong with them is in ``problems``.

    ``directory`` is what relative paths start from.
    """
    top = Section(Pair(line_of(root), root), "", problems, Count(source))
    top.know(*_TOP, homes=_HOMES)
    remarks: list[str] = []
    tls = _TLSReading(top.section("tls_server_config", secret=True), problems, directory, remarks)
    http = top.section("http_server_config").know(*_HTTP, homes=_HOMES)
    if http.value("http2", "true or false", values.switch, quotable=False):
        remarks.append("HTTP/2 is configured but not served, HTTP/1.1 is")
    return Settings(
        tls=tls.read(),
        headers=_headers(http.section("headers").know(*_HEADERS)),
        users=_users(top.section("basic_auth_users", secret=True), problems),
        rate_limit=_rate_limit(top.section("rate_limit").know(*_RATE, homes=_HOMES), problems),
        remarks=tuple(remarks),
    )


def _headers(section: Section) -> dict[str, str]:
    headers = {}
    for name, allowed in _HEADERS.items():
        if allowed:
            value = section.value(name, " or ".join(allowed), _one_of(allowed))
        else:
            value = section.value(name, "a text of ASCII characters", values.header)
        if value is not None:
            headers[name.lower()] = value
    return headers


def _users(section: Section, problems: Problems) -> dict[bytes, bytes]:
    users = {}
    for name in section:
        expected = "a bcrypt hash, such as htpasswd -nB prints ($2y$10$ and 53 characters)"
        hashed = section.value(name, expected, values.bcrypt_hash, secret=True, needed=True)
        try:
            user = values.user_name(name)
        except ValueError:
            place = section.locate(name, got="another")
            problems.add(place, "as key the name of a user, without a colon")
            continue
        if hashed is not None:
            users[user] = hashed
    return users


def _rate_limit(section: Section, problems: Problems) -> RateLimit | None:
    interval = section.value("interval", "a duration from 0 to 24h, such as 1s", values.interval)
    expected = "a whole number from 1 to 1000000"
    burst = section.value("burst", expected, values.burst, quotable=False)
    if not interval:
        return None
    if not section.given("burst"):
        problems.add(section.at("burst"), expected, at=section.path)
    return None if burst is None else RateLimit(interval, burst)


class _TLSReading:
    """``tls_server_config``."""

    def __init__(
        self, section: Section, problems: Problems, directory: Path, remarks: list[str]
    ) -> None:
        self._section = section.know(*_TLS, homes=_HOMES).forget_empty(*_TLS_TEXTS)
        self._problems = problems
        self._directory = directory
        self._remarks = remarks

    def read(self) -> TLS | None:
        """The whole of it; None without one, or where it can't be used."""
        # Read whatever else is wrong, so that all of it is said at once.
        certificate, key, client_ca = self._pem("cert"), self._pem("key"), self._pem("client_ca")
        client_auth, sans = self._client_auth()
        minimum, maximum = self._versions()
        ciphers, group = self._ciphers(maximum), self._group(client_auth)
        if ciphers == ():
            minimum = ssl.TLSVersion.TLSv1_3
        prefer = self._section.value(
            "prefer_server_cipher_suites", "true or false", values.switch, quotable=False
        )
        if not any(self._section.given(key) for key in _TLS):
            return None
        for name in ("cert", "key"):
            if not self._given(name):
                self._problems.add(
                    self._section.path, f"{name} or {name}_file, as TLS needs one", got="neither"
                )
        if certificate is None or key is None:
            return None
        return TLS(
            certificate=certificate,
            key=key,
            client_ca=client_ca,
            client_auth=client_auth,
            client_allowed_sans=sans,
            minimum=minimum,
            maximum=maximum,
            ciphers=ciphers,
            prefer_server_ciphers=prefer is not False,
            group=group,
        )

    def _given(self, name: str) -> bool:
        return self._section.given(name) or self._section.given(f"{name}_file")

    def _pem(self, name: str) -> Pem | None:
        section = self._section
        file = section.value(f"{name}_file", _FILE, _path)
        text = section.value(name, "PEM text", _not_empty, secret=True)
        if section.given(name) and section.given(f"{name}_file"):
            got = "both"
            self._problems.add(section.path, f"either {name} or {name}_file", got=got)
        elif file is not None:
            return Pem(section.at(f"{name}_file"), file=self._directory / file)
        elif text is not None:
            return Pem(section.at(name), text=text)
        return None

    def _client_auth(self) -> tuple[ClientAuth, frozenset[str] | None]:
        section = self._section
        name = section.value("client_auth_type", _listed(_AUTH_TYPES), _one_of(_AUTH_TYPES))
        said = section.given("client_auth_type")
        kind = _AUTH_TYPES[name or "NoClientCert"]
        if kind is ClientAuth.NONE and (name or not said):
            for key in ("client_ca", "client_ca_file"):
                if section.given(key):
                    self._problems.add(
                        section.at("client_auth_type"),
                        f"one that verifies, beside {key}: "
                        "VerifyClientCertIfGiven or RequireAndVerifyClientCert",
                        at=section.path,
                    )
        if kind is ClientAuth.REQUIRE_ANY:
            self._remarks.append(
                f"client_auth_type {name} verifies no certificate: whoever makes one gets in"
            )
        items = section.values("client_allowed_sans", "a DNS name, IP, e-mail or URI", _not_empty)
        if items is None:
            return kind, None
        if not items:
            self._problems.add(section.at("client_allowed_sans"), "at least one", got="none")
        if kind is not ClientAuth.REQUIRE_AND_VERIFY and (name or not said):
            self._problems.add(
                section.at("client_auth_type"),
                "RequireAndVerifyClientCert, beside client_allowed_sans",
                at=section.path,
            )
        return kind, frozenset(canonical(item) for item in items if item is not None)

    def _versions(self) -> tuple[ssl.TLSVersion, ssl.TLSVersion]:
        choice = _one_of(VERSIONS)
        low = self._section.value("min_version", _listed(VERSIONS), choice) or "TLS12"
        high = self._section.value("max_version", _listed(VERSIONS), choice) or "TLS13"
        if VERSIONS[low] > VERSIONS[high]:
            place = "max_version" if self._section.given("max_version") else "min_version"
            self._problems.add(
                self._section.at(place), f"a max_version of at least min_version, {low}"
            )
        return VERSIONS[low], VERSIONS[high]

    def _ciphers(self, maximum: ssl.TLSVersion) -> tuple[str, ...] | None:
        names = self._section.values(
            "cipher_suites", "a cipher suite that Go has and calls secure", _cipher
        )
        if not names:
            return None
        ciphers = tuple(CIPHERS[name] for name in names if name in CIPHERS)
        if not ciphers and None not in names and maximum < ssl.TLSVersion.TLSv1_3:
            self._problems.add(
                self._section.at("cipher_suites"),
                "a cipher suite of TLS 1.2 or older, as max_version is",
                got="only such of TLS 1.3",
            )
        return ciphers

    def _group(self, client_auth: ClientAuth) -> str | None:
        names = self._section.values("curve_preferences", _listed(GROUPS), _one_of(GROUPS))
        if not names or names[0] is None:
            return None
        if len(names) > 1:
            self._remarks.append(
                "Of curve_preferences only the first is used; Python's TLS takes one"
            )
        if names[0] == "X25519" and client_auth in (ClientAuth.REQUEST, ClientAuth.REQUIRE_ANY):
            self._problems.add(
                self._section.at("curve_preferences"),
                f"another curve first, or none, beside {client_auth.value}",
                because="pyOpenSSL, which takes such certificates, cannot be told this one",
            )
        return GROUPS[names[0]]


def _listed(choices: Collection[str]) -> str:
    *most, last = choices
    return f"{', '.join(most)} or {last}"


def _one_of(choices: Collection[str]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError
        return text

    return parse


def _cipher(text: str) -> str:
    if text not in CIPHERS and text not in TLS13_CIPHERS:
        raise ValueError(f"known: {', '.join((*CIPHERS, *sorted(TLS13_CIPHERS)))}")
    return text


def _path(text: str) -> str:
    if not _PATH.fullmatch(text):
        raise ValueError
    return text


def _not_empty(text: str) -> str:
    if not text.strip():
        raise ValueError
    return text
