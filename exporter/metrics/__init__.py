"""Metric families as data: names, help texts, labels, and how samples come out of what was read.

Nothing here knows threads, HTTP or bytes; a number goes through as QuantConnect sent it.
"""
