"""The Prometheus side: rules, their tests, and the programs that run with them."""
