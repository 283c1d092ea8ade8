"""The judge that looks at meaning: whether sentences hold together, pictures go together and fit the words at them, sources support what is said.

Encoders put texts, pictures, and both in spaces where the cosine says how alike they are (`bundled:minilm`, `bundled:efficientnet-lite0`,
`bundled:limner-pairs`). The measures compare within one answer (a picture with its own words and with the words elsewhere), since a cosine
alone says little. What small encoders cannot tell, it cannot: `limner.evaluate.judges.worth` has what was measured.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from statistics import fmean

import numpy as np

from limner.corpus.media import sha256
from limner.corpus.pixels import Pixels, thumbnail
from limner.errors import MediaError
from limner.evaluate.judges.layout import Layout, layout, said
from limner.evaluate.judges.measured import Facet, MeasuredJudge
from limner.evaluate.judging import Case
from limner.experts.encoder import encoder
from limner.experts.image_encoder import image_encoder
from limner.experts.onnx import Floats
from limner.experts.text_encoder import text_encoder
from limner.write.support import supported

VERSION = "1"

OF: dict[str, Facet] = {
    "flow": "text",
    "least_sentence": "text",
    "asked_for": "text",
    "distinct_meaning": "text",
    "pictures_alike": "images",
    "least_picture": "images",
    "distinct_looks": "images",
    "pictures_in_place": "together",
    "least_in_place": "together",
    "unswapped": "together",
    "captions_in_place": "together",
    "least_caption": "together",
    "supported": "support",
    "least_supported": "support",
}
"""The measures and the facet of each."""

_KEPT = 8_192  # vectors of each encoder that are remembered
_SAME = 0.97
_SIDE = 256


@dataclass(frozen=True, slots=True)
class Encoders:
    """Addresses: of texts, of images, of both in one space."""

    text: str = "bundled:minilm"
    image: str = "bundled:efficientnet-lite0"
    joint: str = "bundled:limner-pairs"


class Coherence:
    """The measures by encoders, which are loaded when they are first asked. Vectors of the last few thousand texts and pictures are kept."""

    def __init__(self, encoders: Encoders = Encoders()) -> None:
        self.encoders = encoders
        self._rows: dict[str, OrderedDict[str, Floats]] = {}
        self._lock = threading.Lock()

    def measures(self, case: Case) -> dict[str, float]:
        """The measures that a case has, each from 0 to 1 (see `OF`)."""
        given = layout(case.answer)
        found = {**self._text(case, given), **self._images(given), **self._together(given)}
        if case.sources and given.sentences:
            held = supported([text for _, text in given.sentences], case.sources)
            found["supported"] = fmean(each.holds for each in held)
            found["least_supported"] = min(min(each.share for each in held), 1.0)
        return {name: min(max(float(value), 0.0), 1.0) for name, value in found.items()}

    def _text(self, case: Case, given: Layout) -> dict[str, float]:
        told = [text for _, text in given.sentences]
        if len(told) < 3:
            return {}
        rows = self.texts(told)
        like = rows @ rows.T
        np.fill_diagonal(like, -1.0)
        nearest = np.sort(like, axis=1)[:, -2:].mean(axis=1)
        found = {
            "flow": np.diagonal(like, 1).mean(),
            "least_sentence": nearest.min() / max(float(np.median(nearest)), 1e-3),
            "distinct_meaning": 1 / (1 + int((np.triu(like, 1) >= _SAME).sum())),
        }
        if asked := said(case.request).strip():
            found["asked_for"] = float(
                (rows.mean(axis=0) @ self.texts([asked])[0]) / max(float(np.linalg.norm(rows.mean(axis=0))), 1e-6)
            )
        return found

    def _images(self, given: Layout) -> dict[str, float]:
        rows = self._looks(given, self.encoders.image)
        if len(rows) < 2:
            return {}
        like = rows @ rows.T
        np.fill_diagonal(like, np.nan)
        nearest = np.nanmax(like, axis=1)
        return {
            "pictures_alike": float(np.nanmean(like)),
            "least_picture": float(nearest.min()),
            "distinct_looks": 1 / (1 + int((np.triu(np.nan_to_num(like), 1) >= _SAME).sum())),
        }

    def _together(self, given: Layout) -> dict[str, float]:
        """Of each picture, and of each caption, the share of other places in the answer whose words suit it less than those at its own."""
        shown = [picture for picture in given.pictures if _pixels(picture.data) is not None]
        places = [i for i, line in enumerate(given.lines) if line.kind in ("prose", "item", "caption")]
        out: dict[str, float] = {}
        if shown and len(places) > 2:
            words = [given.lines[i].text[:600] for i in places]
            fit = self._looks(given, self.encoders.joint) @ self._joint_texts(words).T
            own = [[places.index(i) for i in (picture.before, picture.after) if i in places] for picture in shown]
            known = [rank for row, at in zip(fit, own, strict=True) if (rank := _rank(row, at)) is not None]
            if known:
                out |= {"pictures_in_place": fmean(known), "least_in_place": min(known)}
            if len(held := [i for i, at in enumerate(own) if at]) > 1:
                out["unswapped"] = 1 - _gain(np.stack([fit[held][:, own[i]].max(axis=1) for i in held], axis=1))
        captions = [i for i in places if given.lines[i].kind == "caption"]
        prose = [i for i in places if i not in captions]
        if captions and len(prose) > 2:
            fit = (
                self.texts([given.lines[i].text[:600] for i in captions])
                @ self.texts([given.lines[i].text[:600] for i in prose]).T
            )
            near = [[k for k, j in enumerate(prose) if j in _beside(i, prose)] for i in captions]
            known = [rank for row, own in zip(fit, near, strict=True) if (rank := _rank(row, own)) is not None]
            if known:
                out |= {"captions_in_place": fmean(known), "least_caption": min(known)}
        return out

    def texts(self, given: Sequence[str]) -> Floats:
        """N x D: the texts in the space of the encoder of texts."""
        return self._kept("texts", list(given), lambda new: text_encoder(self.encoders.text).embed([given[i] for i in new]))

    def _joint_texts(self, given: Sequence[str]) -> Floats:
        return self._kept(
            "joint texts", list(given), lambda new: encoder(self.encoders.joint).embed_texts([given[i] for i in new])
        )

    def _looks(self, given: Layout, address: str) -> Floats:
        """N x D: the pictures that decode."""
        data = [picture.data for picture in given.pictures if _pixels(picture.data) is not None]
        if not data:
            return np.empty((0, 1), np.float32)

        def embed(new: list[int]) -> Floats:
            pixels = [found for i in new if (found := _pixels(data[i])) is not None]
            return (
                image_encoder(address).embed(pixels) if address == self.encoders.image else encoder(address).embed_images(pixels)
            )

        return self._kept(f"images {address}", [sha256(each) for each in data], embed)

    def _kept(self, name: str, keys: Sequence[str], embed: Callable[[list[int]], Floats]) -> Floats:
        """The rows of keys, those that are new made by `embed` from their numbers."""
        with self._lock:
            rows = self._rows.setdefault(name, OrderedDict())
            new = [i for i, key in enumerate(keys) if key not in rows and key not in keys[:i]]
            if new:
                rows.update(zip((keys[i] for i in new), embed(new), strict=True))
            found = np.stack([rows[key] for key in keys])
            while len(rows) > _KEPT:
                rows.popitem(last=False)
        return found


def _beside(i: int, prose: Sequence[int]) -> set[int]:
    """The lines of prose next to line `i`."""
    return {j for j in (max((p for p in prose if p < i), default=-1), min((p for p in prose if p > i), default=-1)) if j >= 0}


def _rank(fit: Floats, own: Sequence[int]) -> float | None:
    """The share of the other places that fit less than the best of one's own; None where one side is missing."""
    others = np.delete(fit, list(own))
    return float((others < fit[list(own)].max()).mean()) if len(own) and len(others) else None


def _gain(fit: Floats) -> float:
    """How much better two pictures would fit in each other's places, at most; `fit` is pictures x their places."""
    own = np.diagonal(fit)
    gains = fit + fit.T - own[:, None] - own[None]
    np.fill_diagonal(gains, -np.inf)
    return max(float(gains.max()), 0.0)


@lru_cache(32)
def _pixels(data: bytes) -> Pixels | None:
    """A picture scaled down; None for one that does not decode."""
    try:
        return thumbnail(data, _SIDE)
    except MediaError:
        return None


@cache
def coherence(encoders: Encoders = Encoders()) -> Coherence:
    """The measures by these encoders, one object a process: judges that share it read each text and picture once."""
    return Coherence(encoders)


def judge(encoders: Encoders = Encoders()) -> MeasuredJudge:
    """`bundled:coherent`."""
    settings = {
        "version": VERSION,
        "temperature": "none",
        "images": "seen",
        **{f"encoder.{k}": v for k, v in asdict(encoders).items()},
    }
    return MeasuredJudge("bundled:coherent", coherence(encoders).measures, OF, fmean, settings)
