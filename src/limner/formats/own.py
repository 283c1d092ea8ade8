"""limner's own field: the whole document as JSON beside what the format holds, so that nothing is lost between limners.

Other tools ignore it. It is believed only while it agrees with the public fields it stands beside: whoever filtered or
edited these with another tool gets what they wrote, not what was there before.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from limner.document import Document, from_dict, to_dict
from limner.errors import InvalidDocument

FIELD = "limner"
VERSION = 1


class Own(NamedTuple):
    """A document, and the paths of its media in the export by sha256."""

    document: Document
    files: dict[str, str]


def to_field(document: Document, files: Mapping[str, str]) -> dict[str, Any]:
    """The field, JSON-ready."""
    return {"version": VERSION, "document": to_dict(document), "files": dict(files)}


def to_text(document: Document, files: Mapping[str, str]) -> str:
    """The field as a string, for formats whose fields have one type."""
    return json.dumps(to_field(document, files), ensure_ascii=False, separators=(",", ":"))


def from_field(value: object) -> Own | None:
    """The document that a field holds, given as it is or as a string; None where there is none or it is damaged."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    if not isinstance(value, dict):
        return None
    given = cast("dict[str, Any]", value)
    files = given.get("files", {})
    if given.get("version") != VERSION or not isinstance(files, dict):
        return None
    try:
        document = from_dict(given.get("document"))
    except (InvalidDocument, TypeError, RecursionError):
        return None
    pairs = cast("dict[object, object]", files).items()
    return Own(document, {k: v for k, v in pairs if isinstance(k, str) and isinstance(v, str)})
