"""``quantconnect-exporter rules``: the recording rules and alerts of this version, as one file.

The source is the files in ``prometheus/rules`` and ``prometheus/past``, which are part of the
package (``exporter/rules`` and ``exporter/past`` are links to them). A flag changes parts of their
text, so that order and comments stay; without flags the text is unchanged.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from exporter.cli.configuration import load

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping, Sequence

FILES = ("quantconnect-recording.yml", "quantconnect-alerts.yml")
PAST = "quantconnect-past.yml"
RUNBOOKS = (
    "https://github.com/quantconnect-exporter/quantconnect-exporter/blob/main/docs/runbooks.md"
)
# The labels that name a project, and the start of the day, as written in every rule.
_LABELS = "account, project)"
_DAY = "time() % 86400"
_DAY_STARTS = "00:00 UTC"
# The offsets by which a rule looks at the start of a day: from one midnight to the next by default.
_DAY_OFFSET = re.compile(r"(?<=\boffset )(-?)86400s")
# The alert about log queries, up to the next empty line, and its metric.
_LOG_ALERT = re.compile(r"^ +- alert: QuantConnectLogQueryMatched\n(?:.+\n)+", re.MULTILINE)
_LOG_LINES = "project:quantconnect_live_log_lines:last_hour"
_LOG_SEVERITY = "warning"


def rules(options: argparse.Namespace) -> int:
    """Print the rules. Return 0, or 1 if the configuration is invalid."""
    from importlib.resources import files  # takes long, and only this command needs it

    labels = options.label
    severities: Mapping[str, str] = {}
    if options.config_file is not None:
        config = load(options)
        if config is None:
            return 1
        labels = list(dict.fromkeys([*labels, *config.label_names]))
        severities = config.log_severities
    if options.past:
        text = (files("exporter") / "past" / PAST).read_text("utf-8")
    else:
        recording, alerts = (
            (files("exporter") / "rules" / name).read_text("utf-8") for name in FILES
        )
        text = recording + "\n" + alerts.replace("\ngroups:\n", "\n", 1)
    print(
        adapted(
            text,
            labels=labels,
            severities=severities,
            day_starts=options.day_starts,
            runbooks=options.runbooks,
        ),
        end="",
    )
    return 0


def adapted(
    text: str,
    *,
    labels: Sequence[str],
    severities: Mapping[str, str],
    day_starts: int,
    runbooks: str,
) -> str:
    """Return the rules with a project's ``labels`` on its alerts, the ``severities`` of log queries
    by name, the start of the day (seconds after 00:00 UTC), and the URL of the ``runbooks``."""
    text = _LOG_ALERT.sub(lambda alert: _by_severity(alert[0], severities), text)
    text = text.replace(RUNBOOKS, runbooks)
    text = text.replace(_LABELS, f"{', '.join([_LABELS[:-1], *labels])})")
    if day_starts:
        text = text.replace(_DAY, f"({_DAY.replace(' %', f' - {day_starts}) %')}")
        text = _DAY_OFFSET.sub(rf"\g<1>{day_starts}s", text)
        text = text.replace(
            _DAY_STARTS, f"{day_starts // 3600:02}:{day_starts % 3600 // 60:02} UTC"
        )
    return text


def _by_severity(alert: str, severities: Mapping[str, str]) -> str:
    """Return the alert about log queries once for each severity.

    The default severity takes all queries except those of the others, so that every query has an
    alert, even one in another exporter's configuration.
    """
    others = {name: each for name, each in severities.items() if each != _LOG_SEVERITY}
    if not others:
        return alert
    queries = {_LOG_SEVERITY: f"query!~{_any_of(others)}"}
    for severity in sorted(set(others.values())):
        names = (name for name, each in others.items() if each == severity)
        queries[severity] = f"query=~{_any_of(names)}"
    return "\n".join(
        alert.replace(_LOG_LINES, f"{_LOG_LINES}{{{selected}}}").replace(
            f"severity: {_LOG_SEVERITY}", f"severity: {severity}"
        )
        for severity, selected in queries.items()
    )


def _any_of(names: Iterable[str]) -> str:
    """Return a PromQL string with a regular expression that matches each of the names."""
    pattern = "|".join(re.escape(name) for name in names)
    quoted = pattern.replace("\\", "\\\\").replace('"', '\\"')
    # YAML reads some unprintable characters as line ends.
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in quoted) + '"'


def time_of_day(text: str) -> int:
    """Return the seconds of a time such as 22:00.

    The rules look at the past in steps of five minutes. Raises ValueError for other times.
    """
    match = re.fullmatch(r"([01]\d|2[0-3]):([0-5][05])", text)
    if match is None:
        raise ValueError(f"expected HH:MM (UTC), the minutes a multiple of 5, got {text!r}")
    return int(match[1]) * 3600 + int(match[2]) * 60


def runbooks_url(text: str) -> str:
    """Return the URL of a page with a heading for each alert. Raises ValueError."""
    if not re.fullmatch(r"https?://[^\s#\"'{}]+", text):
        raise ValueError(f"expected an http:// or https:// URL without #, got {text!r}")
    return text
