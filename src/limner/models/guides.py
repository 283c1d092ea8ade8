"""Classifier-free guidance while a sequence is written: the same image from a context without its text, and without anything.

Ho and Salimans 2022, arXiv 2207.12598; over two conditions as Brooks et al. 2022 (InstructPix2Pix, arXiv 2211.09800), equation 3:
out = nothing + s_image (images - nothing) + s_text (all - images).
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from limner.models.decoding import Close, Control, Open, Request, Stream, fed, without
from limner.models.interleaved import Interleaved
from limner.models.sequence import TEXT, Piece, words


@dataclass(frozen=True, slots=True, eq=False)
class Guides:
    """Streams that what is drawn is led away from, how much each outcome counts (first that of the whole context), and their
    last states."""

    streams: tuple[Stream, ...]
    weights: tuple[float, ...]
    states: tuple[Tensor, ...]

    def combined(self, outcomes: Sequence[Tensor]) -> Tensor:
        """What the outcomes of the whole context and of each guide come to."""
        if len(self.weights) == 1:
            return outcomes[0]
        return sum((w * o for w, o in zip(self.weights[1:], outcomes[1:], strict=True)), self.weights[0] * outcomes[0])

    def close(self) -> Generator[Request, Any, None]:
        """Give the streams back."""
        if self.streams:
            yield Close(self.streams)


def guides(model: Interleaved, context: Sequence[Piece], control: Control) -> Generator[Request, Any, Guides]:
    """The streams that an image at the end of a context needs; none where guidance is 1."""
    seen = any(piece.modality != TEXT for piece in context[:-1])
    by_text, by_image = control.text_guidance, control.image_guidance if seen else 1.0
    weights: list[tuple[float, list[Piece]]] = []
    if seen and by_image != by_text:
        weights.append((by_image - by_text, without(context, text=True)))
    rest = 1.0 - (by_image if seen else by_text)
    if rest:
        weights.append((rest, without(context, text=True, images=True)))
    if not weights:
        return Guides((), (1.0,), ())
    streams: list[Stream] = yield Open(len(weights))
    states: list[Tensor] = []
    for stream, (_, pieces) in zip(streams, weights, strict=True):
        begun = pieces if model.marks.start < 0 else [words([model.marks.start]), *pieces]
        state = yield from fed(model, stream, begun)
        states.append(state)
    return Guides(tuple(streams), (by_text, *(w for w, _ in weights)), tuple(states))
