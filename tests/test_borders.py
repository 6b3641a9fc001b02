"""One way through the house: which room may import which, and what from outside.

The rooms and their order are those of the architecture. A room may import the rooms of its row
and nothing else of ours; each name is a module or a package under ``exporter``. That no room
reaches back follows from the order of the rows: a row names only rooms above it.
"""

from __future__ import annotations

import ast
import re
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import exporter

ROOT = Path(exporter.__file__).parent
TESTS = Path(__file__).parent

ROOMS: dict[str, set[str]] = {
    "__init__": set(),
    "clock": set(),
    "log": set(),
    "simulator": set(),
    "config": set(),
    "quantconnect": set(),
    "metrics": set(),
    "sources": {"config", "quantconnect", "metrics"},
    "exposition": {"metrics"},
    "store": {"clock", "exposition"},
    "telemetry": {"metrics"},
    "poller": {
        *("clock", "log", "config", "quantconnect", "metrics", "sources", "exposition", "store"),
        "telemetry",
    },
    "backfill": {
        *("clock", "log", "quantconnect", "metrics", "sources", "exposition", "poller"),
    },
    "web": {"clock", "log", "config", "sources", "exposition", "store", "telemetry"},
    "cli": {
        *("__init__", "clock", "log", "simulator", "config", "quantconnect", "sources"),
        *("exposition", "store", "telemetry", "poller", "backfill", "web"),
    },
    "__main__": {"cli"},
}

OUTSIDE: dict[str, set[str]] = {
    "simulator": set(),
    "config": {"msgspec", "yaml"},
    "quantconnect": {"certifi", "h11", "msgspec", "requests", "urllib3"},
    "exposition": {"isal", "msgspec", "prometheus_client"},
    "telemetry": {"prometheus_client"},
    "web": {"bcrypt", "h11", "msgspec"},
    "sources": {"msgspec"},
}

# The class of values, which any room may have.
VALUES = {("msgspec", "Struct"), ("msgspec", "field"), ("msgspec.structs", "replace")}


def room_of(module: str) -> str:
    """``exporter.web.app`` is in the room ``web``; ``exporter`` itself is ``__init__``."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def module_of(file: Path) -> str:
    parts = file.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


@cache
def imported(module: str) -> set[str]:
    """Every module that a module imports, anywhere in it, for types only included."""
    file = FILES[module]
    found: set[str] = set()
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: a relative import"
            assert node.module is not None
            if VALUES.issuperset((node.module, alias.name) for alias in node.names):
                continue
            # ``from exporter import log`` imports the room, ``from exporter import __version__``
            # what is in the package itself.
            found |= (
                {
                    f"exporter.{alias.name}"
                    if (ROOT / alias.name).with_suffix(".py").exists()
                    or (ROOT / alias.name).is_dir()
                    else "exporter"
                    for alias in node.names
                }
                if node.module == "exporter"
                else {node.module}
            )
    return found


FILES = {module_of(file): file for file in sorted(ROOT.rglob("*.py"))}


def test_every_module_is_in_a_room() -> None:
    assert {room_of(module) for module in FILES} == ROOMS.keys()


def test_the_rooms_stand_in_order() -> None:
    """No room may import one that comes after it: then there can be no cycle."""
    before: set[str] = set()
    for room, may in ROOMS.items():
        assert may <= before, f"{room} reaches back to {may - before}"
        before.add(room)


@pytest.mark.parametrize("module", FILES)
def test_a_module_keeps_to_its_rooms_borders(module: str) -> None:
    room = room_of(module)
    ours = {room_of(name) for name in imported(module) if name.split(".")[0] == "exporter"}
    assert ours <= ROOMS[room] | {room}


@pytest.mark.parametrize("module", FILES)
def test_a_module_uses_only_the_libraries_of_its_room(module: str) -> None:
    outside = {name.split(".")[0] for name in imported(module)} - {"exporter"}
    libraries = outside - sys.stdlib_module_names
    assert libraries <= OUTSIDE.get(room_of(module), set())


def test_nothing_is_allowed_that_is_not_used() -> None:
    used: dict[str, set[str]] = {room: set() for room in ROOMS}
    libraries: dict[str, set[str]] = {room: set() for room in ROOMS}
    for module in FILES:
        room = room_of(module)
        for name in imported(module):
            if name.split(".")[0] == "exporter":
                used[room].add(room_of(name))
            elif name.split(".")[0] not in sys.stdlib_module_names:
                libraries[room].add(name.split(".")[0])
    assert {room: names - {room} for room, names in used.items()} == ROOMS
    assert {room: names for room, names in libraries.items() if names} == {
        room: names for room, names in OUTSIDE.items() if names
    }


def test_modules_import_each_other_in_no_circle() -> None:
    """Inside the rooms, too; what is imported for types only does not run, so does not count."""
    graph: dict[str, set[str]] = {}
    for module, file in FILES.items():
        names: set[str] = set()
        for node in parsed(file).body:  # not inside functions and not under TYPE_CHECKING
            if isinstance(node, ast.ImportFrom) and node.module in FILES:
                names |= {
                    f"{node.module}.{alias.name}"
                    if f"{node.module}.{alias.name}" in FILES
                    else str(node.module)
                    for alias in node.names
                }
        graph[module] = names - {module}
    order = list(TopologicalSorter(graph).static_order())
    assert len(order) == len(FILES)


PATCHED = re.compile(r"""setattr\(\s*(?:[\w.]+,\s*)?["'](?:[\w.]+\.)?(?P<name>\w+)["']""")


def test_no_test_patches_what_is_private() -> None:
    """By its name; what is told of an object itself, ruff finds."""
    found = [
        (str(file), name)
        for folder in (TESTS, *TESTS.iterdir())
        for file in folder.glob("*.py")
        for name in PATCHED.findall(file.read_text(encoding="utf-8"))
    ]
    assert found
    assert [(file, name) for file, name in found if name.startswith("_")] == []


def test_the_package_has_a_version_and_nothing_else() -> None:
    assert exporter.__version__.count(".") == 2
    assert imported("exporter") == set()
