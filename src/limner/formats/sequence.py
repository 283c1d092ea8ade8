"""A document as two lists side by side: at every place either a text or an image, the other one nothing.

This is how OBELICS published documents (arXiv:2306.16527), and after it OmniCorpus and MINT-1T.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

from limner.corpus.probe import probe
from limner.document import Document, Image, Part, Text
from limner.formats.values import is_web, size, strings, text


@dataclass(frozen=True)
class Lists:
    """`texts` and `images` are of one length; `shown` has the image part at each place that has an image."""

    texts: list[str | None]
    images: list[str | None]
    shown: list[Image | None]


def to_lists(document: Document, files: Mapping[str, str], *, prefer_files: bool = False) -> Lists:
    """The lists of a document. An image goes by its address on the web, else by the path of its file in `files`
    (the other way round with `prefer_files`), else by what its source wrote. One that has none of them is left out."""
    out = Lists([], [], [])
    for part in document.parts:
        if isinstance(part, Text):
            out.texts.append(part.text)
            out.images.append(None)
            out.shown.append(None)
        elif isinstance(part, Image) and (name := image_name(part, files, prefer_files)):
            out.texts.append(None)
            out.images.append(name)
            out.shown.append(part)
    return out


def image_name(image: Image, files: Mapping[str, str], prefer_files: bool = False) -> str:
    """What an image goes by; see `to_lists`."""
    file = files.get(image.ref, "")
    if prefer_files and file:
        return file
    return image.url if is_web(image.url) else file or image.url


def same(lists: Lists, texts: object, images: object) -> bool:
    """Whether a row still has the texts and images that it was written with."""
    return lists.texts == texts and lists.images == images


Load = Callable[[str], bytes | None]
Describe = Callable[[int, int], Mapping[str, Any]]
"""The facts that a row gives of an image: by its place in the lists, and by its number among the images."""


def from_lists(
    texts: object, images: object, load: Load, describe: Describe = lambda place, number: {}
) -> tuple[tuple[Part, ...], dict[str, bytes]]:
    """The parts of such lists, and the bytes of images that `load` finds under what they go by. A text is cut into
    paragraphs at empty lines, as OBELICS joined them. Raises `FormatError` for lists of anything else."""
    parts: list[Part] = []
    media: dict[str, bytes] = {}
    number = 0
    for place, (words, name) in enumerate(zip_longest(strings(texts, "texts"), strings(images, "images"))):
        if name is not None:
            facts = describe(place, number)
            number += 1
            file = text(facts.get("file"))
            local = file or ("" if is_web(name) else name)
            image = Image(
                len(parts),
                url="" if local == name and file else name,
                alt=text(facts.get("alt_text")),
                width=size(facts.get("original_width") or facts.get("width")),
                height=size(facts.get("original_height") or facts.get("height")),
            )
            parts.append(attached(image, load(local) if local else None, media))
        if words is not None:
            pieces = [piece for piece in words.split("\n\n") if piece.strip()] or [words]
            parts += [Text(len(parts) + i, piece) for i, piece in enumerate(pieces)]
    return tuple(parts), media


def attached(image: Image, data: bytes | None, media: dict[str, bytes]) -> Image:
    """The image with those bytes as its stored ones, which go into `media`; as it is where they are no image."""
    info = probe(data) if data else None
    if info is None or data is None or not info.mime.startswith("image/"):
        return image
    media[info.ref] = data
    return replace(image, ref=info.ref, width=info.width or image.width, height=info.height or image.height)
