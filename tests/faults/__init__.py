"""The catalogue of faults: what is done to the exporter, and what it then does.

``answers``, ``contents``, ``stories`` and ``processes`` are the catalogue, as tables whose entries
are both tests and the rows of docs/faults.md; ``scene`` is the exporter to which it is done.
``python -m tests.faults`` prints the page.
"""
