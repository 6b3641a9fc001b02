"""Calls of QuantConnect's cloud API, and the formats of its answers.

Signing, the read-only endpoints, the envelope of an answer, its three encodings, security
identifiers and display strings. This package knows nothing of Prometheus, of when to ask, or
of our configuration file: numbers come out of it as QuantConnect sent them.
"""
