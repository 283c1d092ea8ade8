"""OmniCorpus-CC: Parquet rows of `general_metadata`, `images`, `texts` and `metadata`.

Schema: https://huggingface.co/datasets/OpenGVLab/OmniCorpus-CC (features in its card): `general_metadata` is a struct
of domain (list of strings), id, url and the scores of five text filters; `images` and `texts` are lists of strings as in
OBELICS; `metadata` is a list of structs, one an image (aesthetic_prob, bytes, d_hash, d_hash_dup_count, height,
img_url_sha, p_hash, p_hash_dup_count, unsafe_prob, width). The card does not say whether `metadata` is as long as
`images` or has images only: limner writes it as long, with nulls, and reads both.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pyarrow as pa

from limner.document import Document, Image, document_id
from limner.formats import own, parquet
from limner.formats.fileformat import Bad, FileFormat
from limner.formats.folder import Folder
from limner.formats.format import Read
from limner.formats.lines import documents, json_lines
from limner.formats.obelics import STRINGS, at
from limner.formats.output import Item, Shard
from limner.formats.sequence import from_lists, same, to_lists
from limner.formats.values import facts, items, record, text

_SCORES = ("fluency_prob", "non_advertisement_prob", "politics_prob", "porn_prob", "toxic_prob")

GENERAL = pa.struct(
    [("domain", STRINGS), ("fluency_prob", pa.float64()), ("id", pa.string()), ("non_advertisement_prob", pa.float64()),
     ("politics_prob", pa.float64()), ("porn_prob", pa.float64()), ("toxic_prob", pa.float64()), ("url", pa.string())]
)  # fmt: skip
IMAGE = pa.struct(
    [("aesthetic_prob", pa.float64()), ("bytes", pa.int64()), ("d_hash", pa.string()), ("d_hash_dup_count", pa.int64()),
     ("height", pa.int64()), ("img_url_sha", pa.string()), ("p_hash", pa.string()), ("p_hash_dup_count", pa.int64()),
     ("unsafe_prob", pa.float64()), ("width", pa.int64())]
)  # fmt: skip
PUBLIC = [
    ("general_metadata", GENERAL), ("images", STRINGS), ("texts", STRINGS),
    ("metadata", pa.list_(pa.field("element", IMAGE))),
]  # fmt: skip


class OmniCorpus(FileFormat):
    """Rows of `images` and `texts` side by side. Scores that limner has not measured are null. Stored images lie in
    files beside; limner's own field is one more column."""

    name = "omnicorpus"
    description = "OmniCorpus-CC: Parquet with texts, image URLs and scores of filters"
    published = "https://huggingface.co/datasets/OpenGVLab/OmniCorpus-CC"
    holds: ClassVar = frozenset({"id", "sizes", "addresses", "unstored", "url"})
    also: ClassVar = ("files of images that go by an address",)
    suffixes: ClassVar = (".parquet", ".jsonl", ".jsonl.gz")

    def write(self, shard: Shard, items: Iterator[Item]) -> None:
        """One Parquet file."""
        schema = pa.schema([*PUBLIC, *([(own.FIELD, pa.string())] if shard.own else [])])
        with parquet.Writer(shard.path(f"data/train-{shard.of}.parquet"), schema) as writer:
            for item in items:
                document, files = item.document, shard.store(item)
                lists = to_lists(document, files)
                hidden = sum(
                    1
                    for image, name in zip(lists.shown, lists.images, strict=True)
                    if image and files.get(image.ref, name) != name
                )
                if hidden:
                    shard.tally.lose(self.also[0], hidden)
                general: dict[str, Any] = dict.fromkeys(_SCORES)
                general |= {"domain": _domain(document.url), "id": document.id, "url": document.url}
                row: dict[str, Any] = {
                    "general_metadata": general,
                    "images": lists.images,
                    "texts": lists.texts,
                    "metadata": [image and _image(image, item) for image in lists.shown],
                }
                if shard.own:
                    row[own.FIELD] = own.to_text(document, files)
                writer.add(row)

    def rows(self, folder: Folder, name: str) -> Iterator[Read | Bad]:
        """The documents of a Parquet or JSON lines file."""
        columns = [*(column for column, _ in PUBLIC), own.FIELD]
        rows = (
            parquet.rows(folder, name, columns, ["texts", "images"])
            if name.lower().endswith(".parquet")
            else json_lines(folder, name)
        )
        yield from documents(rows, lambda ordinal, row: self._document(folder, name, ordinal, row))

    def _document(self, folder: Folder, name: str, ordinal: int, row: dict[str, Any]) -> Read:
        kept = own.from_field(row.get(own.FIELD))
        if kept and same(to_lists(kept.document, kept.files), row.get("texts"), row.get("images")):
            return kept.document, dict(folder.stored(kept.files, name))
        given = items(row.get("metadata"), "metadata")
        aligned = len(given) == len(items(row.get("images"), "images"))
        parts, media = from_lists(
            row.get("texts"), row.get("images"), lambda file: folder.media(file, name),
            lambda place, number: at(given, place if aligned else number),
        )  # fmt: skip
        general = row.get("general_metadata")
        general = record(general, "general_metadata") if general is not None else {}
        source = f"{folder.label}/{name}"
        return Document(
            document_id(source, ordinal),
            parts,
            source,
            text(general.get("url")),
            meta=facts({"original_id": general.get("id"), **{k: general.get(k) for k in _SCORES}}),
        ), media


def _domain(address: str) -> list[str]:
    """Host names, from the host itself down to its last two labels."""
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        return []
    labels = host.split(".")
    return [".".join(labels[i:]) for i in range(max(len(labels) - 1, 1))] if host else []


def _image(image: Image, item: Item) -> dict[str, Any]:
    data = item.media.get(image.ref)
    return dict.fromkeys(field.name for field in IMAGE) | {
        "bytes": len(data) if data is not None else None,
        "height": image.height or None,
        "width": image.width or None,
        "img_url_sha": sha256(image.url.encode("utf-8", "replace")).hexdigest() if image.url else None,
    }
