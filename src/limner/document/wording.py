"""Counts in words, for whatever is said of documents: on the command line, on pages, in cards."""

from __future__ import annotations


def plural(number: int, one: str, many: str = "") -> str:
    """A number with its noun.

    >>> plural(1, "document"), plural(2_000, "image")
    ('1 document', '2,000 images')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"
