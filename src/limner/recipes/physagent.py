"""An agent for questions about the physical world: it remembers what the question needs, asks experts of vision, and lets a language model choose.

After PhysAgent (arXiv 2501.16411): a memory of physical knowledge is looked up by the question, its entry says which experts are asked, and what
they found and what is known goes before the question. There the experts are GroundingDINO, SAM and Depth Anything, and the model sees too. Here
they are: things apart from an even ground, named by a joint encoder of images and texts; text by OCR; the ways of things over frames. The model
reads words only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from limner.corpus.pixels import Pixels
from limner.experts.encoder import encoder
from limner.experts.language import Scores
from limner.experts.ocr import Line, ocr
from limner.experts.onnx import Floats
from limner.experts.text_encoder import text_encoder

_APART = 30  # levels of a colour by which a thing differs from the ground
_JOINED = 0.02  # of the picture's side: parts of a thing that are as near as that are one
_LEAST = 0.0015  # of the picture's area
_STEP = 0.08  # of the picture's side: what moves less stands still


@dataclass(frozen=True, slots=True)
class Thing:
    """A thing in a picture: its name, and its middle as parts of the picture's sides, from the left and the top."""

    name: str
    across: float
    down: float


@dataclass(frozen=True, slots=True)
class Entry:
    """A piece of memory: the question it is for, what is known, and the expert that is asked."""

    about: str
    knows: str
    asks: str


MEMORY = (
    Entry("How many things are there in the picture?", "Each thing is counted once.", "counts"),
    Entry("Which thing is heavier or lighter, what does it weigh?", "What has more kilograms is heavier.", "labels"),
    Entry(
        "Where is the thing: to the left or right of another, above or below it?",
        "Left and right are as the viewer sees them.",
        "places",
    ),
    Entry(
        "How does a thing move, in which direction does it go in the video?",
        "A thing moves to where it is in later frames.",
        "ways",
    ),
    Entry("Which colour does it have?", "Light falls on what is seen.", "counts"),
    Entry("What is warmer or colder, which temperature does it have?", "Heat flows from warm to cold.", "labels"),
    Entry("Where does the light come from, where is the shadow?", "A shadow falls away from the light.", "places"),
    Entry("What will happen after they collide?", "In a collision momentum is kept.", "ways"),
)


class Agent:
    """Answers questions by likelihoods of the choices of `model`. `names` are those that things may have, `joint`, `texts` and `reads` the addresses
    of the experts."""

    def __init__(
        self, model: Scores, names: Sequence[str], joint: str = "bundled:limner-pairs", texts: str = "bundled:minilm", reads: str = "bundled:rapidocr"
    ) -> None:  # fmt: skip
        self._model, self._names, self._joint, self._texts, self._reads = model, tuple(names), joint, texts, reads
        self._rows = encoder(joint).embed_texts(self._names)

    def remembered(self, question: str) -> Entry:
        """The entry of memory that is nearest to a question in meaning."""
        return MEMORY[int((_memory(self._texts) @ text_encoder(self._texts).embed([question])[0]).argmax())]

    def found(self, entry: Entry, shown: Sequence[Pixels]) -> str:
        """What the expert that an entry asks for says of pictures."""
        experts: Mapping[str, Callable[[Sequence[Pixels]], Iterator[str]]] = {
            "counts": self._counts, "labels": self._labels, "places": self._places, "ways": self._ways,
        }  # fmt: skip
        return " ".join(experts[entry.asks](shown))

    def choose(self, question: str, choices: Sequence[str], knows: str = "", found: str = "") -> int:
        """The choice that is the likeliest after what is known, what was found, and the question."""
        before = "\n".join(part for part in (knows, found, f"Question: {question}", "Answer:") if part)
        told = self._model.likelihood([(before, f" {choice}") for choice in choices])
        return int(np.argmax([total / max(count, 1) for total, count in told]))

    def things(self, pixels: Pixels, lines: Sequence[Line] = ()) -> list[Thing]:
        """The things on an even ground, but where text was read."""
        boxes = [box for box in boxes_of(pixels) if not any(_over(box, line.box) for line in lines)]
        if not boxes:
            return []
        crops = [pixels[top:bottom, left:right] for left, top, right, bottom in boxes]
        found = encoder(self._joint).embed_images(crops) @ self._rows.T
        high, wide = pixels.shape[:2]
        return [
            Thing(self._names[int(row.argmax())], (left + right) / 2 / wide, (top + bottom) / 2 / high)
            for row, (left, top, right, bottom) in zip(found, boxes, strict=True)
        ]

    def _counts(self, shown: Sequence[Pixels]) -> Iterator[str]:
        for name, count in Counter(thing.name for thing in self.things(shown[0])).most_common():
            yield f"{name}: {count}."

    def _labels(self, shown: Sequence[Pixels]) -> Iterator[str]:
        (lines,) = ocr(self._reads).read([shown[0]])
        things = self.things(shown[0], lines)
        high, wide = shown[0].shape[:2]
        for line in lines:
            across, down = (line.box[0] + line.box[2]) / 2 / wide, (line.box[1] + line.box[3]) / 2 / high
            if things:
                near = min(things, key=lambda thing: (thing.across - across) ** 2 + (thing.down - down) ** 2)
                yield f"The {near.name} weighs {line.text}."

    def _places(self, shown: Sequence[Pixels]) -> Iterator[str]:
        things = self.things(shown[0])
        for one in things:
            for other in things:
                if one is not other:
                    across, down = one.across - other.across, one.down - other.down
                    beside = "to the left of" if across < 0 else "to the right of"
                    where = beside if abs(across) > abs(down) else "above" if down < 0 else "below"
                    yield f"The {one.name} is {where} the {other.name}."

    def _ways(self, shown: Sequence[Pixels]) -> Iterator[str]:
        first, last = self.things(shown[0]), self.things(shown[-1])
        for one in first:
            later = [thing for thing in last if thing.name == one.name]
            if len(later) == 1:
                across, down = later[0].across - one.across, later[0].down - one.down
                if max(abs(across), abs(down)) >= _STEP:
                    beside = "to the left" if across < 0 else "to the right"
                    yield f"The {one.name} moves {beside if abs(across) > abs(down) else 'upwards' if down < 0 else 'downwards'}."
                else:
                    yield f"The {one.name} stands still."


@cache
def _memory(address: str) -> Floats:
    return text_encoder(address).embed([entry.about for entry in MEMORY])


def boxes_of(pixels: Pixels) -> list[tuple[int, int, int, int]]:
    """Left, top, right, bottom of what differs from the ground, the colour that most of the edge has; parts that are near are one."""
    edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    ground = np.median(edge, axis=0)
    apart = np.abs(pixels.astype(np.float32) - ground).max(2) > _APART
    wide = max(1, round(_JOINED * max(apart.shape)))
    labelled: Any = ndimage.label(ndimage.binary_dilation(apart, iterations=wide))
    numbered: NDArray[np.int32] = labelled[0]
    out: list[tuple[int, int, int, int]] = []
    found: list[tuple[slice, slice]] = ndimage.find_objects(numbered)
    for rows, columns in found:
        if apart[rows, columns].sum() >= _LEAST * apart.size:
            out.append((columns.start, rows.start, columns.stop, rows.stop))
    return out


def _over(box: tuple[int, int, int, int], line: Sequence[float]) -> bool:
    """Whether the middle of a line of text lies in a box that is not much higher than the line, so that the box is the text's."""
    across, down = (line[0] + line[2]) / 2, (line[1] + line[3]) / 2
    inside = box[0] <= across <= box[2] and box[1] <= down <= box[3]
    return inside and box[3] - box[1] < 2.5 * (line[3] - line[1])
