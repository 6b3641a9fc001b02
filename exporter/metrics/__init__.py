"""Metric families as data: names, help texts, labels, and the functions that give their numbers.

Nothing here knows threads, HTTP or bytes; a number goes through as QuantConnect sent it.
"""
