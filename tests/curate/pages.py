"""Real pages for tests, where they are: the text of gimp-help-en below LIMNER_DATA."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

from limner.sources.datasets import dataset

ROOT = dataset("gimp-help-en").data


@cache
def texts() -> tuple[str, ...]:
    """The text of every page, in the order of their names; skips the test where there are none."""
    paths = sorted(ROOT.glob("*.html"))
    if not paths:
        pytest.skip("no gimp-help-en below LIMNER_DATA (limner data get gimp-help-en)")
    bodies = (LexborHTMLParser(path.read_text("utf-8", "replace")).body for path in paths)
    return tuple(body.text(separator=" ") for body in bodies if body is not None)


def images(*suffixes: str) -> tuple[Path, ...]:
    """The images of gimp-help-en with those suffixes, by name; skips the test where there are none."""
    paths = sorted(p for p in ROOT.rglob("*.*") if p.suffix.lower() in suffixes)
    if not paths:
        pytest.skip("no images of gimp-help-en below LIMNER_DATA (limner data get gimp-help-en)")
    return tuple(paths)
