"""The simulator shares nothing with what it is there to test."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import exporter.simulator

HOME = Path(exporter.simulator.__file__).parent


def imported(module: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names.add(node.module or "")
    return names


def test_it_imports_the_standard_library_and_itself() -> None:
    modules = sorted(HOME.glob("*.py"))
    assert len(modules) > 10
    for module in modules:
        for name in imported(module):
            allowed = name.startswith("exporter.simulator") or (
                name.partition(".")[0] in sys.stdlib_module_names
            )
            assert allowed, f"{module.name} imports {name}"


def test_its_public_face_is_complete() -> None:
    assert all(hasattr(exporter.simulator, name) for name in exporter.simulator.__all__)
