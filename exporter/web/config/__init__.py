"""``--web.config.file``: TLS, basic auth, headers and a rate limit, as in the exporter-toolkit.

The file has the format of exporter-toolkit 0.20. ``schema`` has its keys, ``assembly`` makes frozen
``Settings`` of them, ``tls`` makes a context of the certificates, ``watched`` keeps both as the
files are now, and ``guard`` applies them to each request. Where Python's TLS cannot do what Go's
can, the setting is an error or the log says so once; it is never silently less strict.
"""

from __future__ import annotations

from exporter.web.config.guard import Guard
from exporter.web.config.tls import is_admitted
from exporter.web.config.watched import WebConfig

__all__ = ["Guard", "WebConfig", "is_admitted"]
