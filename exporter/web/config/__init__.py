"""``--web.config.file``: TLS, basic auth, headers and a rate limit, as the exporter-toolkit has.

The file is that of exporter-toolkit 0.17, so one that protects a node_exporter protects this
exporter too. ``reading`` turns its YAML into frozen ``Settings``, or says everything that is wrong
with it; ``tls`` makes a context of the certificates that they name; ``watched`` keeps both as the
files are now, and refuses while they are not good; ``guard`` stands before the application.
Where Python's TLS cannot do what Go's can, the setting is an error or is said in the log once,
never quietly less strict.
"""

from __future__ import annotations

from exporter.web.config.guard import Guard
from exporter.web.config.tls import is_admitted
from exporter.web.config.watched import WebConfig

__all__ = ["Guard", "WebConfig", "is_admitted"]
