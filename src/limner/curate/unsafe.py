"""Unsafe images by a classifier behind the port `limner.experts.safety`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from limner.corpus.pixels import Pixels, thumbnail
from limner.curate.operator import Context, Reason, drop_parts
from limner.document import Document
from limner.errors import MediaError
from limner.experts.safety import safety

SIDE = 512
"""Images are scaled down to fit this many pixels before the classifier scales them to its own size."""


@dataclass(frozen=True)
class UnsafeImages:
    """Drop images that a classifier holds for sexually explicit, or the documents they stand in.

    MMC4 drops images above 0.1 of a small network on CLIP features (Zhu et al. 2023, arXiv 2304.06939, section 3). OBELICS drops the
    whole document, by GantMan's nsfw_model: porn above 0.85 or hentai above 0.9 (Laurençon et al. 2023, arXiv 2306.16527, A.1.5;
    build_obelics/07_01_nsfw_image_filtering.py). mOSCAR drops the document too, where one classifier is above 0.8 and a second
    sees nudity (Futeral et al. 2024, arXiv 2406.08707, 3.4); OmniCorpus images above 0.8 (Li et al. 2024, arXiv 2406.08418,
    3.1). Scores of different classifiers are no one scale. The bundled default is Yahoo's open_nsfw (extra `safety`); its
    authors advise a threshold between 0.2 and 0.8 for the application at hand. It knows nothing of violence, and it
    errs both ways: review what it drops. An image that stands often is scored once a batch.

    Records `unsafe-image` with the probability; a document that goes, `unsafe-document` with that of its worst image.

    `model`        address of the classifier: bundled:open_nsfw, onnx:PATH or hf:NAME
    `threshold`    least probability of an image that goes
    `drop`         "image", or the whole "document" an unsafe image stands in
    `undecodable`  "keep" or "drop" images that cannot be decoded, and so not be judged (`image-undecodable`)
    `batch_size`   images the classifier sees at a time
    """

    model: str = "bundled:open_nsfw"
    threshold: float = 0.8
    drop: Literal["image", "document"] = "image"
    undecodable: Literal["keep", "drop"] = "drop"
    batch_size: int = 16

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= 1 or self.batch_size < 1:
            raise ValueError("threshold must be above 0 and at most 1, batch_size at least 1")

    def batch(self, documents: Sequence[Document], context: Context) -> Iterator[Document]:
        """See `BatchOperator`."""
        scores, damaged = self._scores(documents, context)
        for document in documents:
            gone: dict[int, Reason] = {}
            for image in document.images:
                if scores.get(image.ref, 0.0) >= self.threshold:
                    gone[image.n] = Reason("unsafe-image", round(scores[image.ref], 4), self.threshold)
                elif image.ref in damaged and self.undecodable == "drop":
                    gone[image.n] = Reason("image-undecodable", detail=damaged[image.ref])
            worst = max((r.value or 0.0 for r in gone.values() if r.reason == "unsafe-image"), default=None)
            if worst is not None and self.drop == "document":
                context.drop(document, None, Reason("unsafe-document", worst, self.threshold))
            else:
                yield from drop_parts(document, gone, context)

    def _scores(self, documents: Sequence[Document], context: Context) -> tuple[dict[str, float], dict[str, str]]:
        """The probability of each stored image, by its ref, and what is wrong with those that cannot be decoded."""
        scores: dict[str, float] = {}
        damaged: dict[str, str] = {}
        waiting: dict[str, Pixels] = {}

        def judge() -> None:
            if waiting:
                found = safety(self.model).probabilities(list(waiting.values()))
                scores.update(zip(waiting, found.tolist(), strict=True))
                waiting.clear()

        for ref in dict.fromkeys(image.ref for document in documents for image in document.images if image.ref):
            data = context.media(ref)
            if data is None:
                continue
            try:
                waiting[ref] = thumbnail(data, SIDE)
            except MediaError as error:
                damaged[ref] = str(error)[:200]
            if len(waiting) == self.batch_size:
                judge()
        judge()
        return scores, damaged
