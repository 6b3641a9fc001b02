"""A small builder of Grafana dashboards in the Classic schema.

A dashboard is declared as rows of panels (`dashboard.Dashboard`, `panel.*`, `table.table`) and
rendered to JSON that is the same on every run. The builder owns what people get wrong by hand:
the place of each panel on the grid, its id, the data source, and the form that file provisioning
of Grafana 9.4 and later reads.
"""
