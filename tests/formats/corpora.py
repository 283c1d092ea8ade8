"""Small corpora with real files, for tests of formats."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image as Pillow

from limner.corpus import Corpus
from limner.corpus.media import sha256
from limner.document import Audio, Document, Image, Part, Text, document_id


def picture(red: int, kind: str = "PNG", secret: bytes = b"") -> bytes:
    """A file of a picture of that colour; `secret` stands in its Exif block."""
    block = Pillow.Exif()
    if secret:
        block[0x010E] = secret.decode()
    with io.BytesIO() as file:
        Pillow.new("RGB", (6, 4), (red, 10, 10)).save(file, kind, exif=block)
        return file.getvalue()


def page(i: int, secret: bytes = b"") -> tuple[Document, dict[str, bytes]]:
    """The `i`-th page: a heading, a paragraph, a picture with its caption, a table, a sound, a picture that is elsewhere."""
    data, sound = picture(i % 256, "JPEG", secret), b"OggS" + bytes(60)
    parts: tuple[Part, ...] = (
        Text(0, f"Page {i}", "heading", 1),
        Text(1, f"Words of page {i}: a < b & c > d."),
        Image(3, sha256(data), f"https://example.org/{i}.jpg", f"picture {i}", 6, 4, "dom:1/2"),
        Text(4, f"Figure {i}.", "caption", of=3),
        Text(5, "| a | b |\n| --- | --- |\n| 1 | 2 |", "table"),
        Audio(6, sha256(sound), "", 0.5, 2.0),
        Image(7, "", "https://example.org/far.png", "far"),
    )
    address = f"https://example.org/page/{i}"
    meta = {"license": "CC-BY-4.0", "date": "2024-05-01"}
    return Document(document_id(address), parts, address, address, f"Page {i} - Example", "en", meta), {
        sha256(data): data,
        sha256(sound): sound,
    }


def corpus_of(path: Path, count: int, secret: bytes = b"") -> Corpus:
    """A corpus of so many pages."""
    corpus = Corpus.create(path, {"licence": "CC-BY-4.0", "plan": {}})
    made = [page(i, secret) for i in range(count)]
    corpus.append([d for d, _ in made], {ref: data for _, media in made for ref, data in media.items()})
    return corpus
