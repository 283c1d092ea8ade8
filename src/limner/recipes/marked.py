"""A frozen language model with [IMG] tokens after a text, whose states find pictures and say what to draw (GILL, arXiv 2305.17216).

T tokens of a batch, N texts, Q tokens [IMG] of each, D width of the language model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from limner.experts.device import place
from limner.experts.onnx import Floats
from limner.models.attention import Layout
from limner.models.backbone import HubBackbone
from limner.models.heads.mapper import Mapper, MapperSettings
from limner.models.heads.retrieval import RetrievalHead, RetrievalSettings
from limner.models.sequence import IMAGE, Packed, Piece, collate, words
from limner.models.sequence import Sequence as Whole
from limner.recipes.drawings import Some
from limner.recipes.pictured import JOINT

TOLD = 384
"""Numbers of what a generator is told: a sentence of MiniLM."""


class Heads(nn.Module):
    """What is made of the states of [IMG] tokens. Trained by itself, its batches have `state`, `told`, `joint` and `concept`."""

    def __init__(self, mapper: MapperSettings, marks: int) -> None:
        super().__init__()
        self.mapper = Mapper(mapper)
        self.retrieval = RetrievalHead(RetrievalSettings(mapper.width, JOINT, tokens=marks, fixed=True))

    def counts(self, batch: Some) -> dict[str, float]:
        """See `limner.train.trainer.Model`."""
        return {"told": float(len(batch)), "found": float(len(batch))}

    def forward(self, batch: Some) -> dict[str, Tensor]:
        """See `limner.train.trainer.Model`."""
        return {
            "told": self.mapper.distance(batch["state"], batch["told"][:, None]),
            "found": self.retrieval(batch["state"], batch["joint"], batch["concept"]),
        }


class Marked(nn.Module):
    """The frozen model, its [IMG] tokens and the heads. What a caption's picture is lies beside its tokens as one row: told, joint, concept."""

    def __init__(self, backbone: HubBackbone, mapper: MapperSettings, marks: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.heads = Heads(mapper, marks)
        table = backbone.model.get_input_embeddings().weight.float()
        self.marks = nn.Parameter(table.mean(0) + table.std(0) * torch.randn(marks, table.shape[1]))

    def counts(self, batch: Packed) -> dict[str, float]:
        """See `limner.train.trainer.Model`."""
        return dict.fromkeys(("told", "found", "place"), float(len(batch.spans)))

    def forward(self, batch: Packed) -> dict[str, Tensor]:
        """See `limner.train.trainer.Model`."""
        state_NQD, before_ND = self.states(batch)
        rows = torch.stack(batch.images) if batch.images else self.marks.new_zeros(0, TOLD + JOINT + 1)
        some = Some({"state": state_NQD, "told": rows[:, :TOLD], "joint": rows[:, TOLD:-1], "concept": rows[:, -1]})
        every_D = torch.cat([self.backbone.model.get_output_embeddings().weight, self.marks.to(before_ND.dtype)])
        first = torch.full((len(rows),), len(every_D) - len(self.marks), device=rows.device)
        logits = (before_ND @ every_D.to(before_ND.dtype).T).float()
        return {**self.heads(some), "place": functional.cross_entropy(logits, first, reduction="sum")}

    def states(self, batch: Packed) -> tuple[Tensor, Tensor]:
        """The states at the [IMG] tokens, with their embeddings added and normalised (N x Q x D), and those before the first (N x D)."""
        device = self.marks.device
        start_N = torch.tensor([span.start for span in batch.spans], dtype=torch.long, device=device)
        at_NQ = start_N[:, None] + torch.arange(len(self.marks), device=device)
        x_TD = self.backbone.embed(batch.ids_T.clamp(min=0))
        x_TD = x_TD.index_copy(0, at_NQ.flatten(), self.marks.to(x_TD.dtype).repeat(len(at_NQ), 1))
        state_TD = self.backbone(x_TD, Layout.of(batch), batch.modality_T, batch.index_T, batch.places_T3)
        # Final states of language models have numbers of any size; one learning rate is to do for all.
        state_NQD = functional.layer_norm(state_TD[at_NQ].float() + self.marks, self.marks.shape[1:])
        return state_NQD, state_TD[at_NQ[:, 0] - 1]


@dataclass(frozen=True)
class Reader:
    """Texts as sequences that end in [IMG] tokens."""

    tokenizer: Any
    marks: int

    def __call__(self, text: str, row: Floats) -> Whole:
        ids = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return Whole((words(ids, 0.0), Piece(np.zeros(self.marks, np.int64), IMAGE, 0.0, image=row)))


@torch.inference_mode()
def read(model: Marked, reader: Reader, texts: Sequence[str]) -> Tensor:
    """The states of [IMG] tokens after texts, N x Q x D."""
    device, numbers = place()
    rows: list[Tensor] = []
    empty = np.zeros(TOLD + JOINT + 1, np.float32)
    with torch.autocast(device.type, numbers, numbers != torch.float32):
        for at in range(0, len(texts), 32):
            batch = collate([reader(text, empty) for text in texts[at : at + 32]]).to(device)
            rows.append(model.states(batch)[0].float())
    return torch.cat(rows)
