"""A tokenizer of two codebooks in one grid: each token has a code of what is shown there and a code of how it looks.

The semantic book is over the features of a frozen network, and is trained so that those features can be told from it; the pixel book is over
an encoder that sees pixels; the decoder draws from both (ILLUME+, Huang et al. 2025, arXiv 2504.01934, section 3.1; with one index for both
in TokenFlow, Qu et al. 2024, arXiv 2412.03069).

N images, P tokens, C channels of both codes, F channels of frozen features, R x S pixels.
"""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from limner.errors import LimnerError
from limner.models.tokenizers.autoencoder import Decoder, Encoder, Text, check, some
from limner.models.tokenizers.blocks import BlockSettings, Stack, places
from limner.models.tokenizers.frozen import FrozenStages
from limner.models.tokenizers.latents import Latents, Quantiser


class SemanticPixels(nn.Module):
    """See `Tokenizer`: two codes a token, the semantic one first; vectors are both side by side.

    `frozen` gives the features (its last map is taken, brought to the grid); `semantic` are the layers between them and the codebook, and from
    the codebook back. `encoder` must lay tokens in a grid. Both quantisers have codes.
    """

    def __init__(
        self, frozen: FrozenStages, semantic: BlockSettings, encoder: Encoder, books: tuple[Quantiser, Quantiser], decoder: Decoder,
        side: int,
    ) -> None:  # fmt: skip
        super().__init__()
        self.length, grid = encoder.layout(side, side)
        if grid is None:
            raise LimnerError("semantic and pixel codes need an encoder whose tokens lie in a grid")
        if any(len(book.books) != 1 for book in books):
            raise LimnerError("semantic and pixel books must each give one code a token")
        self.side, self.grid = side, grid
        self.frozen, self.encoder, self.decoder = frozen, encoder, decoder
        self.meaning, self.look = books
        self.books = (*self.meaning.books, *self.look.books)
        self.width = self.meaning.width + self.look.width
        given = frozen.widths[-1]
        self.scale, self.enter = nn.LayerNorm(given, elementwise_affine=False), nn.Linear(given, semantic.width)
        self.up, self.down = Stack(semantic), Stack(semantic)
        self.into_meaning = nn.Linear(semantic.width, self.meaning.inputs)
        self.from_meaning, self.tell = nn.Linear(self.meaning.width, semantic.width), nn.Linear(semantic.width, given)
        self.into_look = nn.Linear(encoder.width, self.look.inputs)
        self.out = nn.Linear(self.width, decoder.width)

    @property
    def vocabulary(self) -> int:
        """See `Tokenizer`: pairs of codes."""
        return math.prod(self.books)

    @torch.no_grad()
    def features(self, image_NCRS: Tensor) -> Tensor:
        """What the frozen network sees at each token's place, each of mean 0 and deviation 1: N x P x F."""
        map_NFRS = self.frozen(image_NCRS)[-1]
        grid = self._grid(image_NCRS)
        return self.scale(functional.interpolate(map_NFRS, grid, mode="bilinear").flatten(2).transpose(1, 2))

    def encode(self, image_NCRS: Tensor, text: Text | None = None) -> Latents:
        """See `Tokenizer`."""
        check(text, len(image_NCRS), self.encoder.text_width)
        image, text, count = some(image_NCRS, text)
        grid = self._grid(image)
        entered = self.enter(self.features(image))
        meaning = self.meaning(self.into_meaning(self.up(entered + places(grid, entered.shape[-1], entered)))[:count])
        look = self.look(self.into_look(self.encoder(image, text))[:count])
        return Latents(
            torch.cat([meaning.vectors_NPC, look.vectors_NPC], -1),
            torch.cat([cast("Tensor", meaning.codes_NPG), cast("Tensor", look.codes_NPG)], -1),
            torch.cat([meaning.before_NPC, look.before_NPC], -1),
            _beside(meaning.nearest_NPC, look.nearest_NPC),
            grid=grid,
        )

    def told(self, vectors_NPC: Tensor) -> Tensor:
        """The features that the semantic codes stand for, N x P x F, to be compared with `features`."""
        vectors, _, count = some(vectors_NPC, None)
        return self.tell(self.down(self.from_meaning(vectors[..., : self.meaning.width])))[:count]

    def decode(self, vectors_NPC: Tensor, text: Text | None = None, size: tuple[int, int] | None = None) -> Tensor:
        """See `Tokenizer`."""
        check(text, len(vectors_NPC), self.encoder.text_width)
        vectors, text, count = some(vectors_NPC, text)
        return self.decoder(self.out(vectors), size or (self.side, self.side), text)[:count]

    def lookup(self, codes_NPG: Tensor) -> Tensor:
        """See `Tokenizer`."""
        return torch.cat([self.meaning.lookup(codes_NPG[..., :1]), self.look.lookup(codes_NPG[..., 1:])], -1)

    def forward(self, image_NCRS: Tensor, text: Text | None = None) -> tuple[Latents, Tensor]:
        """The latents of images, and what is drawn of them."""
        latents = self.encode(image_NCRS, text)
        rows, columns = image_NCRS.shape[2:]
        return latents, self.decode(latents.vectors_NPC, text, (rows, columns))

    def _grid(self, image_NCRS: Tensor) -> tuple[int, int]:
        grid = self.encoder.layout(*image_NCRS.shape[2:])[1]
        assert grid is not None, "the constructor made sure of it"
        return grid


def _beside(one: Tensor | None, two: Tensor | None) -> Tensor | None:
    """The entries of both codebooks; where one has none (bits), there is nothing that a loss on entries could move."""
    return None if one is None or two is None else torch.cat([one, two], -1)
