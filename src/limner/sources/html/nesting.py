"""What the parser must not see as it stands: nesting that would make it quadratic, frames that swallow the rest of a page."""

from __future__ import annotations

import re

import numpy as np

from limner.sources.html.limits import Limits

# Below this many tags the parser's worst case is a fraction of a second, and nothing is looked at.
_CHEAP = 8000
_OPENS = ord("<")

_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/>]*)[^>]*>")
_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
# These close one another without an end tag, so open ones do not pile up.
_IMPLIED = frozenset("p li dt dd td th tr thead tbody tfoot option optgroup rp rt html head body".split())
_FORMATTING = frozenset("a b big code em font i nobr s small strike strong tt u".split())


# A frame left open in a noscript: a browser that runs scripts takes the noscript for text and ends it where it ends; read
# without scripts, the frame's text is all that follows.
_OPEN_FRAME = re.compile(rb"(<noscript\b[^>]*>\s*<iframe\b[^>]{0,2000}>)\s*(</noscript)", re.IGNORECASE)


def close_frames(raw: bytes) -> bytes:
    """The page with the frames closed that the end of a noscript should close.

    >>> close_frames(b"<noscript><iframe src=a></noscript><p>Text")
    b'<noscript><iframe src=a></iframe></noscript><p>Text'
    """
    return _OPEN_FRAME.sub(rb"\1</iframe>\2", raw) if b"<noscript" in raw else raw


def flatten(page: str, raw: bytes, limits: Limits) -> str | bytes:
    """`page` without the tags nested deeper than `limits.max_depth`; the text between them stays. `raw` is the page
    in UTF-8, which is what the parser reads fastest.

    Formatting elements left open count apart (`limits.max_formatting`): the standard opens every one of
    them again in each later paragraph. A page that nests no deeper is returned as `raw`.
    """
    if len(raw) < 3 * _CHEAP or np.count_nonzero(np.frombuffer(raw, np.uint8) == _OPENS) < _CHEAP or not _too_deep(page, limits):
        return raw
    open_: dict[str, int] = {}
    dropped: dict[str, int] = {}
    depth = formatting = 0

    def keep(match: re.Match[str]) -> str:
        nonlocal depth, formatting
        closing, name = match.group(1), match.group(2).lower()
        if name in _VOID or name in _IMPLIED:
            return match.group()
        light = name in _FORMATTING
        if not closing:
            if depth >= limits.max_depth or (light and formatting >= limits.max_formatting):
                dropped[name] = dropped.get(name, 0) + 1
                return ""
            depth += 1
            formatting += light
            open_[name] = open_.get(name, 0) + 1
        elif dropped.get(name):
            dropped[name] -= 1
            return ""
        elif open_.get(name):
            open_[name] -= 1
            depth -= 1
            formatting -= light
        return match.group()

    return _TAG.sub(keep, page)


def _too_deep(page: str, limits: Limits) -> bool:
    depth = formatting = 0
    for closing, name in _TAG.findall(page):
        low = name.lower()
        if low in _VOID or low in _IMPLIED:
            continue
        step = -1 if closing else 1
        depth += step
        if low in _FORMATTING:
            formatting += step
            if formatting > limits.max_formatting:
                return True
        if depth > limits.max_depth:
            return True
        # A stray end tag must not hide what is nested later.
        depth, formatting = max(depth, 0), max(formatting, 0)
    return False
