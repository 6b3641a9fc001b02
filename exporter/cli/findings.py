"""The doctor's findings, as rows for people, with advice."""

from __future__ import annotations

import io
import re
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from exporter.quantconnect.errors import Reason

if TYPE_CHECKING:
    from exporter.store import SourceReport

_LOCKS_OUT = "QuantConnect locks an account out after too many tries"
_IN_THE_WAY = "check base_url; a proxy, a firewall or a login page may be in the way"

REPORT_IT: Final = "run it with --log.level=debug and report what it logs"
ADVICE: Final[dict[str, str]] = {
    Reason.RATE_LIMIT: "lower requests_per_minute, or wait: another client uses the same account",
    Reason.TIMEOUT: "check the network and any proxy; raise request_timeout if it is only slow",
    Reason.CONNECTION: "check the network, name resolution, HTTPS_PROXY and base_url",
    Reason.TLS: "check this machine's clock and certificates (REQUESTS_CA_BUNDLE), and any proxy",
    Reason.HTTP_5XX: "QuantConnect has a problem: try again later",
    Reason.API_ERROR: "check that the project exists and that this user may see it",
    Reason.MALFORMED: _IN_THE_WAY,
    Reason.TOO_LARGE: "raise max_holdings_per_project if the portfolio is meant to be so large",
    Reason.NOT_READY: "nothing to do but wait: a moment, or about ten minutes for the portfolio of"
    " a new deployment; a project that was never deployed has none",
}


_OTHER_CURRENCY = re.compile(r"the account is in .* now, but its series are in ")
_LOCKED_OUT = re.compile("too many failed attempts", re.IGNORECASE)
_USER_ID = re.compile(r"user ?id (is )?not valid", re.IGNORECASE)
_TOKEN = re.compile(r"hash|token", re.IGNORECASE)
_TIMESTAMP = re.compile("timestamp", re.IGNORECASE)

# Room for two of QuantConnect's messages, which are truncated elsewhere, and the text around them.
_LONGEST = 1000


@dataclass
class Report:
    """A table of findings, printed row by row, and its totals."""

    failures: int = 0
    notes: int = 0
    projects: int = 0
    """The configured or discovered projects, readable or not."""
    unmanaged: int = 0
    """Projects that hold positions and do not run."""
    _width: int = field(default=34, init=False)

    def row(self, what: str, result: str, detail: str, advice: str = "") -> None:
        """Print a row: the subject, the result, details, and the advice."""
        what = on_one_line(what)
        print(f"{what:<{self._width}}  {result:<6}  {on_one_line(detail)}".rstrip(), flush=True)
        if advice:
            print(f"{'':<{self._width}}          {_arrow()} {advice}", flush=True)

    def ok(self, what: str, detail: str = "") -> None:
        """Print a row without a problem."""
        self.row(what, "ok", detail)

    def note(self, what: str, detail: str, advice: str = "") -> None:
        """Print a remark; reads work all the same."""
        self.notes += 1
        self.row(what, "note", detail, advice)

    def fail(self, what: str, detail: str, advice: str) -> None:
        """Print a problem to fix."""
        self.failures += 1
        self.row(what, "FAILED", detail, advice)

    def end(self) -> None:
        """Print the last line: the number of problems and notes."""
        if self.failures:
            said = f"{plural(self.failures, 'problem')} to fix."
        elif not self.projects:
            said = "Nothing is read."
        elif self.notes:
            said = f"Reading works, with {plural(self.notes, 'note')} above."
        else:
            said = "All is well."
        if self.unmanaged:
            do = "does not run and holds" if self.unmanaged == 1 else "do not run and hold"
            said += f" {plural(self.unmanaged, 'project')} {do} positions."
        print(f"\n{said}")


def about_credentials(call: SourceReport, *, user_id: int, is_clock_right: bool) -> str:
    """Return the advice for a failed ``authenticate``."""
    if call.reason == Reason.HTTP_4XX:
        return f"{_IN_THE_WAY}; else check user_id and the token"
    if call.reason not in (Reason.AUTH, Reason.API_ERROR):
        return ADVICE.get(call.reason, REPORT_IT)
    if call.is_from_between:
        return _IN_THE_WAY
    clock = "" if is_clock_right else " and this machine's clock"
    if call.reason == Reason.AUTH and _LOCKED_OUT.search(call.error):
        return (
            "stop every other client with wrong credentials, and wait before the next try: each"
            " try may prolong the lockout"
        )
    if _USER_ID.search(call.error):
        check = "check user_id: it is on your account page at QuantConnect"
    elif _TOKEN.search(call.error):
        check = (
            f"check the token{clock}: it must be the one on the account page of user {user_id}"
            " at QuantConnect"
        )
    elif _TIMESTAMP.search(call.error):
        check = (
            "a proxy may drop or change the Timestamp header"
            if is_clock_right
            else "set this machine's clock (NTP); signatures carry the time"
        )
    else:
        check = f"check user_id and the token{clock}: both are on your account page at QuantConnect"
    return f"{check}; {_LOCKS_OUT}"


def about_call(call: SourceReport, refused: str) -> str:
    """Return the advice for a failed call of an account with accepted credentials.

    ``refused`` is the advice if QuantConnect itself refuses, not a proxy or firewall.
    """
    if _OTHER_CURRENCY.search(call.error):
        return "list it under projects with its own account_currency"
    if call.reason not in (Reason.AUTH, Reason.HTTP_4XX):
        return ADVICE.get(call.reason, REPORT_IT)
    return _IN_THE_WAY if call.is_from_between else refused


def degrade() -> None:
    """Make standard output escape characters that its encoding lacks: people read the table."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def on_one_line(text: str, most: int = _LONGEST) -> str:
    """Return untrusted text on one line of limited length, with control characters escaped."""
    line = " ".join(text.split())
    if len(line) > most:
        line = line[: most - 1] + "…"
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in line
    )


def _arrow() -> str:
    try:
        "→".encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except UnicodeEncodeError:
        return "->"
    return "→"


def plural(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun in singular or plural."""
    return f"{number} {one if number == 1 else many or one + 's'}"
