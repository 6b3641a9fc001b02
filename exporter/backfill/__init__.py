"""The past of a project, read from QuantConnect's charts and written as OpenMetrics.

``asking`` makes calls one after the other, ``windows`` says which parts of a chart to ask for,
``past`` reads a project by both, ``openmetrics`` writes what was read. The command that wires them
is in ``exporter/cli/backfill.py``.
"""
