"""What a doctor's examination found, as rows for people, and what to do about it."""

from __future__ import annotations

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


@dataclass
class Report:
    """Rows of what, how and why, printed as they come; and what they come to."""

    failures: int = 0
    unmanaged: int = 0
    """Projects that hold positions and do not run."""
    _width: int = field(default=34, init=False)

    def row(self, what: str, result: str, detail: str, *, failed: bool = False) -> None:
        """What was looked at, how that went, and what was found."""
        self.failures += failed
        print(f"{what:<{self._width}}  {result:<6}  {detail}".rstrip(), flush=True)

    def ok(self, what: str, detail: str = "") -> None:
        """All is well with it."""
        self.row(what, "ok", detail)

    def note(self, what: str, detail: str) -> None:
        """Reading works, but somebody should know this."""
        self.row(what, "note", detail)

    def fail(self, what: str, detail: str, advice: str) -> None:
        """Something has to be mended."""
        self.row(what, "FAILED", detail, failed=True)
        print(f"{'':<{self._width}}          → {advice}", flush=True)

    def end(self) -> None:
        """The last line: what there is to do."""
        said = f"{plural(self.failures, 'thing')} to mend." if self.failures else "Reading works."
        if self.unmanaged:
            do = "does not run and holds" if self.unmanaged == 1 else "do not run and hold"
            said += f" {plural(self.unmanaged, 'project')} {do} positions."
        elif not self.failures:
            said = "All is well."
        print(f"\n{said}")


def plural(number: int, one: str, many: str = "") -> str:
    """``number`` of something, in words."""
    return f"{number} {one if number == 1 else many or one + 's'}"
