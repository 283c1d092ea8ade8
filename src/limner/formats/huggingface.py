"""Parquet that Hugging Face's `datasets` loads with its pictures: `load_dataset("FOLDER")`.

Schema: https://huggingface.co/docs/datasets/image_dataset and `Image` in
https://github.com/huggingface/datasets/blob/main/src/datasets/features/image.py: a picture is a struct of `bytes` and
`path`, and the Parquet file says in its metadata, under `huggingface`, which columns are pictures.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, cast

import pyarrow as pa

from limner.corpus.media import sha256
from limner.corpus.probe import mime
from limner.corpus.shard import extension
from limner.document import ROLES, Document, Image, Part, Text, document_id
from limner.errors import FormatError, LimnerError
from limner.formats import features, own, parquet
from limner.formats.fileformat import Bad, FileFormat
from limner.formats.folder import MAX_MEDIA, Folder
from limner.formats.format import Read
from limner.formats.obelics import STRINGS
from limner.formats.output import Item, Shard
from limner.formats.sequence import attached
from limner.formats.values import items, kind, strings, text

PICTURE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
PICTURES = pa.list_(pa.field("element", PICTURE))
PILLOW = frozenset(("image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "image/tiff"))
"""What every Pillow opens, and `datasets` with it."""

_COLUMNS: list[tuple[str, pa.DataType, Any]] = [
    ("id", pa.string(), "string"), ("url", pa.string(), "string"), ("title", pa.string(), "string"),
    ("language", pa.string(), "string"), ("source", pa.string(), "string"),
    ("order", STRINGS, ["string"]), ("texts", STRINGS, ["string"]), ("roles", STRINGS, ["string"]),
    ("images", PICTURES, ["image"]), ("alts", STRINGS, ["string"]), ("links", STRINGS, ["string"]),
    ("files", PICTURES, [{"bytes": "binary", "path": "string"}]),
]  # fmt: skip
_PLACEHOLDER = re.compile(r"<image>")


class HuggingFace(FileFormat):
    """One row a document: `order` says of every part whether it is the next of `texts`, of `images` (stored pictures,
    decoded by `datasets`) or of `links` (addresses of pictures that are not stored). `roles` goes with `texts`, `alts`
    with `images`. `files` has stored media that Pillow does not open. limner's own field is one more column."""

    name = "huggingface"
    description = "Hugging Face datasets: Parquet with the pictures in it"
    published = "https://huggingface.co/docs/datasets/image_dataset"
    holds: ClassVar = frozenset({*features.ROLES, "breaks", "alt", "unstored", "id", "url", "title", "language", "source"})
    also: ClassVar = (
        "pictures that Pillow does not open are no pictures to `datasets`",
        "alternative texts of images without such a picture are left out",
    )
    suffixes: ClassVar = (".parquet",)
    shard_size: ClassVar = 5_000

    def write(self, shard: Shard, items: Iterator[Item]) -> None:
        """One Parquet file, `data/train-00000-of-00003.parquet`."""
        with parquet.Writer(shard.path(f"data/train-{shard.of}.parquet"), schema(shard.own)) as writer:
            for item in items:
                row = to_row(item.document, {ref: _name(ref, data) for ref, data in item.media.items()})
                hidden = sum(1 for image in item.document.images if image.ref in item.media) - len(row["images"])
                shard.tally.lose(self.also[0], hidden)
                alts = sum(1 for image in item.document.images if image.alt)
                shard.tally.lose(self.also[1], alts - sum(1 for alt in row["alts"] if alt))
                for name in ("images", "files"):
                    row[name] = [{"bytes": item.media[path.partition(".")[0]], "path": path} for path in row[name]]
                if shard.own:
                    row[own.FIELD] = own.to_text(item.document, {ref: _name(ref, data) for ref, data in item.media.items()})
                writer.add(row, sum(map(len, item.media.values())))

    def rows(self, folder: Folder, name: str) -> Iterator[Read | Bad]:
        """The documents of a file: of limner, or any with pictures and texts."""
        columns = [*(c for c, _, _ in _COLUMNS), own.FIELD, "image", "text", "caption"]
        for ordinal, (where, row) in enumerate(parquet.rows(folder, name, columns, ["texts", "images", "image", "text"])):
            try:
                yield self._document(folder, name, ordinal, row)
            except LimnerError as error:
                yield Bad(where, error)

    def _document(self, folder: Folder, name: str, ordinal: int, row: dict[str, Any]) -> Read:
        kept = own.from_field(row.get(own.FIELD))
        pictures = [_bytes(entry) for entry in items(row.get("images"), "images")]
        if kept:
            stored = dict(_own_media(row))
            public = to_row(kept.document, kept.files)
            if all(public[c] == _paths(row.get(c)) for c in ("order", "texts", "images", "links")):
                return kept.document, {ref: stored[ref] for ref in kept.files if ref in stored}
        media: dict[str, bytes] = {}
        if row.get("order") is not None:
            parts = _ordered(row, pictures, media)
        else:
            parts = _unordered(row, pictures, media)
        source = f"{folder.label}/{name}"
        given = text(row.get("id"))
        return Document(
            document_id(source, ordinal),
            tuple(parts),
            text(row.get("source")) or source,
            text(row.get("url")),
            text(row.get("title")),
            text(row.get("language")),
            {"original_id": given} if given else {},
        ), media


def schema(with_own: bool) -> pa.Schema:
    """The Arrow schema, with what `datasets` wants to know of it."""
    columns = [*_COLUMNS, *([(own.FIELD, pa.string(), "string")] if with_own else [])]
    info = {"info": {"features": {name: _feature(shape) for name, _, shape in columns}}}
    return pa.schema([(name, type_) for name, type_, _ in columns], metadata={"huggingface": json.dumps(info)})


def _feature(shape: Any) -> dict[str, Any]:
    """A column as `datasets` describes it: its `Features.to_dict`, `List` being `Sequence` before version 4."""
    if shape == "image":
        return {"_type": "Image"}
    if isinstance(shape, str):
        return {"dtype": shape, "_type": "Value"}
    if isinstance(shape, list):
        return {"feature": _feature(shape[0]), "_type": "List"}
    return {name: _feature(inner) for name, inner in cast("dict[str, Any]", shape).items()}


def to_row(document: Document, files: Mapping[str, str]) -> dict[str, Any]:
    """The row of a document; `images` and `files` hold the paths of its media, which `files` gives by sha256."""
    row: dict[str, Any] = {name: getattr(document, name) for name in ("id", "url", "title", "language", "source")}
    row |= {name: [] for name in ("order", "texts", "roles", "images", "alts", "links", "files")}
    for part in document.parts:
        path = "" if isinstance(part, Text) else files.get(part.ref, "")
        if isinstance(part, Text):
            row["order"].append("text")
            row["texts"].append(part.text)
            row["roles"].append(part.role)
        elif isinstance(part, Image) and path and _is_picture(path):
            row["order"].append("image")
            row["images"].append(path)
            row["alts"].append(part.alt)
        else:
            if isinstance(part, Image) and (part.url or path):
                row["order"].append("link")
                row["links"].append(part.url or path)
            if path and path not in row["files"]:
                row["files"].append(path)
    return row


def _name(ref: str, data: bytes) -> str:
    return f"{ref}.{extension(mime(data))}"


_PICTURE_KINDS = frozenset(extension(m) for m in PILLOW)


def _is_picture(path: str) -> bool:
    return path.rpartition(".")[2] in _PICTURE_KINDS


def _paths(value: object) -> object:
    """A column's value, structs replaced by their paths."""
    if not isinstance(value, list):
        return value
    given = cast("list[Any]", value)
    return [entry.get("path") if isinstance(entry, dict) else entry for entry in given]


def _bytes(entry: object) -> bytes | None:
    """The bytes of a picture. Its `path` is never opened: it is a path on the machine of whoever wrote the file."""
    data = cast("dict[str, Any]", entry).get("bytes") if isinstance(entry, dict) else entry
    if data is None or (isinstance(data, bytes) and len(data) > MAX_MEDIA):
        return None
    if isinstance(data, bytes):
        return data
    if isinstance(data, str):
        return None
    raise FormatError(f"a picture is {kind(data)}, not bytes")


def _own_media(row: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    for column in ("images", "files"):
        for entry in items(row.get(column), column):
            data = _bytes(entry)
            if data is not None:
                yield sha256(data), data


def _ordered(row: Mapping[str, Any], pictures: list[bytes | None], media: dict[str, bytes]) -> list[Part]:
    texts, roles = iter(strings(row.get("texts"), "texts")), iter(strings(row.get("roles"), "roles"))
    alts, links = iter(strings(row.get("alts"), "alts")), iter(strings(row.get("links"), "links"))
    shown = iter(pictures)
    parts: list[Part] = []
    for step in strings(row.get("order"), "order"):
        n = len(parts)
        if step == "text":
            role = next(roles, None)
            parts.append(Text(n, next(texts, None) or "", cast("Any", role if role in ROLES else "paragraph")))
        elif step == "image":
            parts.append(attached(Image(n, alt=next(alts, None) or ""), next(shown, None), media))
        elif step == "link":
            parts.append(Image(n, url=next(links, None) or ""))
        else:
            raise FormatError(f"order has {str(step)[:40]!r} in it; it has text, image and link")
    return parts


def _unordered(row: Mapping[str, Any], pictures: list[bytes | None], media: dict[str, bytes]) -> list[Part]:
    """Rows of others: texts and pictures side by side with nulls; texts with `<image>` where a picture stands; else the
    pictures and then the texts."""
    if row.get("image") is not None:
        pictures = [*pictures, _bytes(row["image"])]
    given = row.get("texts") if isinstance(row.get("texts"), list) else None
    texts = strings(given, "texts") if given is not None else [text(row.get("text")) or text(row.get("caption")) or None]
    parts: list[Part] = []

    def show(picture: bytes | None) -> None:
        parts.append(attached(Image(len(parts)), picture, media))

    aligned = (
        len(texts) == len(pictures)
        and None in texts
        and all((t is None) != (p is None) for t, p in zip(texts, pictures, strict=True))
    )
    if aligned:
        for words, picture in zip(texts, pictures, strict=True):
            if words is None:
                show(picture)
            else:
                parts.append(Text(len(parts), words))
        return parts
    waiting = iter([picture for picture in pictures if picture is not None])
    if not any(words and _PLACEHOLDER.search(words) for words in texts):
        for picture in waiting:
            show(picture)
    for words in texts:
        for i, piece in enumerate(_PLACEHOLDER.split(words) if words else []):
            if i and (picture := next(waiting, None)) is not None:
                show(picture)
            if piece.strip():
                parts.append(Text(len(parts), piece.strip()))
    for picture in waiting:
        show(picture)
    return parts
