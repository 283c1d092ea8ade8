"""OBELICS: Parquet rows of `images`, `texts`, `metadata` and `general_metadata`.

Schema: https://huggingface.co/datasets/HuggingFaceM4/OBELICS (features and Data Fields of its card): `images` and `texts`
are lists of strings of one length, at each place one of them null; `metadata` is a JSON string, a list of the same
length with an object an image (document_url, unformatted_src, src, formatted_filename, alt_text, original_width,
original_height, format, …) and null a text; `general_metadata` is a JSON string of an object with url and the place
in Common Crawl. What the objects of images hold: `simplify_media_node` of
https://github.com/huggingface/OBELICS/blob/main/obelics/processors/dom_tree_simplificator.py.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pyarrow as pa

from limner.corpus.probe import mime
from limner.document import Document, Image, document_id
from limner.formats import own, parquet
from limner.formats.fileformat import Bad, FileFormat
from limner.formats.folder import Folder
from limner.formats.format import Read
from limner.formats.lines import documents, json_lines
from limner.formats.output import Item, Shard
from limner.formats.sequence import Lists, from_lists, same, to_lists
from limner.formats.values import dumps, facts, items, loads, text

STRINGS = pa.list_(pa.field("element", pa.string()))
SCHEMA = pa.schema([("images", STRINGS), ("metadata", pa.string()), ("general_metadata", pa.string()), ("texts", STRINGS)])


class Obelics(FileFormat):
    """Rows of `images` and `texts` side by side. Stored images lie in files beside them, which the `metadata` name;
    limner's own field is an entry of `general_metadata`."""

    name = "obelics"
    description = "OBELICS: Parquet with texts and image URLs side by side"
    published = "https://huggingface.co/datasets/HuggingFaceM4/OBELICS"
    holds: ClassVar = frozenset({"alt", "sizes", "addresses", "unstored", "url"})
    suffixes: ClassVar = (".parquet", ".jsonl", ".jsonl.gz")

    def write(self, shard: Shard, items: Iterator[Item]) -> None:
        """One Parquet file, `data/train-00000-of-00003.parquet`."""
        with parquet.Writer(shard.path(f"data/train-{shard.of}.parquet"), SCHEMA) as writer:
            for item in items:
                files = shard.store(item)
                lists = to_lists(item.document, files)
                general: dict[str, Any] = {"url": item.document.url}
                if shard.own:
                    general[own.FIELD] = own.to_field(item.document, files)
                writer.add(
                    {
                        "images": lists.images,
                        "metadata": dumps(image_facts(item, lists, files)),
                        "general_metadata": dumps(general),
                        "texts": lists.texts,
                    }
                )

    def rows(self, folder: Folder, name: str) -> Iterator[Read | Bad]:
        """The documents of a Parquet or JSON lines file."""
        rows = (
            parquet.rows(folder, name, SCHEMA.names, ["texts", "images"])
            if name.lower().endswith(".parquet")
            else json_lines(folder, name)
        )
        yield from documents(rows, lambda ordinal, row: self._document(folder, name, ordinal, row))

    def _document(self, folder: Folder, name: str, ordinal: int, row: dict[str, Any]) -> Read:
        general = _object(row.get("general_metadata"))
        kept = own.from_field(general.get(own.FIELD))
        if kept and same(to_lists(kept.document, kept.files), row.get("texts"), row.get("images")):
            return kept.document, dict(folder.stored(kept.files, name))
        given = row.get("metadata")
        aligned = items(loads(given) if isinstance(given, str) and given else given, "metadata")
        parts, media = from_lists(
            row.get("texts"), row.get("images"), lambda file: folder.media(file, name), lambda place, _: at(aligned, place)
        )
        source = f"{folder.label}/{name}"
        return Document(
            document_id(source, ordinal),
            parts,
            source,
            text(general.get("url")),
            meta=facts({k: v for k, v in general.items() if k not in ("url", own.FIELD)}),
        ), media


def at(values: list[Any], place: int) -> Mapping[str, Any]:
    """The object at that place of a list, an empty one where there is none."""
    return values[place] if place < len(values) and isinstance(values[place], dict) else {}


def image_facts(item: Item, lists: Lists, files: Mapping[str, str]) -> list[dict[str, Any] | None]:
    """What OBELICS writes of every image, null for every text. `file` is limner's: where its bytes lie."""
    return [image and _facts(item, image, name or "", files) for image, name in zip(lists.shown, lists.images, strict=True)]


def _facts(item: Item, image: Image, name: str, files: Mapping[str, str]) -> dict[str, Any]:
    out: dict[str, Any] = {"document_url": item.document.url, "unformatted_src": image.url or name, "src": name}
    if stem := _stem(image.url):
        out["formatted_filename"] = stem
    if image.alt:
        out["alt_text"] = image.alt
    if image.width or image.height:
        out |= {"original_width": image.width, "original_height": image.height}
    if image.ref in item.media:
        out["format"] = mime(item.media[image.ref]).partition("/")[2]
        out["file"] = files[image.ref]
    return out


def _stem(address: str) -> str:
    """The file's name as words, as OBELICS has them: without extension, marks as spaces."""
    try:
        name = posixpath.splitext(posixpath.basename(urlsplit(address).path))[0]
    except ValueError:
        return ""
    return " ".join("".join(c if c.isalnum() else " " for c in name[:200]).split())


def _object(value: object) -> dict[str, Any]:
    if isinstance(value, str) and value:
        value = loads(value)
    return value if isinstance(value, dict) else {}
