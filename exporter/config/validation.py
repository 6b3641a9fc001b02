"""Checks across several keys: names, ids, tokens, and that something is read.

The reader has checked the single values. A value that failed there is passed over here, so that
one mistake gives one problem.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET

from exporter.config.duration import format_duration
from exporter.config.problems import child, item
from exporter.config.secret import read_token_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from msgspec import UnsetType

    from exporter.config.problems import Problems
    from exporter.config.schema import AccountEntry, DefaultsEntry, Document, LogQueryEntry


def validate(document: Document, problems: Problems, *, directory: Path) -> None:
    """Add to ``problems`` all that is wrong between the document's values.

    Relative paths in the document start from ``directory``.
    """
    _check_statistics(document.defaults, "defaults", problems)
    if document.accounts is UNSET:
        return
    if not document.accounts:
        problems.add("accounts", "at least one account", got="an empty list")
    accounts = {item("accounts", index): entry for index, entry in enumerate(document.accounts)}
    sound = {path: entry for path, entry in accounts.items() if not problems.has_failed(path)}
    _check_names(sound, problems, several=len(accounts) > 1)
    _check_project_ids(sound, problems)
    _check_severities(document, sound, problems)
    for path, entry in sound.items():
        _check_token(entry, path, problems, directory)
        _check_discover(entry, path, problems)
        _check_listing(document, entry, path, problems)
        _check_statistics(entry.defaults, child(path, "defaults"), problems)
        for index, project in enumerate(entry.projects or ()):
            _check_statistics(project, item(child(path, "projects"), index), problems)


def _check_names(accounts: dict[str, AccountEntry], problems: Problems, *, several: bool) -> None:
    seen: dict[str, str] = {}
    for account, entry in accounts.items():
        path = child(account, "name")
        if entry.name is None:
            if several and not problems.is_given(path):
                problems.add(path, "a name, as there is more than one account", at=account)
        elif entry.name in seen:
            problems.add(path, f"a name of its own, not that of {seen[entry.name]}")
        else:
            seen[entry.name] = account


def _check_project_ids(accounts: dict[str, AccountEntry], problems: Problems) -> None:
    """A project has one set of series in all accounts, so its id can be listed only once."""
    seen: dict[int, str] = {}
    for account, entry in accounts.items():
        for index, project in enumerate(entry.projects or ()):
            path = item(child(account, "projects"), index)
            if project.id is UNSET:
                continue
            if project.id in seen:
                already = f"{problems.place(seen[project.id])} has it already"
                problems.add(child(path, "id"), "each project once", because=already)
            else:
                seen[project.id] = path


def _check_severities(
    document: Document, accounts: dict[str, AccountEntry], problems: Problems
) -> None:
    """The alert about log queries goes by their names, so a name has one severity."""
    places: dict[str, Mapping[str, LogQueryEntry | UnsetType]] = {
        "log_queries": document.log_queries or {}
    }
    for account, entry in accounts.items():
        for index, project in enumerate(entry.projects or ()):
            path = item(child(account, "projects"), index)
            places[child(path, "log_queries")] = project.log_queries or {}
    seen: dict[str, tuple[str, str]] = {}
    for queries, entries in places.items():
        for name, query in entries.items():
            place = child(queries, name)
            path = child(place, "severity")
            if query is UNSET or problems.has_failed(path):
                continue
            first, severity = seen.setdefault(name, (place, query.severity))
            if query.severity != severity:
                problems.add(
                    path,
                    f"{severity}, as {problems.place(first)} has it",
                    got="" if problems.is_given(path) else f"the default {query.severity}",
                    because="give it another name, for each name has one alert",
                    at=place,
                )


def _check_token(entry: AccountEntry, path: str, problems: Problems, directory: Path) -> None:
    inline, file = child(path, "api_token"), child(path, "api_token_file")
    if problems.is_given(inline) and problems.is_given(file):
        problems.add(path, "either api_token or api_token_file", got="both")
    elif not problems.is_given(inline) and not problems.is_given(file):
        problems.add(path, "api_token or api_token_file", got="neither")
    elif entry.api_token_file is not None:
        try:
            read_token_file(directory / entry.api_token_file)
        except ValueError as error:
            problems.add(file, "a file that holds the API token", because=str(error))


def _check_discover(entry: AccountEntry, account: str, problems: Problems) -> None:
    path, projects = child(account, "discover"), child(account, "projects")
    enabled = child(path, "enabled")
    if entry.discover is not None and not problems.is_given(enabled):
        others = [
            key for key in entry.discover.__struct_fields__ if problems.is_given(child(path, key))
        ]
        if others:
            # The default, false, is hardly meant where the other keys are set.
            problems.add(enabled, f"true or false, next to {' and '.join(others)}", at=path)
            return
    if any(problems.has_failed(place) for place in (path, projects, enabled)):
        return
    discovers = entry.discover is not None and entry.discover.enabled
    left_out = not problems.is_given(path) and not problems.is_given(projects)
    if not entry.projects and not discovers and not left_out:
        problems.add(
            account,
            "projects, or discover with enabled: true (as without either key)",
            got="an account without anything to read",
        )


def _check_listing(
    document: Document, entry: AccountEntry, account: str, problems: Problems
) -> None:
    """The budget must allow live/list, which is never put off; discovery depends on it."""
    interval, rate = document.status_interval, entry.requests_per_minute
    if not interval:
        if _discovers(entry) and not problems.has_failed("status_interval"):
            problems.add(
                account,
                "projects, or a status_interval above 0s, whose reading lists the live projects",
                got="discovery with status_interval 0s",
            )
    elif rate <= 60 / interval:
        path = child(account, "requests_per_minute")
        problems.add(
            path,
            f"more than {60 / interval:g}",
            got="" if problems.is_given(path) else f"the default {rate:g}",
            because=f"listing the live projects every {format_duration(interval)} alone takes"
            f" {60 / interval:g} a minute; raise this or status_interval",
            at=account,
        )


def _discovers(entry: AccountEntry) -> bool:
    return entry.discover.enabled if entry.discover is not None else not entry.projects


def _check_statistics(entry: DefaultsEntry | None, path: str, problems: Problems) -> None:
    names = (entry.statistics if entry else None) or ()
    for index, name in enumerate(names):
        place = item(child(path, "statistics"), index)
        if name in names[:index] and not problems.has_failed(place):
            problems.add(place, "each statistic once", because="it is there already")
