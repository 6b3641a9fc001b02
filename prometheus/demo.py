"""``make demo``: the exporter against a simulated QuantConnect, and Prometheus if it is installed.

The exporter runs as a user would run it. If Debian's Prometheus and Alertmanager are installed,
they run next to it, with this repository's rules and a past of a month, since a graph of two
minutes shows little.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from exporter.cli.demo import configuration
from exporter.simulator import World
from exporter.web.listen import Address, bind, parse_address
from prometheus.history import Past
from prometheus.stack import ROOT, Alertmanager, Prometheus, Stack, eventually, free_port, installed

if TYPE_CHECKING:
    from types import FrameType

_SCRAPE_INTERVAL = 5.0


def main() -> int:
    """Run until Ctrl-C. Return 0, or 1 if the exporter exits by itself."""
    options = _options()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    if taken := [each for each in (options.exporter, options.simulator) if _is_taken(each)]:
        # Another exporter on that port would answer instead of this one.
        print(
            f"{' and '.join(map(str, taken))}: in use by another program, perhaps another demo. To"
            f" choose other ports:\n\n  make demo DEMO='--exporter=127.0.0.1:{free_port()}"
            f" --simulator=127.0.0.1:{free_port()}'\n",
            file=sys.stderr,
        )
        return 1
    started = round(time.time(), 3)  # in the form of the exporter's flag
    exporter = subprocess.Popen(
        [
            str(Path(sys.executable).parent / "quantconnect-exporter"),
            "demo",
            f"--simulator.started={started:.3f}",
            f"--simulator.listen-address={options.simulator}",
            f"--web.listen-address={options.exporter}",
        ],
        start_new_session=True,
    )
    try:
        if not _serves(exporter, options.exporter):
            return 1  # it has logged why
        if installed():
            _with_prometheus(options, started, exporter)
        else:
            print("Prometheus and Alertmanager are not installed: the exporter runs alone.")
            _wait_for(exporter)
    except KeyboardInterrupt:
        print("\nEnding the demo.", flush=True)
        return 0
    finally:
        exporter.terminate()
        exporter.wait()
    return 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m prometheus.demo", description=__doc__)
    for name, default in (("exporter", "127.0.0.1:10270"), ("simulator", "127.0.0.1:10271")):
        parser.add_argument(
            f"--{name}",
            metavar="HOST:PORT",
            type=parse_address,
            default=parse_address(default),
            help=f"(default {default})",
        )
    for name, port in (("prometheus", 9090), ("alertmanager", 9093)):
        parser.add_argument(
            f"--{name}",
            metavar="PORT",
            type=int,
            default=port,
            help=f"or another if it is in use (default {port})",
        )
    parser.add_argument(
        "--directory", type=Path, default=ROOT / ".demo", help="data; what was there is deleted"
    )
    return parser.parse_args()


def _is_taken(address: Address) -> bool:
    try:
        bind(address).close()
    except OSError:
        return True
    return False


def _serves(exporter: subprocess.Popen[bytes], address: Address) -> bool:
    """Wait until the exporter has read every project once; return False if it exits before."""

    def known() -> bool:
        return exporter.poll() is not None or ready()

    def ready() -> bool:
        try:
            with urllib.request.urlopen(f"http://{address}/-/ready", timeout=5):
                return True
        except OSError:
            return False

    eventually(known, "the exporter is ready", seconds=60)
    return exporter.poll() is None


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _with_prometheus(
    options: argparse.Namespace, started: float, exporter: subprocess.Popen[bytes]
) -> None:
    """Run Prometheus and Alertmanager next to the exporter until it exits."""
    directory: Path = options.directory
    shutil.rmtree(directory, ignore_errors=True)
    data = directory / "data"
    data.mkdir(parents=True)
    print("Writing a past of a month for Prometheus, some ten seconds.", flush=True)
    # The demo exporter's own configuration, so that the past has the same labels.
    settings = configuration("http://127.0.0.1", World.demo(started=started).project_ids)
    past = Past(settings, target=str(options.exporter), interval=_SCRAPE_INTERVAL, started=started)
    past.write(data)
    alertmanager = Alertmanager(directory, port=_port(options.alertmanager), quicken=10)
    prometheus = Prometheus(
        directory,
        targets=[str(options.exporter)],
        alertmanager=alertmanager.address,
        interval=_SCRAPE_INTERVAL,
        port=_port(options.prometheus),
    )
    with Stack(prometheus, alertmanager):
        equity = "g0.expr=quantconnect_live_equity&g0.tab=0&g0.range_input=4w"
        print(
            f"\n  http://{options.exporter}/  the exporter\n"
            f"  {_page(prometheus, 'graph')}?{equity}\n"
            "    Prometheus: equity of a month\n"
            f"  {_page(prometheus, 'alerts')}\n"
            "    Prometheus: the alerts; QuantConnectWatchdog fires always, a critical one eight"
            " minutes after the start\n"
            f"  amtool alert query --alertmanager.url={alertmanager.url}\n"
            "    Alertmanager: the alerts that it would send\n\n"
            "The dashboards in grafana/ are for a Grafana of yours: `docker compose up` has one.\n",
            flush=True,
        )
        _wait_for(exporter)


def _wait_for(exporter: subprocess.Popen[bytes]) -> None:
    """Wait until the exporter ends or a signal comes.

    Not with `wait` alone: it would sleep through a signal that comes just before it.
    """
    while exporter.poll() is None:
        time.sleep(0.5)


def _page(prometheus: Prometheus, name: str) -> str:
    """Return the URL of a Prometheus page; Debian's build has only the classic pages."""
    try:
        with urllib.request.urlopen(f"{prometheus.url}/{name}", timeout=5) as response:
            return str(response.url)
    except urllib.error.HTTPError:
        return f"{prometheus.url}/classic/{name}"


def _port(preferred: int) -> int:
    """Return the preferred port, or any free one if it is in use."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", preferred))
        except OSError:
            return free_port()
    return preferred


if __name__ == "__main__":
    sys.exit(main())
