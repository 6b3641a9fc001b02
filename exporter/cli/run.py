"""``quantconnect-exporter``: read QuantConnect, serve Prometheus."""

from __future__ import annotations

import ipaddress
import os
import platform
import socket
from typing import TYPE_CHECKING

from exporter import __version__
from exporter.cli import version
from exporter.cli.configuration import check, complain, load_again, load_web
from exporter.cli.reload import Reloader, Watch, Watched
from exporter.clock import Clock
from exporter.config import ConfigError, find, resolve
from exporter.log import Log

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from exporter.config import Config
    from exporter.poller import Shard
    from exporter.web.app import Site
    from exporter.web.config import WebConfig
    from exporter.web.server import Server

log = Log(__name__)


def run(options: argparse.Namespace) -> int:
    """Run until SIGTERM or SIGINT. Return 0, or 1 if the exporter cannot start."""
    if options.config_check:
        return check(options)
    try:
        path = find(options.config_file)
        watched = Watched.now(path) if path and options.config_enable_auto_reload else None
        config = resolve(path, os.environ)
    except ConfigError as error:
        complain(error, options)
        return 1
    return serve(
        options,
        config,
        load=lambda: load_again(path),
        shard=shard_of(options),
        watched=watched,
    )


def shard_of(options: argparse.Namespace) -> Shard:
    """Return this process's share of the projects."""
    from exporter.poller import Shard

    return Shard(options.shard, options.total_shards)


def serve(
    options: argparse.Namespace,
    config: Config,
    *,
    load: Callable[[], Config],
    watched: Watched | None = None,
    shard: Shard | None = None,
) -> int:
    """Read the projects of ``config`` and serve their metrics until SIGTERM or SIGINT.

    ``load`` loads the configuration again for a reload; a change of ``watched`` triggers one too.
    """
    # Only a running exporter needs these imports; --help and errors stay quick.
    from exporter.cli import notify
    from exporter.cli.memory import returning_memory
    from exporter.poller import Poller
    from exporter.store import Store
    from exporter.telemetry import Telemetry
    from exporter.web.app import Site

    clock = Clock()
    log.info("Starting quantconnect-exporter", version=__version__, revision=version.revision())
    log.info("Build context", python=platform.python_version(), platform=platform.platform())
    try:
        web = load_web(options)
        sockets = listen(options, web)
    except ConfigError as error:
        complain(error, options)
        return 1
    except OSError as error:
        log.error("The exporter cannot start", error=str(error))
        return 1
    store = Store(clock)
    telemetry = Telemetry(version=__version__, revision=version.revision())
    poller = Poller(
        config, store=store, telemetry=telemetry, user_agent=version.USER_AGENT, shard=shard
    )
    reloader = Reloader(
        config, load=load, poller=poller, telemetry=telemetry, clock=clock, shard=shard
    )
    site = Site(
        store=store,
        telemetry=telemetry,
        vitals=poller,
        configuration=reloader,
        clock=clock,
        version=__version__,
        telemetry_path=options.web_telemetry_path,
    )
    server = _server(site, sockets, options.web_max_requests, web)
    watch = Watch(watched, reloader, options.config_auto_reload_interval) if watched else None
    with returning_memory():
        try:
            poller.start()
            if watch is not None:
                watch.start()
            notify.ready()
            server.run(on_hangup=reloader.reload_quietly)
        finally:
            if watch is not None:
                watch.stop()
            poller.stop()
    log.info("Stopped")
    return 0


def _server(
    site: Site, sockets: Sequence[socket.socket], max_requests: int, web: WebConfig | None
) -> Server:
    """Return the server of a site, guarded by a web configuration if there is one."""
    from exporter.web.app import PROBES, Application
    from exporter.web.limits import Limits
    from exporter.web.server import Server

    if web is None:
        application = Application(site, max_requests=max_requests)
        return Server(application, sockets, limits=Limits.of_this_process(tls=False))
    from exporter.web.config import Guard, is_admitted
    from exporter.web.handshake import Handshakes

    handshakes = None
    if (context := web.server_context()) is not None:
        handshakes = Handshakes(
            context,
            is_admitted=is_admitted,
            count_refused=site.telemetry.tls_handshake_failures.inc,
        )
    return Server(
        Application(
            site,
            max_requests=max_requests,
            guard=lambda handler: Guard(handler, web, exempt=PROBES),
        ),
        sockets,
        handshakes=handshakes,
        limits=Limits.of_this_process(tls=handshakes is not None),
    )


def listen(options: argparse.Namespace, web: WebConfig | None = None) -> list[socket.socket]:
    """Return sockets for all addresses, or systemd's. Raise OSError that names the address."""
    from exporter.web.listen import bind, inherited

    sockets = inherited(os.environ) if options.web_systemd_socket else []
    if not sockets:
        for address in options.web_listen_address:
            sockets.append(bind(address))
    for listening in sockets:
        # Other than getsockname, this has the scope of a link-local address.
        host, port = socket.getnameinfo(
            listening.getsockname(), socket.NI_NUMERICHOST | socket.NI_NUMERICSERV
        )
        log.info("Listening on", address=f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    open_to_all = web is None or not web.at_start.restricts_access
    if open_to_all and any(
        not ipaddress.ip_address(s.getsockname()[0]).is_loopback for s in sockets
    ):
        log.warning("Portfolio values can be read by anyone who reaches this port")
    log.info("TLS is enabled." if web is not None and web.at_start.tls else "TLS is disabled.")
    for remark in web.remarks() if web is not None else ():
        log.warning(remark.message, **dict(remark.fields))
    return sockets
