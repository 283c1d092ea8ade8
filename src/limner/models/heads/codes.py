"""Images as codes in the vocabulary of words, drawn one after the other (Chameleon, arXiv 2405.09818; Parti, arXiv 2206.10789).

L tokens of an image, D model width, W vocabulary.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from limner.corpus.pixels import Pixels
from limner.errors import LimnerError
from limner.models.decoding import Apply, Control, Request, Run, Stream
from limner.models.guides import guides
from limner.models.heads.vectors import images
from limner.models.heads.vectors import pixels as shown
from limner.models.interleaved import Interleaved
from limner.models.sampling_text import draw
from limner.models.sequence import IMAGE, Packed, Piece
from limner.models.tokenizers import Tokenizer


class ImageCodes(Protocol):
    """Turns pictures into codes and codes into pictures."""

    entries: int
    """How many different codes there are."""

    def encoded(self, pixels: Pixels) -> NDArray[np.int64]:
        """Rows x columns codes of a picture."""
        ...

    def decoded(self, codes: NDArray[np.int64]) -> Pixels:
        """The picture of rows x columns codes."""
        ...


class TokenizedCodes:
    """Those of an image tokenizer with one codebook, in a grid."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        if tokenizer.grid is None or len(tokenizer.books) != 1:
            raise LimnerError("images as words of a vocabulary need a tokenizer with one codebook whose tokens lie in a grid")
        self.tokenizer, self.entries = tokenizer, tokenizer.books[0]

    @torch.no_grad()
    def encoded(self, pixels: Pixels) -> NDArray[np.int64]:
        """See `ImageCodes`. The picture's sides are as the tokenizer takes them."""
        return self.all_encoded([pixels])[0]

    @torch.no_grad()
    def all_encoded(self, pixels: Sequence[Pixels]) -> list[NDArray[np.int64]]:
        """Pictures of one size at once, which takes a fraction of the time."""
        latents = self.tokenizer.encode(images(list(pixels)))
        assert latents.grid is not None
        assert latents.codes_NPG is not None
        return list(latents.codes_NPG[:, :, 0].cpu().numpy().reshape(-1, *latents.grid))

    @torch.no_grad()
    def decoded(self, codes: NDArray[np.int64]) -> Pixels:
        """See `ImageCodes`."""
        assert self.tokenizer.grid is not None
        cell = self.tokenizer.side // self.tokenizer.grid[0]
        rows, columns = codes.shape
        vectors = self.tokenizer.lookup(torch.from_numpy(codes.reshape(1, -1, 1)))
        return shown(self.tokenizer.decode(vectors, size=(cell * rows, cell * columns)))[0]


class CodesHead(nn.Module):
    """An image is rows x columns entries of the vocabulary from `first` on, in reading order. What words learn by, codes learn
    by. The grid of what is written is `grid`. An `ImageHead`."""

    def __init__(self, codes: ImageCodes, first: int, grid: tuple[int, int], loss: float = 1.0) -> None:
        super().__init__()
        self.codes, self.first, self.grid, self.loss = codes, first, grid, loss

    @property
    def entries(self) -> range:
        """The entries of the vocabulary that are no words."""
        return range(self.first, self.first + self.codes.entries)

    def read(self, pixels: Pixels) -> Piece:
        """See `ImageHead`."""
        return self._piece(self.codes.encoded(pixels))

    def all_read(self, pixels: Sequence[Pixels]) -> list[Piece]:
        """See `ReadsMany`."""
        if isinstance(self.codes, TokenizedCodes):
            return [self._piece(codes) for codes in self.codes.all_encoded(pixels)]
        return [self.read(each) for each in pixels]

    def _piece(self, codes: NDArray[np.int64]) -> Piece:
        return Piece(codes.reshape(-1) + self.first, IMAGE, self.loss, *codes.shape)

    def show(self, piece: Piece) -> Pixels:
        """See `ImageHead`."""
        return self.codes.decoded((piece.ids - self.first).reshape(piece.rows, piece.columns))

    def embed(self, batch: Packed) -> Tensor | None:
        """See `ImageHead`: codes are embedded as words are."""
        return None

    def counts(self, batch: Packed) -> dict[str, float]:
        """See `ImageHead`."""
        return {}

    def losses(self, states_TD: Tensor, batch: Packed) -> dict[str, Tensor]:
        """See `ImageHead`."""
        return {}

    def draw(
        self,
        model: Interleaved,
        context: Sequence[Piece],
        stream: Stream,
        state: Tensor,
        control: Control,
        chance: torch.Generator,
    ) -> Generator[Request, Any, tuple[Piece, Tensor]]:
        """See `ImageHead`."""
        led = yield from guides(model, context, control)
        streams, states = [stream, *led.streams], [state, *led.states]
        rows, columns = self.grid
        start = [s.place for s in streams]
        drawn: list[int] = []
        for at in range(rows * columns):
            logits = yield Apply(model.logits, (torch.cat(states),))
            told_W = led.combined(list(logits.float()))[self.first : self.entries.stop]
            drawn.append(self.first + draw(told_W, control.image_draw, chance))
            x_1D = model.embed(torch.tensor(drawn[-1:], device=state.device))
            piece = Piece(np.array(drawn[-1:]), IMAGE)
            states = yield Run(tuple((s, piece, x_1D) for s in streams), cell=(at // columns, at % columns))
        for stream_, first in zip(streams, start, strict=True):
            stream_.place = first + max(rows, columns)
        yield from led.close()
        return Piece(np.array(drawn), IMAGE, self.loss, rows, columns), states[0]
