"""What the beginning of a line says: an item of a list, a caption, a numbered heading."""

from __future__ import annotations

import re

_BULLET = re.compile(r"([•‣◦●○■▪▸►∗·✓\uf0b7\uf0a7–—-])\s+\S")
_NUMBER = re.compile(r"(\(?(?:\d{1,2}|[a-z]|[ivx]{1,4})[.)])\s+\S")
_CAPTION = re.compile(
    r"(?P<label>(?:fig(?:ure|\.)?|abb(?:ildung|\.)?|figura|рис(?:унок|\.)?|table(?:au)?|tab\.|tabelle|tabla|listing|scheme|chart|plate|code)"
    r"\s*(?P<number>[A-Z]?\d{1,3}(?:[.\-–]\d{1,3})*[a-z]?|[IVX]{1,5}))(?P<mark>\s*[.:|–—-])?(?:\s|$)\s*(?P<next>\S?)",
    re.IGNORECASE,
)
_PART = re.compile(r"\(?[a-hA-H1-8]\)\s*")
_SECTION = re.compile(r"(?:\d{1,2}(?:\.\d{1,2}){0,4}\.?|[IVX]{1,5}\.|[A-Z]\.\d{0,2}|Chapter \d+|Appendix [A-Z])\s+\S")


def mark(text: str) -> str:
    """The mark of a list's item that a line begins with, "" where there is none."""
    found = _BULLET.match(text) or _NUMBER.match(text)
    return found[1] if found else ""


def only_mark(text: str) -> bool:
    """Whether a text is the mark of an item and nothing else.

    >>> only_mark("•"), only_mark("(ii)"), only_mark("3.14")
    (True, True, False)
    """
    return mark(f"{text.strip()} x") == text.strip()


def caption(text: str) -> tuple[str, str]:
    """The kind and number of the figure or table that a caption begins with, ("", "") where it is none.

    >>> caption("Figure 3.2: The crop tool."), caption("Tableau 1 – Modules"), caption("Figure 3 shows that")
    (('figure', '3.2'), ('table', '1'), ('', ''))
    """
    found = _CAPTION.match(text)
    if not found or (not found["mark"] and found["next"].islower()):
        return "", ""
    label = found["label"].lower()
    return ("table" if label.startswith("tab") else "listing" if label[:4] in ("list", "code") else "figure"), found["number"]


def numbered(text: str) -> int:
    """The depth of a numbered heading ("2.1 Method" is 2), 0 where it has no number."""
    found = _SECTION.match(text)
    return found[0].split()[0].rstrip(".").count(".") + 1 if found else 0


def subcaption(text: str) -> bool:
    """Whether a line stands under a part of a figure: "(a) From above".

    >>> subcaption("(a) From above"), subcaption("(see above)")
    (True, False)
    """
    return bool(_PART.match(text))
