"""The query former: learned queries that attend to each other and, in every other layer, to an image's patches.

Li et al. 2023, BLIP-2, arXiv 2301.12597, section 3.1. The network is transformers' own (`Blip2QFormerModel`), whose weights have the names of
published checkpoints; here are the queries before it and the projection to the language model after it.

N images, P patches, C channels of features, E width of the query former, Q queries, D width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from limner.experts.device import transformers_for


@dataclass(frozen=True)
class QueryFormerSettings:
    """`channels` C in, `width` D out, `queries` Q tokens an image becomes, `inside` E of `depth` layers with `heads` and a feed-forward
    network of `expansion` times E; patches are seen in every `every`-th layer, the first included. The defaults are BLIP-2's, which begins
    from BERT-base."""

    channels: int
    width: int
    queries: int = 32
    inside: int = 768
    depth: int = 12
    heads: int = 12
    expansion: int = 4
    every: int = 2
    dropout: float = 0.1


class QueryFormer(nn.Module):
    """Images of any number of patches to Q tokens each."""

    def __init__(self, settings: QueryFormerSettings) -> None:
        super().__init__()
        transformers: Any = transformers_for("the query former")
        self.settings = settings
        config = transformers.Blip2QFormerConfig(
            hidden_size=settings.inside, num_hidden_layers=settings.depth, num_attention_heads=settings.heads,
            intermediate_size=settings.expansion * settings.inside, hidden_dropout_prob=settings.dropout,
            attention_probs_dropout_prob=settings.dropout, cross_attention_frequency=settings.every,
            encoder_hidden_size=settings.channels, vocab_size=1, use_qformer_text_input=False,
        )  # fmt: skip
        # What transformers would choose on its own differs between versions and devices.
        config._attn_implementation = "sdpa"
        self.former: nn.Module = transformers.Blip2QFormerModel(config)
        self.queries = nn.Parameter(torch.empty(settings.queries, settings.inside).normal_(std=0.02))
        self.project = nn.Linear(settings.inside, settings.width)

    def tokens(self, patches: int) -> int:
        """How many tokens an image of so many patches becomes."""
        return self.settings.queries

    def forward(self, image_NPC: Tensor, mask_NP: Tensor | None = None) -> Tensor:
        """N x P x C to N x Q x D. Where images have unlike many patches, `mask_NP` is true for those that are some."""
        count = len(image_NPC)
        if not count:  # transformers' layers cannot reshape nothing: one blank image is looked at, and what comes of it left out
            image_NPC, mask_NP = image_NPC.new_zeros(1, *image_NPC.shape[1:]), None
        queries_NQE = self.queries.expand(len(image_NPC), -1, -1)
        mask = None if mask_NP is None else mask_NP.long()
        found = self.former(query_embeds=queries_NQE, encoder_hidden_states=image_NPC, encoder_attention_mask=mask)
        return self.project(found.last_hidden_state[:count])
