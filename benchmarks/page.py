"""docs/performance.md: the table, and on what it was measured."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import peers
from benchmarks.table import duration, markdown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.table import Row

_TEMPLATE = Path(__file__).with_name("performance.md.in")
_PACKAGES = (
    "msgspec",
    "isal",
    "h11",
    "requests",
    "prometheus-client",
)


def write(
    path: Path, rows: Sequence[Row], imports: Iterable[tuple[str, float]], arguments: str
) -> None:
    """Write the page."""
    reached = sum(row.met is True for row in rows)
    aimed = sum(row.met is not None for row in rows)
    page = _TEMPLATE.read_text(encoding="utf-8")
    values = {
        "table": markdown(rows).rstrip(),
        "reached": f"{reached} of {aimed}",
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "command": f"python -m benchmarks{arguments}",
        "machine": f"{_processor()}, {os.cpu_count()} cores",
        "load": f"{os.getloadavg()[2]:.1f}",
        "versions": ", ".join(_versions()),
        "imports": ", ".join(f"{name} {duration(seconds)}" for name, seconds in imports),
    }
    for name, value in values.items():
        page = page.replace("{{" + name + "}}", value)
    path.write_text(page, encoding="utf-8")


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _versions() -> Iterable[str]:
    yield f"Python {platform.python_version()}"
    for package in _PACKAGES:
        try:
            yield f"{package} {version(package)}"
        except PackageNotFoundError:
            continue
    if shutil.which("go"):
        said = subprocess.run(["go", "version"], check=True, capture_output=True, text=True).stdout
        yield said.split()[2].replace("go", "Go ")
        module = "github.com/prometheus/client_golang "
        pinned = (Path(__file__).parent / "go" / "go.mod").read_text().partition(module)[2]
        yield f"client_golang {pinned.split()[0]}"
    program = peers.find_nginx()
    if program is not None:
        said = subprocess.run([program, "-v"], check=True, capture_output=True, text=True).stderr
        yield said.strip().rpartition(" ")[2].replace("/", " ")
