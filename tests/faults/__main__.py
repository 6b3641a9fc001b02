"""``python -m tests.faults``: docs/faults.md, written from the catalogue that the tests try."""

from __future__ import annotations

import html
from dataclasses import replace
from typing import TYPE_CHECKING

from exporter.poller.schedule import FIRST_BACKOFF, LONGEST_BACKOFF
from tests.faults import answers, contents, elsewhere, processes, scene, stories

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.faults.told import Told

_INTRODUCTION = """\
# Faults

What goes wrong around this exporter, and what it then does. Written by `python -m tests.faults`
from the tables in `tests/faults/`, of which each row is a test that does this to an exporter and
asserts what is said here; edit those. There are {number} of them.

While each of them happens, somebody scrapes on and on over HTTP, each {every:g} ms, or each
{process_every:g} ms where the exporter is a process of its own, and looks at its pages: every
scrape must be answered and parse, none may hold a number that is not one, a series twice, or half a
portfolio, or numbers of two. Neither the API token nor any signature that QuantConnect was sent may
be in anything that comes out: the scrapes and pages and their headers, the log at any level and in
either format, stdout, the command line.

The columns are compared with what the exporter really did:

- **published** is what the scrapes had of the portfolio of project 1, which is the one that it
  befalls; project 2 is there to be left alone.
- **logged** is every message above debug, and how often it came for the same thing (project,
  source, call, error, field); a row fails if another message is logged.
- **counted** is every counter that went up, but for `quantconnect_api_requests_total` and
  `quantconnect_exporter_http_requests_total`, and every 0 of `quantconnect_read_success`,
  `quantconnect_api_authenticated` and `quantconnect_exporter_config_last_reload_successful`, and a
  `quantconnect_api_clock_skew_seconds` of more than half a minute; a row fails if another moves.
- **recovers**: in the end every source of both projects has been read again, and `/-/healthy` is
  200, unless the row says otherwise.

Of the process's own log the usual lines of a start and an end are left out.
"""


_ANSWERS = """\
## Answers that cost a read

Each of these befalls the reading of one project's portfolio until it is over. In every case:

- **Published**: the portfolio that was read before, byte for byte, and
  `quantconnect_read_success{{source="portfolio"}}` 0. When the last good read is older than
  `stale_after` (or three intervals), it is withdrawn, and nothing else is.
- **Others**: the other projects, and this one's status and statistics, are read as ever.
- **Logged**: “Reading failed” once, with the reason and the error below; nothing else.
- **Counted**: each call once in `quantconnect_api_request_failures_total`, for the reason below;
  nothing else.
- **Recovers**: it is asked again after a random wait of up to {first:g} s, doubling to
  {longest:g} minutes; the next good answer is published whole, and “Reading succeeds again” is
  logged once.
"""

_ELSEWHERE = """\
## The same at the other endpoints

Each of these, until it is over, at each of `{endpoints}`: {faults}. For the same reason and with
the same error as above. And at `projects/read`: {more}.
"""

_ONCE = """\
And one call of each that is rejected or limited:
"""

_NAMES = """\
Names of project 1 that are none, in the listing and then in three answers of its own:
"""

_LEFT_OUT = """\
## Answers with something odd in them

What can be understood is published, what can't is left out: those samples are missing, all others
are there, and the read is a good one. `quantconnect_api_parse_problems_total` counts each read's
fields; the log says “Left out what could not be understood” once for each, and “Everything can be
understood again” with the next read without it, when all is there again.
"""

_HARMLESS = """\
## Answers that are odd, and understood

Nothing is left out, counted or logged.
"""


def page() -> str:
    """The whole page."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    lengths = map(
        len,
        (
            answers.FAILING,
            contents.LEFT_OUT,
            contents.HARMLESS,
            stories.STORIES,
            processes.PROCESSES,
            elsewhere.LASTING,
            elsewhere.ONCES,
            elsewhere.NAMES,
        ),
    )
    yield _INTRODUCTION.format(
        number=sum(lengths),
        every=scene.SCRAPE_EVERY * 1000,
        process_every=processes.SCRAPE_EVERY * 1000,
    )
    yield _ANSWERS.format(first=2 * FIRST_BACKOFF, longest=LONGEST_BACKOFF / 60)
    for title, section in answers.SECTIONS.items():
        yield f"### {title}\n"
        yield from _table(
            ("fault", "reason", "error"),
            ((entry.title, f"`{entry.reason}`", _code(entry.error)) for entry in section),
        )
    yield from _elsewhere()
    yield _LEFT_OUT
    yield from _table(
        ("fault", "missing", "counted by `field`", "found"),
        (
            (
                _text(entry.title),
                ", ".join(f"`{start.partition('{')[0]}`" for start in entry.without) or "nothing",
                ", ".join(f"`{field}`" for field in entry.problems) or "nothing",
                _code(entry.found) if entry.found else "nothing",
            )
            for entry in contents.LEFT_OUT
        ),
    )
    yield _HARMLESS
    yield "\n".join(f"- {_text(entry.title)}" for entry in contents.HARMLESS) + "\n"
    for title, stories_of_section in stories.SECTIONS.items():
        yield f"## {title}\n"
        yield from _stories(story.told for story in stories_of_section)
    yield "## The process\n"
    yield from _stories(story.told for story in processes.PROCESSES)


def _elsewhere() -> Iterator[str]:
    yield _ELSEWHERE.format(
        more="; ".join(entry.title for entry in elsewhere.NO_LISTINGS),
        endpoints="`, `".join(where.endpoint for where in elsewhere.ENDPOINTS),
        faults="; ".join(entry.title for entry in elsewhere.FAULTS),
    )
    example = elsewhere.FAULTS[0]
    yield from _table(
        ("endpoint", "published", "logged", "counted", "recovers"),
        (
            (
                f"`{where.endpoint}`",
                *(
                    cell.replace(f'reason="{example.reason}"', "reason=…")
                    for cell in where.told(example).cells()[1:]
                ),
            )
            for where in elsewhere.ENDPOINTS
        ),
    )
    yield _ONCE
    yield from _stories(
        replace(where.once(rejected=rejected), title=f"`{where.endpoint}`: {title}")
        for where, title, _, rejected in elsewhere.ONCES
    )
    yield _NAMES
    yield from _stories(
        replace(elsewhere.NAMELESS, title=f"{entry.title}: `{entry.error}`")
        for entry in elsewhere.NAMES
    )


def _stories(told: Iterable[Told]) -> Iterator[str]:
    yield from _table(
        ("fault", "published", "logged", "counted", "recovers"),
        (each.cells() for each in told),
    )


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield _row(head)
    yield _row(("---",) * len(head))
    for row in rows:
        yield _row(row)
    yield ""


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def _code(text: str) -> str:
    """As it is written, whatever is in it."""
    shown = text.replace("\n", " ")
    return f"`{shown}`" if "`" not in shown else _text(shown)


def _text(text: str) -> str:
    return html.escape(text, quote=False).replace("\n", " ")


if __name__ == "__main__":
    print(page(), end="")
