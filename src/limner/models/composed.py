"""A model of interleaved sequences from its settings: an image tokenizer, a decoder, and one of three ways to write images."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from torch import nn

from limner.models.decoder import Decoder, DecoderSettings
from limner.models.heads.codes import CodesHead, TokenizedCodes
from limner.models.heads.flow import FlowHead, FlowSettings
from limner.models.heads.token_diffusion import Objective, TokenDiffusionHead, TokenDiffusionSettings
from limner.models.heads.vectors import Floats, TokenizedVectors
from limner.models.interleaved import Interleaved, Marks
from limner.models.tokenizers import (
    Autoencoder,
    BlockSettings,
    CodebookSettings,
    GaussianLatents,
    SoftQuantiser,
    SoftSettings,
    VectorQuantiser,
    ViTDecoder,
    ViTEncoder,
)
from limner.models.tokenizers.latents import Quantiser


@dataclass(frozen=True)
class Pictures:
    """The image tokenizer: `codes` of a codebook, `soft` mixtures of its entries, or `gaussian` latents; of squares of `side` pixels."""

    kind: Literal["codes", "soft", "gaussian"] = "codes"
    side: int = 32
    entries: int = 512
    channels: int = 8
    blocks: BlockSettings = field(default_factory=lambda: BlockSettings(width=128, depth=2, patch=4))


@dataclass(frozen=True)
class Composition:
    """What a model is made of. `head` says how it writes images: their `codes` (Chameleon, Lumina-mGPT), vectors one by one by `diffusion` (Orthus),
    whole images by a `flow` (Transfusion, Mogao)."""

    pictures: Pictures = field(default_factory=Pictures)
    decoder: DecoderSettings = field(default_factory=DecoderSettings)
    head: Literal["codes", "diffusion", "flow"] = "codes"
    words: int = 4_096
    head_width: int = 256
    head_depth: int = 3


def image_tokenizer(settings: Pictures) -> Autoencoder:
    """The tokenizer, untrained."""
    s = settings
    made: dict[str, Quantiser] = {
        "codes": VectorQuantiser(CodebookSettings(s.entries, s.channels)),
        "soft": SoftQuantiser(SoftSettings(s.entries, s.channels)),
        "gaussian": GaussianLatents(s.channels),
    }
    return Autoencoder(ViTEncoder(s.blocks), made[s.kind], ViTDecoder(s.blocks), s.side)


def composed(
    settings: Composition,
    words: int,
    marks: Marks,
    tokenizer: Autoencoder,
    spread: tuple[Floats, Floats] | None = None,
    objective: Objective | None = None,
) -> Interleaved:
    """The model, untrained, over an image tokenizer that is. `words` is the size of the vocabulary; `spread` the mean and the deviation of each
    channel of the tokenizer's vectors, `objective` what a diffusion head learns by (`limner.train.objectives.diffusion`)."""
    s = settings
    side = s.pictures.side // s.pictures.blocks.patch
    backbone = Decoder(s.decoder)
    if s.head == "codes":
        codes = TokenizedCodes(tokenizer)
        return Interleaved(backbone, CodesHead(codes, words, (side, side)), marks, words + codes.entries)
    vectors = TokenizedVectors(
        tokenizer, *(spread or (np.zeros(s.pictures.channels, np.float32), np.ones(s.pictures.channels, np.float32)))
    )
    head: nn.Module
    if s.head == "diffusion":
        small = TokenDiffusionSettings(s.pictures.channels, s.decoder.width, s.head_width, s.head_depth)
        head = TokenDiffusionHead(small, vectors, (side, side), objective)
    else:
        head = FlowHead(FlowSettings(s.pictures.channels, s.decoder.width), vectors, (side, side))
    return Interleaved(backbone, head, marks, words)
