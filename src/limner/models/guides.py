"""Classifier-free guidance while a sequence is written: the same image from a context without its text, and without anything.

Over two conditions, nested: images, then text with them (`limner.models.guidance`).
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from limner.models.decoding import Close, Control, Open, Request, Stream, fed, without
from limner.models.guidance import shares
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
    scales = [control.image_guidance, control.text_guidance] if seen else [control.text_guidance]
    nothing, *images, whole = shares(scales)
    weights = [(weight, without(context, text=True)) for weight in images if weight]
    if nothing:
        weights.append((nothing, without(context, text=True, images=True)))
    if not weights:
        return Guides((), (1.0,), ())
    streams: list[Stream] = yield Open(len(weights))
    states: list[Tensor] = []
    for stream, (_, pieces) in zip(streams, weights, strict=True):
        begun = pieces if model.marks.start < 0 else [words([model.marks.start]), *pieces]
        state = yield from fed(model, stream, begun)
        states.append(state)
    return Guides(tuple(streams), (whole, *(w for w, _ in weights)), tuple(states))
