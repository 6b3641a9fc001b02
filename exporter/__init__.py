"""Prometheus exporter for QuantConnect live algorithms."""

__version__ = "0.1.0"
