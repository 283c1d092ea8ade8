"""A tokenizer of patches by vision transformers: ViT-VQGAN's encoder and decoder (Yu et al. 2021, arXiv 2110.04627, section 3.1), as Parti has
them (arXiv 2206.10789, section 2.1).

N images, C channels, R x S pixels, P patches, D model width.
"""

from __future__ import annotations

from torch import Tensor, nn

from limner.models.tokenizers.autoencoder import Text
from limner.models.tokenizers.blocks import BlockSettings, Patches, Pixels, Stack, places


class ViTEncoder(nn.Module):
    """One token a patch; images of any size that patches cover."""

    text_width = 0

    def __init__(self, settings: BlockSettings) -> None:
        super().__init__()
        self.settings, self.width = settings, settings.width
        self.patches, self.stack = Patches(settings), Stack(settings)

    def forward(self, image_NCRS: Tensor, text: Text | None = None) -> Tensor:
        """N x P x D."""
        return self.stack(self.patches(image_NCRS))

    def layout(self, rows: int, columns: int) -> tuple[int, tuple[int, int] | None]:
        """See `Encoder`."""
        grid = self.settings.grid(rows, columns)
        return grid[0] * grid[1], grid


class ViTDecoder(nn.Module):
    """The same way back."""

    def __init__(self, settings: BlockSettings) -> None:
        super().__init__()
        self.settings, self.width = settings, settings.width
        self.stack, self.pixels = Stack(settings), Pixels(settings)

    def forward(self, tokens_NPD: Tensor, size: tuple[int, int], text: Text | None = None) -> Tensor:
        """N x C x R x S."""
        grid = self.settings.grid(*size)
        return self.pixels(self.stack(tokens_NPD + places(grid, self.width, tokens_NPD)), grid)
