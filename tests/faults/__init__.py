"""The catalogue of faults: what is done to the exporter, and what it then does.

``answers``, ``elsewhere``, ``contents``, ``stories`` and ``processes`` are the catalogue, as tables
whose entries are both tests and the rows of docs/faults.md; ``told`` is how a row is compared with
what happened, and ``scene`` the exporter that it happened to.
``python -m tests.faults`` prints the page.
"""
