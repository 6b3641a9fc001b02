"""How fast and how small the exporter is, beside others that do the same on the same data.

``python -m benchmarks`` prints a table and writes docs/performance.md. Every figure is the median
of rounds in which all those compared take turns, so that what else the machine does hits them
alike; what is judged is a ratio within one run.
"""
