"""How an error message speaks of a value that was found, without giving a secret away.

A token can also stand where none belongs: pasted as the user id, as a key, as the name of a
variable. So text is quoted only if it is too short to be one (QuantConnect's have 64 characters)
or is plainly a path or an address; what came from the environment is called by the variable's
name, and an address that may hold a password is not quoted at all.
"""

from __future__ import annotations

import json
import re
from typing import Final

_MAX_SHOWN: Final = 48
_MAX_LOCATION_SHOWN: Final = 256
_LOCATIONS: Final = ("/", "./", "../", "https://", "http://")
_NUMBER: Final = re.compile(r"[-+]?(?:[0-9][0-9_]*\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")


def describe_text(text: str, *, quoted: bool = False) -> str:
    """A scalar that is neither a secret nor from the environment."""
    if not text:
        return "an empty text"
    if not text.isprintable():
        return "a text that can't be printed"
    if len(text) > (_MAX_LOCATION_SHOWN if text.startswith(_LOCATIONS) else _MAX_SHOWN):
        return f"a text of {len(text)} characters"
    if "@" in text or ("?" in text and "//" in text):
        return "a text that is not shown, since it may hold a password"
    if not quoted and text.lower() in {"true", "false"}:
        return text
    if not quoted and _NUMBER.fullmatch(text):
        return f"the number {text}"
    return f"the text {json.dumps(text, ensure_ascii=False)}"


def describe_secret(text: str) -> str:
    """A value in a place for a secret."""
    return "a text that is not shown" if text.strip() else "an empty text"


def describe_variables(text: str, names: tuple[str, ...]) -> str:
    """A value with environment variables in it."""
    listed = ", ".join(f"${{{shown_name(name)}}}" for name in names)
    return f"the value of {listed}" + ("" if text else ", which is empty")


def shown_name(name: str) -> str:
    """A key or the name of a variable."""
    if len(name) <= _MAX_SHOWN and name.isprintable():
        return name
    return f"(a name of {len(name)} characters)"


def child(path: str, key: str) -> str:
    """The path of a key within ``path``."""
    name = shown_name(key)
    if not re.fullmatch(r"[\w()-][\w ()-]*", name):
        return f"{path}[{json.dumps(name, ensure_ascii=False)}]"
    return f"{path}.{name}" if path else name


def item(path: str, index: int) -> str:
    """The path of a list's item."""
    return f"{path}[{index}]"
