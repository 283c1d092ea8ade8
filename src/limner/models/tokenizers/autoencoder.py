"""An image tokenizer: any encoder, any quantiser, any decoder.

N images, C channels, R x S pixels, P tokens of an image, D width of an encoder or decoder, L tokens of a text, E their width, G codes of a token.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from limner.errors import LimnerError
from limner.models.tokenizers.latents import Latents, Quantiser


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    """Texts that condition a tokenizer: `features_NLE` of a frozen encoder, `mask_NL` true where there is a token."""

    features_NLE: Tensor
    mask_NL: Tensor

    def to(self, device: Any) -> Text:
        """On that device."""
        return Text(self.features_NLE.to(device), self.mask_NL.to(device))


class Encoder(Protocol):
    """A torch module that makes tokens of images. `text_width` is E, 0 where it takes no texts."""

    width: int
    text_width: int

    def __call__(self, image_NCRS: Tensor, text: Text | None) -> Tensor:
        """N x P x D."""
        ...

    def layout(self, rows: int, columns: int) -> tuple[int, tuple[int, int] | None]:
        """How many tokens an image of that many pixels has, and their grid, None where they lie in none. Raises `LimnerError` for a size that
        it does not take."""
        ...


class Decoder(Protocol):
    """A torch module that makes images of tokens."""

    width: int

    def __call__(self, tokens_NPD: Tensor, size: tuple[int, int], text: Text | None) -> Tensor:
        """N x C x R x S, `size` being (R, S)."""
        ...


class Tokenizer(Protocol):
    """What sequence models and generators need of a tokenizer. Images hold numbers from -1 to 1; `side` is the side of a square image, whose
    `length` tokens lie in `grid`, row by row (None: in a line). `width` is the channels of a token's vector, `books` the sizes of the
    codebooks, one a code of a token, () for continuous latents; `vocabulary` is how many different tokens there are, 0 for continuous ones."""

    side: int
    length: int
    grid: tuple[int, int] | None
    width: int
    books: tuple[int, ...]

    @property
    def vocabulary(self) -> int:
        """How many different tokens there are, 0 for continuous ones."""
        ...

    def encode(self, image_NCRS: Tensor, text: Text | None = None) -> Latents:
        """Images to latents."""
        ...

    def decode(self, vectors_NPC: Tensor, text: Text | None = None, size: tuple[int, int] | None = None) -> Tensor:
        """Vectors of latents to images of `size` (R, S)."""
        ...

    def lookup(self, codes_NPG: Tensor) -> Tensor:
        """Codes to vectors."""
        ...


class Autoencoder(nn.Module):
    """An encoder, a quantiser and a decoder, with a linear layer between each two: with a codebook of few channels these are the factorised
    codes of ViT-VQGAN (Yu et al. 2021, arXiv 2110.04627, section 3.2). See `Tokenizer`. Batches of no images go through every module."""

    def __init__(self, encoder: Encoder, quantiser: Quantiser, decoder: Decoder, side: int) -> None:
        super().__init__()
        self.encoder, self.quantiser, self.decoder = encoder, quantiser, decoder
        self.into = nn.Linear(encoder.width, quantiser.inputs)
        self.out = nn.Linear(quantiser.width, decoder.width)
        self.side = side
        self.length, self.grid = encoder.layout(side, side)
        self.width, self.books = quantiser.width, quantiser.books

    @property
    def vocabulary(self) -> int:
        """See `Tokenizer`."""
        return math.prod(self.books) if self.books else 0

    def encode(self, image_NCRS: Tensor, text: Text | None = None) -> Latents:
        """See `Tokenizer`. Raises `LimnerError` for texts that the encoder takes none of, and for a size that it does not take."""
        check(text, len(image_NCRS), self.encoder.text_width)
        image, text, count = some(image_NCRS, text)
        tokens = self.into(self.encoder(image, text))[:count]
        return replace(self.quantiser(tokens), grid=self.encoder.layout(*image.shape[2:])[1])

    def decode(self, vectors_NPC: Tensor, text: Text | None = None, size: tuple[int, int] | None = None) -> Tensor:
        """See `Tokenizer`."""
        check(text, len(vectors_NPC), self.encoder.text_width)
        vectors, text, count = some(vectors_NPC, text)
        return self.decoder(self.out(vectors), size or (self.side, self.side), text)[:count]

    def lookup(self, codes_NPG: Tensor) -> Tensor:
        """See `Tokenizer`."""
        return self.quantiser.lookup(codes_NPG)

    def forward(self, image_NCRS: Tensor, text: Text | None = None) -> tuple[Latents, Tensor]:
        """The latents of images, and what is drawn of them."""
        latents = self.encode(image_NCRS, text)
        rows, columns = image_NCRS.shape[2:]
        return latents, self.decode(latents.vectors_NPC, text, (rows, columns))


def check(text: Text | None, count: int, width: int) -> None:
    """Raise `LimnerError` for texts that are not one an image, or not of that width (0: no texts)."""
    if text is None:
        return
    if not width:
        raise LimnerError("this tokenizer takes no texts; give it none, or one whose encoder has a text_width")
    if text.features_NLE.shape[0] != count or text.features_NLE.shape[2] != width:
        raise LimnerError(f"texts of shape {tuple(text.features_NLE.shape)} are not {count} texts of width {width}")


def some(x: Tensor, text: Text | None) -> tuple[Tensor, Text | None, int]:
    """The same, or one blank where there are none, and how many there were: what attends or normalises over nothing would fail, and what is
    cut off after it has gradients of zero."""
    if len(x):
        return x, text, len(x)
    if text is not None:
        text = Text(_blank(text.features_NLE), _blank(text.mask_NL))
    return _blank(x), text, 0


def _blank(x: Tensor) -> Tensor:
    # Joined and not made anew: gradients of zero flow back to what gave no rows.
    return torch.cat([x, x.new_zeros(1, *x.shape[1:])])
