"""Fuzzing: bytes from anywhere into everything that parses, and nothing but its own errors out.

``targets`` are functions of bytes that raise AssertionError, or anything else, when something is
wrong. The tests run them on examples of hypothesis and on ``found``, what fell out before;
``python -m tests.fuzz --minutes 60`` runs them for long, with atheris where that is installed.
"""
