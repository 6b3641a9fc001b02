"""Prometheus's side: rules, their tests, and the programs run with them."""
