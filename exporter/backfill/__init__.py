"""The past of a project, read from QuantConnect's charts and written as OpenMetrics.

``asking`` makes calls one after the other, ``windows`` chooses the parts of a chart to ask for,
``past`` reads a project with both, ``openmetrics`` writes the result. The command is in
``exporter/cli/backfill.py``.
"""
