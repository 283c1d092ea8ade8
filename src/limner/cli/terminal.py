"""What may be printed on a terminal. Not a command."""

from __future__ import annotations


def safe(text: str) -> str:
    """Text without what a terminal would obey: control characters that pages can carry."""
    return "".join(c if c in "\n\t" or (c >= " " and not "\x7f" <= c <= "\x9f") else "\ufffd" for c in text)
