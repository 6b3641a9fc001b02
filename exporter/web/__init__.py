"""What Prometheus and people see over HTTP: routes, pages and the server. Knows no QuantConnect."""
