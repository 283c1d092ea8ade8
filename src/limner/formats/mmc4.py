"""MMC4: JSON lines of sentences, and of images matched with them.

Schema: https://github.com/allenai/mmc4 (README, "Documents"): `text_list`, `url`, `image_info` (a list of objects with
image_name, raw_url, matched_text_index, matched_sim, face_detections), `similarity_matrix` (a row an image, a column a
sentence) and `could_have_url_duplicate`. As OpenFlamingo reads it
(`preprocess_interleaved` in https://github.com/mlfoundations/open_flamingo/blob/main/open_flamingo/train/data.py), an
image stands before the sentence it is matched with.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

from limner.document import Document, Image, Part, Text, document_id
from limner.formats import own
from limner.formats.fileformat import Bad, FileFormat
from limner.formats.folder import Folder
from limner.formats.format import Read
from limner.formats.lines import documents, json_lines
from limner.formats.output import Item, Shard
from limner.formats.sequence import attached
from limner.formats.values import dumps, facts, items, record, strings, text

_KNOWN = ("text_list", "image_info", "similarity_matrix", "url", "could_have_url_duplicate", "limner")


class Mmc4(FileFormat):
    """JSON lines, the images in a folder beside. limner knows where an image stands, not how alike CLIP would find it
    and a sentence: a similarity is 1 where an image stands before a text and 0 elsewhere, so that tools that match by
    similarity put it there. limner's own field is one more entry."""

    name = "mmc4"
    description = "MMC4: JSON lines with texts, and images matched with them"
    published = "https://github.com/allenai/mmc4"
    holds: ClassVar = frozenset({"breaks", "addresses", "unstored", "nameless", "url"})
    also: ClassVar = (
        "similarities say only where an image stands: 1 there, 0 elsewhere",
        "images behind the last text move before it",
    )
    suffixes: ClassVar = (".jsonl", ".jsonl.gz", ".jsonl.zip")

    def write(self, shard: Shard, items: Iterator[Item]) -> None:
        """One file, `docs_shard_0_v2.jsonl`, and its images in `images/00000`."""
        with open(shard.path(f"docs_shard_{shard.number}_v2.jsonl"), "w", encoding="utf-8", errors="replace") as file:
            for item in items:
                files = shard.store(item)
                row = to_row(item.document, files)
                last = len(row["text_list"])
                shard.tally.lose(self.also[0], len(row["image_info"]))
                shard.tally.lose(self.also[1], _behind(item.document) if last else 0)
                if shard.own:
                    row[own.FIELD] = own.to_field(item.document, files)
                file.write(dumps(row) + "\n")

    def rows(self, folder: Folder, name: str) -> Iterator[Read | Bad]:
        """The documents of a file."""
        yield from documents(json_lines(folder, name), lambda ordinal, row: self._document(folder, name, ordinal, row))

    def _document(self, folder: Folder, name: str, ordinal: int, row: dict[str, Any]) -> Read:
        kept = own.from_field(row.get(own.FIELD))
        if kept and _content(to_row(kept.document, kept.files)) == _content(row):
            return kept.document, dict(folder.stored(kept.files, name))
        texts = [words or "" for words in strings(row.get("text_list"), "text_list")]
        before: dict[int, list[Mapping[str, Any]]] = {}
        for given in items(row.get("image_info"), "image_info"):
            info = record(given, "an image")
            index = info.get("matched_text_index")
            known = isinstance(index, int) and 0 <= index < len(texts)
            before.setdefault(index if known else len(texts), []).append(info)  # type: ignore[arg-type]
        parts: list[Part] = []
        media: dict[str, bytes] = {}
        for i in range(len(texts) + 1):
            for info in before.get(i, []):
                file = text(info.get("image_name"))
                image = Image(len(parts), url=text(info.get("raw_url")))
                data = (folder.media(file, name) or folder.media(f"images/{file}", name)) if file else None
                parts.append(attached(image, data, media))
            if i < len(texts):
                parts.append(Text(len(parts), texts[i]))
        source = f"{folder.label}/{name}"
        meta = facts({k: v for k, v in row.items() if k not in _KNOWN})
        return Document(document_id(source, ordinal), tuple(parts), source, text(row.get("url")), meta=meta), media


def to_row(document: Document, files: Mapping[str, str]) -> dict[str, Any]:
    """The document as MMC4 has it."""
    texts: list[str] = []
    images: list[tuple[Image, int]] = []
    for part in document.parts:
        if isinstance(part, Text):
            texts.append(part.text)
        elif isinstance(part, Image):
            images.append((part, len(texts)))
    infos: list[dict[str, Any]] = []
    matrix: list[list[float]] = []
    for image, place in images:
        index = min(place, max(len(texts) - 1, 0))
        infos.append(
            {
                "image_name": image_name(image, files),
                "raw_url": image.url,
                "matched_text_index": index,
                "matched_sim": 1.0 if texts else 0.0,
                "face_detections": None,
            }
        )
        matrix.append([1.0 if i == index else 0.0 for i in range(len(texts))])
    return {
        "text_list": texts,
        "url": document.url,
        "image_info": infos,
        "similarity_matrix": matrix,
        "could_have_url_duplicate": 0,
    }


def image_name(image: Image, files: Mapping[str, str]) -> str:
    """The path of a stored image below the folder `images`; for another, as in MMC4, a hash and an extension."""
    if file := files.get(image.ref):
        return file.removeprefix("images/")
    try:
        kind = posixpath.splitext(urlsplit(image.url).path)[1].lower()
    except ValueError:
        kind = ""
    kind = kind if 2 <= len(kind) <= 5 and kind[1:].isalnum() and kind.isascii() else ".jpg"
    return hashlib.sha256(image.url.encode("utf-8", "replace")).hexdigest()[:12] + kind


def _behind(document: Document) -> int:
    last = max((i for i, part in enumerate(document.parts) if isinstance(part, Text)), default=-1)
    return sum(1 for part in document.parts[last + 1 :] if isinstance(part, Image))


def _content(row: Mapping[str, Any]) -> object:
    given = row.get("image_info")
    infos = [i for i in given if isinstance(i, dict)] if isinstance(given, list) else []
    return row.get("text_list"), [(i.get("image_name"), i.get("raw_url"), i.get("matched_text_index")) for i in infos]
