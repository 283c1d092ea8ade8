"""WebDataset: tar shards, a sample a document: `{key}.json` and its media `{key}.0.png`, `{key}.1.jpg`, …

Conventions: https://github.com/webdataset/webdataset (README, "The WebDataset Format") and
https://huggingface.co/docs/hub/datasets-webdataset. There is no convention for interleaved documents; limner writes
`texts` and `images` side by side as OBELICS and MINT-1T do, an image by the extension of its member, else its address.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from limner.corpus.media import sha256
from limner.corpus.probe import mime
from limner.corpus.shard import ShardWriter, extension
from limner.document import Document, Image, Part, Text, document_id
from limner.errors import LimnerError
from limner.formats import own
from limner.formats.fileformat import Bad, FileFormat
from limner.formats.folder import Folder
from limner.formats.format import Read
from limner.formats.obelics import at
from limner.formats.output import Item, Shard
from limner.formats.sequence import attached, from_lists, same, to_lists
from limner.formats.tarfiles import Sample, samples
from limner.formats.tiff import frames
from limner.formats.values import dumps, facts, is_web, items, loads, record, size, text

_FRAME = re.compile(r"page_\d+_image_\d+\Z")
_IMAGES = re.compile(r"(?:.*\.)?(?:jpe?g|png|webp|gif|bmp|tiff?|avif|svg)\Z")
_IN_JSON = ("texts", "images", "image_metadata", "url", "title", "language", "limner", "id")


class WebDataset(FileFormat):
    """Tar shards that `webdataset` streams. limner's own field is an entry of the JSON."""

    name = "webdataset"
    description = "WebDataset: tar shards, JSON and media of a document side by side"
    published = "https://github.com/webdataset/webdataset"
    holds: ClassVar = frozenset({"id", "addresses", "unstored", "url", "title", "language", "alt", "sizes"})
    suffixes: ClassVar = (".tar",)
    shard_size: ClassVar = 1_000

    def write(self, shard: Shard, items: Iterator[Item]) -> None:
        """One archive, `00000.tar`."""
        archive = ShardWriter(shard.path(f"{shard.label}.tar"))
        try:
            for number, item in enumerate(items):
                key = f"{shard.label}{number:06d}"
                files = _members(item)
                archive.add(f"{key}.json", dumps(_json(item, files, shard.own)).encode("utf-8", "replace"))
                for ref, member in files.items():
                    archive.add(f"{key}.{member}", item.media[ref])
        finally:
            archive.close()

    def rows(self, folder: Folder, name: str) -> Iterator[Read | Bad]:
        """The documents of an archive."""
        for ordinal, (where, sample) in enumerate(samples(folder, name)):
            try:
                yield sample if isinstance(sample, Bad) else sample_document(folder, name, ordinal, sample)
            except LimnerError as error:
                yield Bad(where, error)


def _members(item: Item) -> dict[str, str]:
    """The extensions of a document's media by sha256, numbered in the order of first use."""
    out: dict[str, str] = {}
    for part in item.document.parts:
        if not isinstance(part, Text) and part.ref in item.media and part.ref not in out:
            out[part.ref] = f"{len(out)}.{extension(mime(item.media[part.ref]))}"
    return out


def _json(item: Item, files: Mapping[str, str], with_own: bool) -> dict[str, Any]:
    document = item.document
    lists = to_lists(document, files, prefer_files=True)
    out: dict[str, Any] = {
        "id": document.id,
        "url": document.url,
        "title": document.title,
        "language": document.language,
        "texts": lists.texts,
        "images": lists.images,
        "image_metadata": [
            {"url": image.url, "alt_text": image.alt, "width": image.width, "height": image.height}
            for image in lists.shown
            if image
        ],
    }
    if with_own:
        out[own.FIELD] = own.to_field(document, files)
    return out


def sample_document(folder: Folder, name: str, ordinal: int, sample: Sample) -> Read:
    """The document of a sample: texts and images side by side, or one or more images with a text. Raises `LimnerError`."""
    data = record(loads(sample.members["json"]), "its JSON") if "json" in sample.members else {}
    kept = own.from_field(data.get(own.FIELD))
    if kept and same(to_lists(kept.document, kept.files, prefer_files=True), data.get("texts"), data.get("images")):
        members = {ref: sample.members.get(member) for ref, member in kept.files.items()}
        return kept.document, _verified(members)
    if isinstance(data.get("texts"), list) or isinstance(data.get("images"), list):
        parts, media = _interleaved(data, sample)
    else:
        parts, media = _pair(data, sample)
    source = f"{folder.label}/{name}"
    return Document(
        document_id(source, ordinal),
        parts,
        source,
        text(data.get("url")),
        text(data.get("title")),
        text(data.get("language")),
        facts({"original_id": data.get("id") or sample.key, **{k: v for k, v in data.items() if k not in _IN_JSON}}),
    ), media


def _verified(members: Mapping[str, bytes | None]) -> dict[str, bytes]:
    return {ref: data for ref, data in members.items() if data is not None and sha256(data) == ref}


def _interleaved(data: Mapping[str, Any], sample: Sample) -> tuple[tuple[Part, ...], dict[str, bytes]]:
    about = items(data.get("image_metadata"), "image_metadata")
    multi = next((sample.members[kind] for kind in ("tiff", "tif") if kind in sample.members), None)
    names = [name for name in items(data.get("images"), "images") if name is not None]
    pictures: dict[str, bytes] = {}
    if multi is not None and any(isinstance(name, str) and _FRAME.match(name) for name in names):
        # MINT-1T: a picture for each image, in the order of `image_metadata`.
        pictures = {name: png for name, png in zip(names, frames(multi), strict=False) if isinstance(name, str)}

    def load(name: str) -> bytes | None:
        return pictures.get(name) or sample.members.get(name.lower())

    parts, media = from_lists(data.get("texts"), data.get("images"), load, lambda _, number: at(about, number))
    renamed: list[Part] = []
    images = 0
    for part in parts:
        if isinstance(part, Image):
            address = text(at(about, images).get("url"))
            images += 1
            # What the image went by in the sample says nothing outside of it.
            if address or (part.ref and not is_web(part.url)):
                part = Image(part.n, part.ref, address, part.alt, part.width, part.height)
        renamed.append(part)
    return tuple(renamed), media


def _pair(data: Mapping[str, Any], sample: Sample) -> tuple[tuple[Part, ...], dict[str, bytes]]:
    """The images of a sample in the order of its members, and its text: of its `.txt`, else the caption in its JSON (as
    img2dataset writes them)."""
    parts: list[Part] = []
    media: dict[str, bytes] = {}
    address = text(data.get("url"))
    for kind, content in sample.members.items():
        if _IMAGES.match(kind):
            image = Image(len(parts), url=address, width=size(data.get("width")), height=size(data.get("height")))
            parts.append(attached(image, content, media))
    words = sample.members.get("txt", b"").decode("utf-8", "replace").strip()
    words = words or next((text(data[key]) for key in ("caption", "text") if text(data.get(key))), "")
    if words:
        parts.append(Text(len(parts), words))
    return tuple(parts), media
