"""A convolutional tokenizer: the encoder and decoder of VQGAN (Esser et al. 2020, arXiv 2012.09841) and of latent diffusion, which are those of
diffusers; and diffusers' whole models as tokenizers here, with their weights.

N images, C channels, R x S pixels, P tokens, D width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.autoencoders.vae import Decoder, Encoder
from diffusers.models.autoencoders.vq_model import VQModel
from torch import Tensor, nn

from limner.errors import LimnerError
from limner.models.tokenizers.autoencoder import Autoencoder, Text
from limner.models.tokenizers.codebook import CodebookSettings, VectorQuantiser
from limner.models.tokenizers.continuous import GaussianLatents


@dataclass(frozen=True)
class ConvSettings:
    """`channels` of each level of resolution, the finest first, halved from one to the next; `layers` residual blocks a level; `width` of a
    token; `groups` of group norms; `attention` at the coarsest level."""

    channels: tuple[int, ...] = (32, 64, 128)
    layers: int = 1
    width: int = 64
    groups: int = 8
    attention: bool = True

    @property
    def stride(self) -> int:
        """Pixels of a token's side."""
        return 2 ** (len(self.channels) - 1)


class ConvEncoder(nn.Module):
    """One token for `stride` x `stride` pixels; images of any size that those cover."""

    text_width = 0

    def __init__(self, settings: ConvSettings = ConvSettings(), body: nn.Module | None = None) -> None:
        """`body` is a module of diffusers to take in place of a new one."""
        super().__init__()
        self.settings, self.width = settings, settings.width
        self.body = body or Encoder(
            out_channels=settings.width,
            down_block_types=("DownEncoderBlock2D",) * len(settings.channels),
            block_out_channels=settings.channels,
            layers_per_block=settings.layers,
            norm_num_groups=settings.groups,
            double_z=False,
            mid_block_add_attention=settings.attention,
        )

    def forward(self, image_NCRS: Tensor, text: Text | None = None) -> Tensor:
        """N x P x D."""
        self.layout(*image_NCRS.shape[2:])
        return self.body(image_NCRS).flatten(2).transpose(1, 2)

    def layout(self, rows: int, columns: int) -> tuple[int, tuple[int, int] | None]:
        """See `Encoder`."""
        grid = _grid(rows, columns, self.settings.stride)
        return grid[0] * grid[1], grid


class ConvDecoder(nn.Module):
    """The same way back."""

    def __init__(self, settings: ConvSettings = ConvSettings(), body: nn.Module | None = None) -> None:
        super().__init__()
        self.settings, self.width = settings, settings.width
        self.body = body or Decoder(
            in_channels=settings.width,
            up_block_types=("UpDecoderBlock2D",) * len(settings.channels),
            block_out_channels=settings.channels,
            layers_per_block=settings.layers,
            norm_num_groups=settings.groups,
            mid_block_add_attention=settings.attention,
        )

    def forward(self, tokens_NPD: Tensor, size: tuple[int, int], text: Text | None = None) -> Tensor:
        """N x C x R x S."""
        return self.body(tokens_NPD.transpose(1, 2).unflatten(2, _grid(*size, self.settings.stride)))


def wrapped(model: VQModel | AutoencoderKL, side: int) -> Autoencoder:
    """A model of diffusers as a tokenizer of images of `side` x `side`; its weights are shared, but for the layers of single pixels, which are
    copied, and the codebook of a `VQModel`, which goes on as a parameter. Latents are not scaled (`scaling_factor`). Raises `LimnerError` for one
    whose decoder is normalised by its latents."""
    config = cast("Any", model.config)
    quantised = isinstance(model, VQModel)
    if quantised and config.norm_type != "group":
        raise LimnerError(f"a VQModel with the norm {config.norm_type!r} cannot be wrapped; one with `group` can")
    inside = config.latent_channels if quantised else 2 * config.latent_channels
    attention = config.mid_block_add_attention
    one = ConvSettings(tuple(config.block_out_channels), config.layers_per_block, inside, config.norm_num_groups, attention)
    two = ConvSettings(one.channels, one.layers, config.latent_channels, one.groups, attention)
    if quantised:
        entries = model.quantize.embedding.weight
        quantiser = VectorQuantiser(CodebookSettings(len(entries), entries.shape[1], normalised=False, update="loss", revive=0))
        quantiser.entries_VC = nn.Parameter(entries.detach().clone())
    else:
        quantiser = GaussianLatents(config.latent_channels)
    made = Autoencoder(ConvEncoder(one, model.encoder), quantiser, ConvDecoder(two, model.decoder), side)
    for layer, single in ((made.into, model.quant_conv), (made.out, model.post_quant_conv)):
        _take(layer, single)
    return made.train(model.training)


@torch.no_grad()
def _take(layer: nn.Linear, single: nn.Conv2d | None) -> None:
    """Make a layer what a convolution of one pixel is, or nothing where there is none."""
    if single is None:
        layer.weight.copy_(torch.eye(*layer.weight.shape))
        layer.bias.zero_()
    else:
        layer.weight.copy_(single.weight[:, :, 0, 0])
        layer.bias.copy_(cast("Tensor", single.bias))


def _grid(rows: int, columns: int, stride: int) -> tuple[int, int]:
    if not rows or not columns or rows % stride or columns % stride:
        raise LimnerError(f"an image of {rows} x {columns} pixels is not made of squares of {stride}; resize or pad it")
    return rows // stride, columns // stride
