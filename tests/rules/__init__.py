"""Recording rules, alerts, runbooks and Alertmanager's configuration, held to each other."""
