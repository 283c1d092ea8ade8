"""Codes and features of the same encoder: a tokenizer with a codebook, and what is left of it when quantisation is taken away.

N pictures, P tokens, G codes of a token, C channels.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from limner.models.heads.vectors import piece, spread
from limner.models.sequence import IMAGE, Piece
from limner.models.tokenizers import Autoencoder, BlockSettings, CodebookSettings, VectorQuantiser, ViTDecoder, ViTEncoder
from limner.models.tokenizers.frozen import FrozenStages
from limner.models.tokenizers.unquantised import Unquantised
from limner.recipes.drawings import Dealt, Drawings
from limner.recipes.tokenizing import Learned, Weights, decoded, encoded, fitting, looking
from limner.train.trainer import fit


@dataclass(frozen=True)
class Making:
    """How tokenizers are made: blocks of the encoder and of the decoder, `entries` of `channels` numbers; `steps` of batches of `batch` pictures,
    then `tuned` more of the decoder alone, on codes and on features each."""

    blocks: BlockSettings = field(default_factory=lambda: BlockSettings(128, 2, 4, 8))
    entries: int = 512
    channels: int = 8
    steps: int = 600
    batch: int = 64
    tuned: int = 100


def apart(of: Drawings, count: int) -> tuple[Drawings, Drawings]:
    """Pictures to train on, and about `count` others whose concepts are drawn by another maker, or in other tones, among the first."""
    test = of.spread(count)
    texts = set(test.texts)
    rows = [i for i, text in enumerate(of.texts) if text not in texts]
    return Drawings(tuple(of.texts[i] for i in rows), of.some.at(torch.tensor(rows))), test


class Tokenizers:
    """A tokenizer with a codebook (`hard`), and the same with features in place of codes (`soft`). Its seed is always the same: seeds of a run
    deal out what is learnt of its tokens."""

    def __init__(self, s: Making, train: Drawings, side: int) -> None:
        torch.manual_seed(0)
        frozen = looking()
        codebook = VectorQuantiser(CodebookSettings(s.entries, s.channels, decay=0.95, revive=0.1))
        first = Autoencoder(ViTEncoder(s.blocks), codebook, ViTDecoder(s.blocks), side)
        fit(Learned(first, frozen), Dealt(train.some, s.batch, 0), fitting(s.steps, 0))
        self.entries_VC = codebook.entries_VC.detach().cpu()
        made: list[Autoencoder] = []
        for quantiser in (copy.deepcopy(codebook), Unquantised(s.channels)):
            one = Autoencoder(copy.deepcopy(first.encoder), quantiser, copy.deepcopy(first.decoder), side)
            for layer, given in ((one.into, first.into), (one.out, first.out)):
                layer.load_state_dict(given.state_dict())
            fit(_Decoding(one, frozen), Dealt(train.some, s.batch, 0), fitting(s.tuned, 0))
            one.requires_grad_(False).eval().cpu()
            made.append(one)
        self.hard, self.soft = made
        self.spread = spread(encoded(self.soft, train.some).vectors_NPC)

    def again(self, of: Drawings) -> dict[str, Tensor]:
        """Pictures by way of codes and of features."""
        return {
            "hard": decoded(self.hard, encoded(self.hard, of.some).vectors_NPC),
            "soft": decoded(self.soft, encoded(self.soft, of.some).vectors_NPC),
        }

    def codes(self, of: Drawings, first: int) -> Iterator[Piece]:
        """Pictures as heads for codes read them, all at once."""
        codes_NPG, grid = encoded(self.hard, of.some).codes_NPG, self.hard.grid
        assert codes_NPG is not None
        assert grid is not None
        for codes_P in (codes_NPG[..., 0] + first).numpy():
            yield Piece(codes_P, IMAGE, 1.0, *grid)

    def features(self, of: Drawings) -> Iterator[Piece]:
        """Pictures as heads for features read them, all at once."""
        assert self.soft.grid is not None
        mean, deviation = self.spread
        for vectors_PC in encoded(self.soft, of.some).vectors_NPC.numpy():
            yield piece(((vectors_PC - mean) / deviation).reshape(*self.soft.grid, -1), 1.0, together=False)


class _Decoding(Learned):
    """A tokenizer of which only the decoder is trained."""

    def __init__(self, tokenizer: Autoencoder, frozen: FrozenStages) -> None:
        super().__init__(tokenizer, frozen, Weights(commitment=0.0, undecided=0.0))
        for name, weight in tokenizer.named_parameters():
            weight.requires_grad_(name.startswith(("decoder.", "out.")))

    def train(self, mode: bool = True) -> _Decoding:
        super().train(mode)
        self.tokenizer.get_submodule("quantiser").eval()  # a codebook follows its tokens in training
        return self
