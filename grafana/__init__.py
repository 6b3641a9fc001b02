"""The dashboards' source: data in `boards/`, Grafana's JSON made of it by `builder/`."""
