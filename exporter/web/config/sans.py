"""Whether a client's certificate bears a name that is allowed (``client_allowed_sans``)."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from exporter.web.config.tls import ServerContext

if TYPE_CHECKING:
    import ssl

_KINDS = frozenset({"DNS", "email", "IP Address", "URI"})


def canonical(name: str) -> str:
    """An IP address as Go writes it, since Python writes IPv6 at full length; else ``name``."""
    try:
        return str(ipaddress.ip_address(name.strip()))
    except ValueError:
        return name


def is_admitted(connection: ssl.SSLObject) -> bool:
    """Whether the configuration under which ``connection`` shook hands allows its client.

    As in the exporter-toolkit, one subject alternative name (DNS, e-mail, IP or URI) must equal
    one of the list's, letter by letter.
    """
    context = connection.context
    if not isinstance(context, ServerContext) or context.allowed_sans is None:
        return True
    certificate: Any = connection.getpeercert() or {}
    return any(
        kind in _KINDS and canonical(name) in context.allowed_sans
        for kind, name in certificate.get("subjectAltName", ())
    )
