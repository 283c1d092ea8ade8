"""A tokenizer in one dimension: learned queries gather what is in an image; and the same conditioned on its caption.

* TiTok (Yu et al. 2024, arXiv 2406.07550, section 3.2): patches and queries go through a transformer, only the queries are kept; the decoder
  draws blank patches of a grid while it sees the latent tokens
* TexTok (Zha et al. 2024, arXiv 2412.05796, section 3.2): the tokens of a caption, from a frozen encoder of texts, stand beside them in both

N images, C channels, R x S pixels, P patches, K queries, D model width, L tokens of a text, E their width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from limner.models.tokenizers.autoencoder import Text
from limner.models.tokenizers.blocks import BlockSettings, Patches, Pixels, Stack, places


class Caption(nn.Module):
    """The tokens of a text in the model's width."""

    def __init__(self, text_width: int, width: int) -> None:
        super().__init__()
        self.project = nn.Linear(text_width, width)
        self.kind = nn.Parameter(0.02 * torch.randn(width))

    def forward(self, text: Text) -> Tensor:
        """N x L x D."""
        return self.project(text.features_NLE) + self.kind


class _Seeing(nn.Module):
    """A stack over tokens and, where there is one, a text."""

    def __init__(self, settings: BlockSettings, text_width: int) -> None:
        super().__init__()
        self.settings, self.width, self.text_width = settings, settings.width, text_width
        self.stack = Stack(settings)
        self.caption = Caption(text_width, settings.width) if text_width else None

    def seen(self, x_NLD: Tensor, text: Text | None) -> Tensor:
        """The tokens after the stack, the text's left out."""
        if text is None or self.caption is None:
            return self.stack(x_NLD)
        absent = torch.cat([text.mask_NL.new_zeros(x_NLD.shape[:2]), ~text.mask_NL], 1)
        return self.stack(torch.cat([x_NLD, self.caption(text)], 1), absent)[:, : x_NLD.shape[1]]


class QueryEncoder(_Seeing):
    """`length` tokens of an image of any size that patches cover. With a `text_width`, texts of that width may stand beside it."""

    def __init__(self, settings: BlockSettings, length: int, text_width: int = 0) -> None:
        super().__init__(settings, text_width)
        self.patches = Patches(settings)
        self.query_KD = nn.Parameter(0.02 * torch.randn(length, settings.width))

    def forward(self, image_NCRS: Tensor, text: Text | None = None) -> Tensor:
        """N x K x D."""
        patches = self.patches(image_NCRS)
        queries = self.query_KD.to(patches.dtype).expand(len(patches), -1, -1)
        return self.seen(torch.cat([queries, patches], 1), text)[:, : len(self.query_KD)]

    def layout(self, rows: int, columns: int) -> tuple[int, tuple[int, int] | None]:
        """See `Encoder`."""
        self.settings.grid(rows, columns)
        return len(self.query_KD), None


class QueryDecoder(_Seeing):
    """Draws patches while it sees `length` tokens, and texts of `text_width`."""

    def __init__(self, settings: BlockSettings, length: int, text_width: int = 0) -> None:
        super().__init__(settings, text_width)
        self.blank_D = nn.Parameter(0.02 * torch.randn(settings.width))
        self.place_KD = nn.Parameter(0.02 * torch.randn(length, settings.width))
        self.pixels = Pixels(settings)

    def forward(self, tokens_NPD: Tensor, size: tuple[int, int], text: Text | None = None) -> Tensor:
        """N x C x R x S."""
        grid = self.settings.grid(*size)
        drawn = (self.blank_D + places(grid, self.width, tokens_NPD)).to(tokens_NPD.dtype)
        x = torch.cat([drawn.expand(len(tokens_NPD), -1, -1), tokens_NPD + self.place_KD], 1)
        return self.pixels(self.seen(x, text)[:, : len(drawn)], grid)
