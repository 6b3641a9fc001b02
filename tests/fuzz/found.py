"""What fell out of the fuzzing: by target, the input and what it did once."""

from __future__ import annotations

FOUND: tuple[tuple[str, bytes, str], ...] = (
    (
        "answers",
        b"\x00\x00" + rb'{"success":true,"portfolio":{"cash":{},"holdings":'
        rb'{"SPY R735QTJ8XC9X":{"q":1,"\ud800":1}}}}',
        "UnicodeEncodeError from msgspec for a holding's field with a lone surrogate in its name",
    ),
    (
        "web_configuration",
        b"#" * 60 + b"<" + b"#" * 40 + b"{X}\nrit: {i###\n",
        "a comment of many # took a regular expression longer than anybody waits",
    ),
)
