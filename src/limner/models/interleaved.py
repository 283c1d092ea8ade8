"""A model of interleaved sequences: a backbone, words in and out, and a head that writes images and reads them.

It is what recipes train and what `limner.models.decoding` runs. T tokens, V vectors among them, D model width, W vocabulary.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn import functional

from limner.corpus.pixels import Pixels
from limner.models.attention import Cache, Layout
from limner.models.backbone import Backbone, HubBackbone
from limner.models.sequence import IGNORED, Packed, Piece

if TYPE_CHECKING:
    from limner.models.decoding import Control, Request, Stream

_AT_ONCE = 256  # tokens whose likelihoods over the vocabulary are computed at a time: few, so that they stay in a CPU's cache


@dataclass(frozen=True)
class Marks:
    """Token ids that are no words: the beginning and the end of a sequence, and what announces an image and closes it (-1:
    nothing does)."""

    start: int
    end: int
    image: int
    closed: int = -1


class ImageHead(Protocol):
    """Reads images into a sequence and writes them out of it."""

    def read(self, pixels: Pixels) -> Piece:
        """An image as a piece of a sequence."""
        ...

    def embed(self, batch: Packed) -> Tensor | None:
        """The vectors of a batch's continuous tokens, V x D; None for a head without any."""
        ...

    def counts(self, batch: Packed) -> dict[str, float]:
        """How many terms each of its losses has."""
        ...

    def losses(self, states_TD: Tensor, batch: Packed) -> dict[str, Tensor]:
        """The sum of each of its losses; {} where words' own loss serves it."""
        ...

    def draw(
        self,
        model: Interleaved,
        context: Sequence[Piece],
        stream: Stream,
        state: Tensor,
        control: Control,
        chance: torch.Generator,
    ) -> Generator[Request, Any, tuple[Piece, Tensor]]:
        """Write an image that follows a context, whose last state (1 x D) is given: asks for what it needs to be run, leaves
        the image in the stream, and gives it with the state after its last token."""
        ...

    def show(self, piece: Piece) -> Pixels:
        """The image that a piece stands for."""
        ...


@runtime_checkable
class ReadsMany(Protocol):
    """A head that reads images of one size faster together than each by itself."""

    def all_read(self, pixels: Sequence[Pixels]) -> list[Piece]:
        """What `read` makes of each; there is at least one."""
        ...


class Interleaved(nn.Module):
    """Words by embeddings and a head over `vocabulary` (a model of transformers brings its own), images by `image`."""

    def __init__(
        self, backbone: nn.Module, image: nn.Module | None, marks: Marks, vocabulary: int = 0, tied: bool = True
    ) -> None:
        super().__init__()
        self.backbone, self.image, self.marks = backbone, image, marks
        self.width = int(cast("Any", backbone).width)
        self.words: nn.Embedding | None = None
        self.head: nn.Linear | None = None
        if not isinstance(backbone, HubBackbone):
            self.words = nn.Embedding(vocabulary, self.width)
            nn.init.normal_(self.words.weight, std=0.02)
            if not tied:
                self.head = nn.Linear(self.width, vocabulary, bias=False)
                nn.init.normal_(self.head.weight, std=0.02)

    def cache(self, rows: int) -> Cache:
        """An empty cache of that many rows."""
        return cast("Backbone", self.backbone).cache(rows)

    @property
    def device(self) -> torch.device:
        """Where its words are."""
        known = self.words if self.words is not None else cast("HubBackbone", self.backbone).model.get_input_embeddings()
        return cast("Tensor", known.weight).device

    def embed(self, ids_T: Tensor) -> Tensor:
        """The vectors of token ids, T x D; those of CONTINUOUS are of id 0."""
        ids_T = ids_T.clamp(min=0)
        return self.words(ids_T) if self.words is not None else cast("HubBackbone", self.backbone).embed(ids_T)

    def logits(self, states_TD: Tensor) -> Tensor:
        """How likely each entry of the vocabulary comes next, T x W."""
        if self.head is not None:
            return self.head(states_TD)
        if self.words is not None:
            return functional.linear(states_TD, self.words.weight)
        return cast("HubBackbone", self.backbone).logits(states_TD)

    def inputs(self, batch: Packed) -> Tensor:
        """What the backbone reads, T x D."""
        x_TD = self.embed(batch.ids_T)
        vectors_VD = cast("ImageHead", self.image).embed(batch) if self.image is not None else None
        if vectors_VD is None:
            return x_TD
        at_V = batch.continuous_T.nonzero()[:, 0]
        return x_TD.index_copy(0, at_V, vectors_VD.to(x_TD.dtype))

    def states(self, batch: Packed) -> Tensor:
        """The states after the last layer, T x D."""
        return self.run(self.inputs(batch), Layout.of(batch), batch.modality_T, batch.index_T, batch.places_T3)

    def run(self, x_TD: Tensor, layout: Layout, modality_T: Tensor, index_T: Tensor, places_T3: Tensor) -> Tensor:
        """The backbone."""
        return cast("Backbone", self.backbone)(x_TD, layout, modality_T, index_T, places_T3)

    def counts(self, batch: Packed) -> dict[str, float]:
        """See `limner.train.trainer.Model`."""
        own = {"words": float((batch.labels_T != IGNORED).sum())}
        return own | (cast("ImageHead", self.image).counts(batch) if self.image is not None else {})

    def forward(self, batch: Packed) -> dict[str, Tensor]:
        """The sum of each loss: of words (and of codes that share their vocabulary), of images."""
        states_TD = self.states(batch)
        told = {"words": likelihood(self, states_TD, batch.labels_T)}
        more: Mapping[str, Tensor] = {} if self.image is None else cast("ImageHead", self.image).losses(states_TD, batch)
        return told | dict(more)


def likelihood(model: Interleaved, states_TD: Tensor, labels_T: Tensor) -> Tensor:
    """The sum of the negative logarithms of the probabilities of what comes next, over labels that count."""
    at_T = (labels_T != IGNORED).nonzero()[:, 0]
    counting_TD, next_T = states_TD.index_select(0, at_T), labels_T.index_select(0, at_T)
    total = states_TD.new_zeros((), dtype=torch.float32)
    for some_TD, some_T in zip(counting_TD.split(_AT_ONCE), next_T.split(_AT_ONCE), strict=True):
        total = total + cast("Tensor", _Surprise.apply(model.logits(some_TD), some_T))
    return total


class _Surprise(torch.autograd.Function):
    """The sum of cross-entropies; its gradient is made at once, while the likelihoods are in the cache."""

    @staticmethod
    def forward(ctx: Any, logits_TW: Tensor, labels_T: Tensor) -> Tensor:
        told_TW = functional.log_softmax(logits_TW, -1, dtype=torch.float32)
        at_T1 = labels_T[:, None]
        loss = -told_TW.gather(1, at_T1).sum()
        if ctx.needs_input_grad[0]:
            wanted = told_TW.exp_().scatter_add_(1, at_T1, torch.full_like(at_T1, -1, dtype=torch.float32))
            ctx.save_for_backward(wanted.to(logits_TW.dtype))
        return loss

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Tensor, None]:
        return ctx.saved_tensors[0] * grads[0], None  # which stays of its kind: a number without axes does not widen it
