"""What a doctor's examination found, as rows for people, and what to do about it."""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass, field

from exporter.quantconnect.errors import Reason

ADVICE = {
    Reason.AUTH: "check user_id and the token (both are on your account page at QuantConnect) and"
    " this machine's clock; QuantConnect locks out who tries too often",
    Reason.RATE_LIMIT: "lower requests_per_minute, or wait: somebody else uses the same account",
    Reason.TIMEOUT: "check the network and any proxy; raise request_timeout if it is only slow",
    Reason.CONNECTION: "check the network, name resolution, HTTPS_PROXY and base_url",
    Reason.TLS: "check this machine's clock and certificates (REQUESTS_CA_BUNDLE), and any proxy",
    Reason.HTTP_4XX: "check base_url; a proxy or firewall may be in the way",
    Reason.HTTP_5XX: "QuantConnect has a problem: try again later",
    Reason.API_ERROR: "check that the project exists and that this user may see it",
    Reason.MALFORMED: "check base_url; a proxy or a login page may be in the way",
    Reason.TOO_LARGE: "raise max_holdings_per_project if the portfolio is meant to be so large",
    Reason.NOT_READY: "nothing to do: a new deployment has no portfolio for about ten minutes,"
    " and a project that was never deployed has none",
}


# Room for the longest message that QuantConnect's answers are cut to, and what is said around it.
_LONGEST = 500


@dataclass
class Report:
    """Rows of what, how and why, printed as they come; and what they come to."""

    failures: int = 0
    notes: int = 0
    unmanaged: int = 0
    """Projects that hold positions and do not run."""
    _width: int = field(default=34, init=False)

    def row(self, what: str, result: str, detail: str, advice: str = "") -> None:
        """What was looked at, how that went, what was found, and what to do about it."""
        what = on_one_line(what)
        print(f"{what:<{self._width}}  {result:<6}  {on_one_line(detail)}".rstrip(), flush=True)
        if advice:
            print(f"{'':<{self._width}}          {_arrow()} {advice}", flush=True)

    def ok(self, what: str, detail: str = "") -> None:
        """All is well with it."""
        self.row(what, "ok", detail)

    def note(self, what: str, detail: str, advice: str = "") -> None:
        """Reading works, but somebody should know this."""
        self.notes += 1
        self.row(what, "note", detail, advice)

    def fail(self, what: str, detail: str, advice: str) -> None:
        """Something has to be mended."""
        self.failures += 1
        self.row(what, "FAILED", detail, advice)

    def end(self) -> None:
        """The last line: what there is to do."""
        if self.failures:
            said = f"{plural(self.failures, 'thing')} to mend."
        elif self.notes:
            said = f"Reading works, with {plural(self.notes, 'note')} above."
        else:
            said = "All is well."
        if self.unmanaged:
            do = "does not run and holds" if self.unmanaged == 1 else "do not run and hold"
            said += f" {plural(self.unmanaged, 'project')} {do} positions."
        print(f"\n{said}")


def degrade() -> None:
    """Let standard output escape what its encoding does not have: a table is for people."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def on_one_line(text: str, most: int = _LONGEST) -> str:
    """What others wrote, fit for a terminal: one line, at most so long, control signs escaped."""
    line = " ".join(text.split())
    if len(line) > most:
        line = line[: most - 1] + "…"
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in line
    )


def _arrow() -> str:
    try:
        "→".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return "->"
    return "→"


def plural(number: int, one: str, many: str = "") -> str:
    """``number`` of something, in words."""
    return f"{number} {one if number == 1 else many or one + 's'}"
