"""MINT-1T: Parquet rows of texts and images (the HTML part), tar shards with TIFF files (the PDF and arXiv parts).

Schema: https://huggingface.co/datasets/mlfoundations/MINT-1T-HTML has the columns texts, images, metadata, url,
image_hashes, images_metadata and cc_dump; `texts` and `images` are of one length as in OBELICS, the three lists about
images have images only. https://huggingface.co/datasets/mlfoundations/MINT-1T-PDF-CC-2023-23 has samples of `json`
(texts, images such as `page_0_image_85`, image_metadata with height, page, sha256, width, xref) and `tiff`, a picture an
image. limner writes the HTML kind and reads both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pyarrow as pa

from limner.document import Document, document_id
from limner.errors import FormatError, LimnerError
from limner.formats import own, parquet
from limner.formats.fileformat import Bad, FileFormat
from limner.formats.folder import Folder
from limner.formats.format import Read
from limner.formats.lines import json_lines
from limner.formats.obelics import STRINGS, at, image_facts
from limner.formats.output import Item, Shard
from limner.formats.sequence import from_lists, same, to_lists
from limner.formats.tarfiles import samples
from limner.formats.values import dumps, facts, items, loads, record, text
from limner.formats.webdataset import sample_document

PUBLIC = [
    ("images", STRINGS), ("texts", STRINGS), ("metadata", pa.string()), ("url", pa.string()),
    ("image_hashes", STRINGS), ("images_metadata", STRINGS), ("cc_dump", pa.string()),
]  # fmt: skip


class Mint(FileFormat):
    """Rows of `images` and `texts` side by side. `image_hashes` are the sha256 of stored images; these lie in files
    beside, which `metadata` names. limner's own field is one more column."""

    name = "mint-1t"
    description = "MINT-1T: Parquet with texts and image URLs; reads its PDF tar shards too"
    published = "https://huggingface.co/datasets/mlfoundations/MINT-1T-HTML"
    holds: ClassVar = frozenset({"alt", "sizes", "addresses", "unstored", "url"})
    suffixes: ClassVar = (".parquet", ".jsonl", ".jsonl.gz", ".tar")

    def write(self, shard: Shard, items: Iterator[Item]) -> None:
        """One Parquet file."""
        schema = pa.schema([*PUBLIC, *([(own.FIELD, pa.string())] if shard.own else [])])
        with parquet.Writer(shard.path(f"data/shard_{shard.number:04d}.parquet"), schema) as writer:
            for item in items:
                files = shard.store(item)
                lists = to_lists(item.document, files)
                shown = [image for image in lists.shown if image]
                row: dict[str, Any] = {
                    "images": lists.images,
                    "texts": lists.texts,
                    "metadata": dumps([entry for entry in image_facts(item, lists, files) if entry]),
                    "url": item.document.url,
                    "image_hashes": [image.ref if image.ref in item.media else None for image in shown],
                    "images_metadata": [dumps({"width": image.width, "height": image.height}) for image in shown],
                    "cc_dump": "",
                }
                if shard.own:
                    row[own.FIELD] = own.to_text(item.document, files)
                writer.add(row)

    def rows(self, folder: Folder, name: str) -> Iterator[Read | Bad]:
        """The documents of a Parquet or JSON lines file, or of a tar shard."""
        for ordinal, (where, row) in enumerate(self._raw(folder, name)):
            try:
                if isinstance(row, Bad):
                    yield row
                elif isinstance(row, dict):
                    yield self._document(folder, name, ordinal, record(row))
                else:
                    yield sample_document(folder, name, ordinal, row)
            except LimnerError as error:
                yield Bad(where, error)

    def _raw(self, folder: Folder, name: str) -> Iterator[tuple[str, Any]]:
        lower = name.lower()
        if lower.endswith(".tar"):
            yield from samples(folder, name)
        elif lower.endswith(".parquet"):
            yield from parquet.rows(folder, name, [*(c for c, _ in PUBLIC), own.FIELD], ["texts", "images"])
        else:
            for where, row in json_lines(folder, name):
                yield where, row if isinstance(row, dict | Bad) else Bad(where, FormatError("the row is not an object"))

    def _document(self, folder: Folder, name: str, ordinal: int, row: dict[str, Any]) -> Read:
        kept = own.from_field(row.get(own.FIELD))
        if kept and same(to_lists(kept.document, kept.files), row.get("texts"), row.get("images")):
            return kept.document, dict(folder.stored(kept.files, name))
        given = row.get("metadata")
        about = items(loads(given) if isinstance(given, str) and given else given, "metadata")
        parts, media = from_lists(
            row.get("texts"), row.get("images"), lambda file: folder.media(file, name), lambda _, number: at(about, number)
        )
        source = f"{folder.label}/{name}"
        meta = facts({"cc_dump": row.get("cc_dump")})
        return Document(document_id(source, ordinal), parts, source, text(row.get("url")), meta=meta), media
