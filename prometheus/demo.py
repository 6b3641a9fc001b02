"""``make demo``: the exporter against a simulated QuantConnect, and Prometheus if it is installed.

The exporter runs as a user would run it. Where Debian's Prometheus and Alertmanager are installed
they run beside it, with this repository's rules and a past of a month, since a graph of two
minutes says little.
"""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from exporter.cli.demo import configuration
from exporter.simulator import World
from prometheus import history
from prometheus.stack import ROOT, Alertmanager, Prometheus, Stack, free_port, installed

if TYPE_CHECKING:
    from types import FrameType

EXPORTER = "127.0.0.1:10270"
DIRECTORY = ROOT / ".demo"


def main() -> int:
    """Run until Ctrl-C."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    started = time.time()
    exporter = subprocess.Popen(
        [
            str(Path(sys.executable).parent / "quantconnect-exporter"),
            "demo",
            f"--simulator.started={started:.3f}",
            f"--web.listen-address={EXPORTER}",
        ],
        start_new_session=True,
    )
    try:
        if installed():
            _with_prometheus(started, exporter)
        else:
            print("Prometheus and Alertmanager are not installed: the exporter runs alone.")
            exporter.wait()
    except KeyboardInterrupt:
        print("\nEnding the demo.", flush=True)
    finally:
        exporter.terminate()
        exporter.wait()
    return 0


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _with_prometheus(started: float, exporter: subprocess.Popen[bytes]) -> None:
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    data = DIRECTORY / "data"
    data.mkdir(parents=True)
    print("Writing a past of a month for Prometheus, some ten seconds.", flush=True)
    # The exporter's own configuration of the demo, for the labels that the past must have.
    settings = configuration("http://127.0.0.1", World.demo(started=started).project_ids)
    history.load(history.Past(settings, started=started, target=EXPORTER), data)
    alertmanager = Alertmanager(DIRECTORY, port=_port(9093), quicken=10)
    prometheus = Prometheus(
        DIRECTORY,
        targets=[EXPORTER],
        alertmanager=alertmanager.address,
        interval=5.0,
        port=_port(9090),
    )
    with Stack(prometheus, alertmanager):
        print(
            f"\n  http://{EXPORTER}/            the exporter\n"
            f"  {prometheus.url}/graph       Prometheus: quantconnect_live_equity and the like\n"
            f"  {prometheus.url}/alerts      the alerts, which one algorithm will fire in minutes\n"
            f"  {alertmanager.url}/             Alertmanager: what somebody would be told\n"
            "The dashboards in grafana/ are for a Grafana of yours: `docker compose up` has one.\n",
            flush=True,
        )
        recorder = threading.Thread(
            target=history.record, args=(data,), kwargs={"started": started}, daemon=True
        )
        recorder.start()
        exporter.wait()


def _port(preferred: int) -> int:
    """That port, or any free one where somebody has it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", preferred))
        except OSError:
            return free_port()
    return preferred


if __name__ == "__main__":
    sys.exit(main())
