"""Formats by name: built in, or from other packages (entry points of the group `limner.formats`). A class is imported when
its format is asked for."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, cast

from limner.errors import FormatError, LimnerError
from limner.formats.format import Format

BUILTIN: dict[str, str] = {
    "obelics": "limner.formats.obelics:Obelics",
    "mmc4": "limner.formats.mmc4:Mmc4",
    "omnicorpus": "limner.formats.omnicorpus:OmniCorpus",
    "mint-1t": "limner.formats.mint:Mint",
    "webdataset": "limner.formats.webdataset:WebDataset",
    "huggingface": "limner.formats.huggingface:HuggingFace",
    "llava": "limner.formats.llava:Llava",
    "openai": "limner.formats.openai:OpenAI",
    "markdown": "limner.formats.markdown:Markdown",
    "html": "limner.formats.htmlfolder:HtmlFolder",
}

GROUP = "limner.formats"


@cache
def _entry_points() -> Mapping[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def names() -> list[str]:
    """The names of all formats: the built-in ones in their order, then those of other packages."""
    return [*BUILTIN, *sorted(set(_entry_points()) - set(BUILTIN))]


def load(name: str) -> Format:
    """The format called `name`; raises `FormatError` for one nobody registered.

    >>> load("mmc4").description
    'MMC4: JSON lines with texts, and images matched with them'
    """
    if name in BUILTIN:
        module, _, cls = BUILTIN[name].partition(":")
        return cast("Format", getattr(importlib.import_module(module), cls)())
    if name in _entry_points():
        point = _entry_points()[name]
        try:
            found: Any = point.load()
            made = found() if isinstance(found, type) else found
        except LimnerError:
            raise
        except Exception as error:
            raise FormatError(f"format {name!r} ({point.value}) does not load: {error}") from error
        if not isinstance(made, Format):
            raise FormatError(f"format {name!r} ({point.value}) lacks something of limner.formats.format.Format")
        return made
    near = difflib.get_close_matches(name, names(), n=1, cutoff=0.6)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise FormatError(f"there is no format {name!r}{hint}; there are {', '.join(names())}")
