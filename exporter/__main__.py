"""``python -m exporter``: the command without its entry point."""

from __future__ import annotations

import sys

from exporter.cli import main

sys.exit(main())
