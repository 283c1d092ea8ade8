"""Documents as small models are told them (`limner.recipes.taught`): their texts, and in the places of their images what a network trained on
photographs sees in these."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from limner.corpus.media import MediaSink
from limner.curate.align import decoded
from limner.curate.operator import Context
from limner.document import Document, Image, Part, Text
from limner.experts.image_encoder import image_encoder
from limner.experts.onnx import Floats
from limner.pipeline.plan import Plan, step
from limner.recipes.taught import Told
from limner.recipes.videos import Seen, built
from limner.sources.locate import source
from limner.sources.source import Input, Source


def scaled(rows: Floats) -> Floats:
    """Features of length one, N x C or C, so that a number's deviation is about one."""
    return np.asarray(rows * np.sqrt(rows.shape[-1]), np.float32)


def features(documents: Iterable[Document], media: Context) -> dict[str, Floats]:
    """What EfficientNet-Lite0 sees in the images of documents, by their refs: 1280 numbers each."""
    refs = dict.fromkeys(image.ref for document in documents for image in document.images if image.ref)
    found: dict[str, Floats] = {}
    for names, pixels in decoded(refs, media):
        found.update(zip(names, scaled(image_encoder().embed(pixels)), strict=True))
    return found


def placed(parts: Iterable[Part], look: Mapping[str, Floats]) -> tuple[str | Floats, ...]:
    """The texts of a document's parts, and the features of those of its images that have any, in order."""
    found = (look.get(p.ref) if isinstance(p, Image) else p.text.strip() for p in parts if isinstance(p, Image | Text))
    return tuple(part for part in found if not (part is None or (isinstance(part, str) and not part)))


def interleaved(document: Document, look: Mapping[str, Floats]) -> Told:
    """A whole document, with the features of its images in their places."""
    return Told(placed(document.parts, look))


def asked(before: Iterable[str | Floats], text: str) -> Told:
    """A text whose words are counted, after what stands before it."""
    parts = tuple(before)
    return Told((*parts, text), frozenset((len(parts),)))


@dataclass(frozen=True)
class Spread:
    """`most` of the HTML pages of a source, evenly spread over it."""

    whole: Source
    most: int

    def inputs(self) -> Sequence[Input]:
        """See `Source`."""
        found = [each for each in self.whole.inputs() if each.name.endswith(".html")]
        return found[:: max(len(found) // self.most, 1)][: self.most]

    def read(self, input: Input, media: MediaSink) -> Iterable[Document]:
        """See `Source`."""
        return self.whole.read(input, media)


@lru_cache(maxsize=1)
def web(name: str, most: int) -> tuple[Told, ...]:
    """So many pages of a data set, evenly spread over it, as interleaved documents whose images are no smaller than icons."""
    with built(Plan(steps=(step("image-rules", min_width=64, min_height=64),)), [Spread(source(f"data:{name}"), most)]) as corpus:
        documents = list(corpus)
        look = features(documents, Seen(corpus))
    return tuple(_told(documents, look))


def _told(documents: Iterable[Document], look: Mapping[str, Floats]) -> Iterator[Told]:
    for document in documents:
        told = interleaved(document, look)
        if told.texts:
            yield told
