"""One target in this process: ``python -m tests.fuzz.engine TARGET SECONDS CORPUS ARTIFACTS``.

Tells on stderr how many inputs it was, in libFuzzer's words.
"""

from __future__ import annotations

import sys
import time
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST = 4096  # bytes of an input
_SLOWEST = 20  # seconds that one may take, on a machine that does much else


def by_atheris(name: str, seconds: int, corpus: Path, artifacts: Path) -> None:
    """Inputs that reach ever more of the exporter's code; ends the process."""
    atheris: Any = import_module("atheris")
    with atheris.instrument_imports(include=["exporter"]):
        target = import_module("tests.fuzz.targets").TARGETS[name]
    arguments = [
        sys.argv[0],
        str(corpus),
        f"-max_total_time={seconds}",
        f"-max_len={_LONGEST}",
        f"-timeout={_SLOWEST}",
        "-print_final_stats=1",
        "-verbosity=0",
        "-rss_limit_mb=2048",
        f"-artifact_prefix={artifacts}/{name}-",
    ]
    atheris.Setup(arguments, target)
    atheris.Fuzz()


def by_hypothesis(name: str, seconds: int, corpus: Path, artifacts: Path) -> None:
    """Inputs of hypothesis, and the corpus with random edits."""
    from hypothesis import HealthCheck, given, settings
    from hypothesis import strategies as st

    from tests.fuzz.targets import TARGETS
    from tests.fuzz.test_fuzz import edited

    target: Callable[[bytes], None] = TARGETS[name]
    originals = [path.read_bytes() for path in sorted(corpus.iterdir())]
    deadline = time.monotonic() + seconds
    executed = 0
    last = b""

    @settings(
        max_examples=500, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(st.one_of(st.binary(max_size=_LONGEST), edited(originals)))
    def dealt_with(data: bytes) -> None:
        nonlocal executed, last
        executed, last = executed + 1, data
        target(data)

    try:
        while time.monotonic() < deadline:
            dealt_with()
    except Exception:
        (artifacts / f"{name}-found").write_bytes(last)
        raise
    finally:
        print(f"stat::number_of_executed_units: {executed}", file=sys.stderr)


def main() -> None:
    """As the command line says."""
    name, seconds, corpus, artifacts = sys.argv[1:]
    engine = by_atheris if find_spec("atheris") else by_hypothesis
    engine(name, int(seconds), Path(corpus), Path(artifacts))


if __name__ == "__main__":
    main()
