"""Routes, pages and the server, for Prometheus and for people. Knows no QuantConnect."""
