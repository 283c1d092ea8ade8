"""Documents as JSON: one object, parts as a list of objects with a `type`; empty fields are left out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, cast

from limner.document.document import Document
from limner.document.parts import Audio, Image, Mesh, Part, Text, Video
from limner.errors import InvalidDocument

PART_TYPES: dict[str, type[Part]] = {"text": Text, "image": Image, "audio": Audio, "video": Video, "mesh": Mesh}
TYPE_NAMES: dict[type[Part], str] = {kind: name for name, kind in PART_TYPES.items()}

_DEFAULTS: dict[type[Part], dict[str, Any]] = {
    kind: {f.name: f.default for f in fields(kind) if f.name != "n"} for kind in TYPE_NAMES
}
_ALWAYS: dict[type[Part], set[str]] = {Text: {"text", "role"}}


def part_to_dict(part: Part) -> dict[str, Any]:
    """The part as a JSON-ready dictionary; fields at their default are left out.

    >>> part_to_dict(Image(3, url="a.png"))
    {'type': 'image', 'n': 3, 'url': 'a.png'}
    """
    kind = type(part)
    always = _ALWAYS.get(kind, set())
    out: dict[str, Any] = {"type": TYPE_NAMES[kind], "n": part.n}
    for name, default in _DEFAULTS[kind].items():
        value = getattr(part, name)
        if value != default or name in always:
            out[name] = value
    return out


def part_from_dict(data: Mapping[str, Any]) -> Part:
    """The part a dictionary describes; raises `InvalidDocument` naming the field that is wrong."""
    kind = PART_TYPES.get(str(data.get("type")))
    if kind is None:
        raise InvalidDocument(f"unknown part type {data.get('type')!r}; one of {', '.join(PART_TYPES)}")
    given = {k: v for k, v in data.items() if k != "type"}
    n = given.get("n")
    if not isinstance(n, int) or isinstance(n, bool):
        raise InvalidDocument(f"a part's n is {n!r}, not a whole number")
    for name, value in given.items():
        if name == "n":
            continue
        if name not in _DEFAULTS[kind]:
            raise InvalidDocument(f"part {n}: unknown field {name!r} of {data['type']}")
        given[name] = _checked(n, name, value, _DEFAULTS[kind][name])
    if kind is Text and "text" not in given:
        raise InvalidDocument(f"part {n}: a text part has no text")
    return kind(**given)


def _checked(n: int, name: str, value: Any, default: Any) -> Any:
    expected: type = int if name == "of" else str if name in ("text", "role") else type(default)
    if expected is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, expected) or isinstance(value, bool):
        raise InvalidDocument(f"part {n}: {name} is {value!r}, not of type {expected.__name__}")
    return value


def to_dict(document: Document) -> dict[str, Any]:
    """The document as a JSON-ready dictionary; empty fields are left out, `id` and `parts` always there."""
    out: dict[str, Any] = {"id": document.id}
    for name in ("source", "url", "title", "language"):
        if value := getattr(document, name):
            out[name] = value
    if document.meta:
        out["meta"] = dict(document.meta)
    out["parts"] = [part_to_dict(part) for part in document.parts]
    return out


def from_dict(data: object) -> Document:
    """The document a dictionary describes; raises `InvalidDocument`."""
    if not isinstance(data, Mapping):
        raise InvalidDocument(f"a document is a JSON object, not {type(data).__name__}")
    given = cast("Mapping[str, Any]", data)
    known = {"id", "source", "url", "title", "language", "meta", "parts"}
    if extra := sorted(set(given) - known):
        raise InvalidDocument(f"unknown document field {extra[0]!r}")
    for name in ("id", "source", "url", "title", "language"):
        if not isinstance(given.get(name, ""), str):
            raise InvalidDocument(f"document {name} is {given[name]!r}, not a string")
    parts: object = given.get("parts", ())
    meta: object = given.get("meta", {})
    if not isinstance(parts, list | tuple) or not all(isinstance(p, Mapping) for p in cast("list[object]", parts)):
        raise InvalidDocument("document parts are not a list of objects")
    if not isinstance(meta, Mapping) or not all(
        isinstance(k, str) and isinstance(v, str) for k, v in cast("Mapping[object, object]", meta).items()
    ):
        raise InvalidDocument("document meta is not an object of strings")
    return Document(
        id=given.get("id", ""),
        parts=tuple(part_from_dict(part) for part in cast("list[Mapping[str, Any]]", parts)),
        source=given.get("source", ""),
        url=given.get("url", ""),
        title=given.get("title", ""),
        language=given.get("language", ""),
        meta=dict(cast("Mapping[str, str]", meta)),
    )


def dumps(document: Document) -> str:
    """The document as one line of JSON."""
    return json.dumps(to_dict(document), ensure_ascii=False, separators=(",", ":"))


def loads(text: str | bytes) -> Document:
    """The document in a line of JSON; raises `InvalidDocument` where it is not one."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidDocument(f"not JSON: {error}") from None
    return from_dict(data)
