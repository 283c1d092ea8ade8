"""A small autoencoder for drawings: residual blocks between halvings that move pixels to channels (deep compression, Chen et al. 2024,
arXiv 2410.10733, section 3.2), with Gaussian latents. Its encoder and decoder are diffusers'.
"""

from __future__ import annotations

from dataclasses import dataclass

from diffusers.models.autoencoders.autoencoder_dc import Decoder, Encoder

from limner.models.tokenizers import Autoencoder, GaussianLatents
from limner.models.tokenizers.convolutional import ConvDecoder, ConvEncoder, ConvSettings


@dataclass(frozen=True)
class CompressionSettings:
    """Pictures of `side` x `side` pixels in latents of `latent` channels, an eighth as wide and high. `channels` of each level, the finest
    first, which has no blocks of its own; `encoder` and `decoder` are the blocks of the others; `width` numbers a place on either side of
    the latents."""

    side: int = 64
    latent: int = 8
    width: int = 32
    channels: tuple[int, int, int, int] = (32, 48, 96, 128)
    encoder: tuple[int, int, int] = (1, 1, 1)
    decoder: tuple[int, int, int] = (2, 2, 1)


def compressing(settings: CompressionSettings = CompressionSettings()) -> Autoencoder:
    """A new one. 64 x 64 x 3 numbers of pixels become 8 x 8 x 8, as is standard: 24 times fewer."""
    s, plain = settings, ((),) * 4  # no linear attention: it is for large pictures
    conv = ConvSettings(s.channels, width=s.width)
    encoder = Encoder(3, s.width, block_out_channels=s.channels, layers_per_block=(0, *s.encoder), qkv_multiscales=plain)
    decoder = Decoder(3, s.width, block_out_channels=s.channels, layers_per_block=(0, *s.decoder), qkv_multiscales=plain)
    return Autoencoder(ConvEncoder(conv, encoder), GaussianLatents(s.latent), ConvDecoder(conv, decoder), s.side)
