"""Others that serve the same families: prometheus-client, client_golang and nginx.

What they serve is what the exporter published of its projects; its own counters are left out,
in the peers' favour.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prometheus_client.parser import text_string_to_metric_families

from benchmarks.process import Process, free_port, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import CollectorRegistry, Metric

_GO_SOURCE = Path(__file__).parent / "go"
_OWN = ("quantconnect_api_", "quantconnect_exporter_", "process_", "python_")

_NGINX = """\
daemon off;
master_process off;
error_log stderr crit;
pid {directory}/nginx-{port}.pid;
events {{ worker_connections 64; }}
http {{
    access_log off;
    default_type text/plain;
    sendfile on;
    client_body_temp_path {directory}/client;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    {gzip}
    server {{
        listen 127.0.0.1:{port};
        root {directory};
    }}
}}
"""

_GZIP = "gzip on; gzip_comp_level 1; gzip_types text/plain;"
_GZIP_STATIC = "gzip_static on;"


def families(text: bytes) -> list[dict[str, Any]]:
    """The families of an exposition in the text format, less what is the exporter's own."""
    result = []
    for family in text_string_to_metric_families(text.decode().removesuffix("# EOF\n")):
        if not family.samples or family.name.startswith(_OWN):
            continue
        names = sorted(family.samples[0].labels)
        if any(sorted(sample.labels) != names for sample in family.samples):
            raise ValueError(f"{family.name} has samples with different labels")
        result.append(
            {
                "name": family.name,
                "help": family.documentation,
                "labels": names,
                "values": [[sample.labels[name] for name in names] for sample in family.samples],
                "numbers": [sample.value for sample in family.samples],
            }
        )
    return result


def samples(text: bytes) -> dict[bytes, float]:
    """The project's samples of an exposition: name and labels to value."""
    own = tuple(name.encode() for name in _OWN)
    lines = (line for line in text.splitlines() if line and not line.startswith((b"#", *own)))
    parts = (line.rpartition(b" ") for line in lines)
    return {series: float(value) for series, _, value in parts}


@contextmanager
def prometheus_client(directory: Path) -> Iterator[Process]:
    """prometheus-client: a custom collector and its own server; data is families.json."""
    file = str(directory / "families.json")
    with running([sys.executable, "-m", "benchmarks.peers", file]) as process:
        yield process


def build_client_golang(directory: Path) -> Path | None:
    """The Go program, built; None where there is no Go, or its modules cannot be had."""
    go = shutil.which("go")
    if go is None:
        return None
    binary = directory / "client_golang"
    built = subprocess.run([go, "build", "-o", str(binary), "."], cwd=_GO_SOURCE, check=False)
    return binary if built.returncode == 0 else None


@contextmanager
def client_golang(binary: Path, directory: Path) -> Iterator[Process]:
    """client_golang: const metrics behind promhttp; data is families.json."""
    with running([str(binary), str(directory / "families.json")]) as process:
        yield process


def find_nginx() -> str | None:
    """The nginx there is, or None."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


@contextmanager
def nginx(program: str, directory: Path, *, static: bool) -> Iterator[Process]:
    """nginx: the file ``metrics`` with gzip, or ``static``, the file ``metrics.gz``: the bytes that
    the exporter sends, which need no more than to be copied into the socket."""
    directory.chmod(0o755)  # for its worker, which is another user where root starts it
    port = free_port()
    config = directory / f"nginx-{port}.conf"
    gzip = _GZIP_STATIC if static else _GZIP
    config.write_text(_NGINX.format(directory=directory, port=port, gzip=gzip))
    with running([program, "-e", "stderr", "-c", str(config)], port=port) as process:
        yield process


class Families:
    """A custom collector as people write them: each scrape makes the families anew."""

    def __init__(self, data: list[dict[str, Any]]) -> None:
        self._data = data

    def collect(self) -> Iterator[Metric]:
        """The families."""
        from prometheus_client.core import GaugeMetricFamily

        for each in self._data:
            family = GaugeMetricFamily(each["name"], each["help"], labels=each["labels"])
            for values, number in zip(each["values"], each["numbers"], strict=True):
                family.add_metric(values, number)
            yield family


def registry(data: list[dict[str, Any]]) -> CollectorRegistry:
    """prometheus-client's registry with those families."""
    from prometheus_client import CollectorRegistry

    result = CollectorRegistry()
    result.register(Families(data))
    return result


def main() -> None:
    """Serve a file of families with prometheus-client until killed."""
    from prometheus_client import start_http_server

    data = json.loads(Path(sys.argv[1]).read_text())
    server, _ = start_http_server(0, "127.0.0.1", registry(data))
    print(server.server_port, flush=True)
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    main()
