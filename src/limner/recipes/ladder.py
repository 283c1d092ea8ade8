"""Generators whose order is known: one transformer at several points of its training, the first hardly trained.

N pictures of the drawings of `limner.recipes.latentdrawings`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch

from limner.corpus.pixels import Pixels
from limner.models.dit import DiT, DiTSettings
from limner.models.heads.vectors import pixels
from limner.models.paint.painter import Drawing, decoded, drawn, told
from limner.models.sampling import Steps
from limner.models.tokenizers import Autoencoder
from limner.recipes.drawings import Dealt, Some
from limner.recipes.latentdrawings import LatentDrawings
from limner.recipes.pixart import Painting
from limner.train.objectives.diffusion import logit_normal
from limner.train.schedule import Schedule
from limner.train.trainer import Fit, fit

_BATCH = 64


@dataclass(frozen=True)
class LadderSettings:
    """Points of training in steps, rising by one factor, and the transformer; pictures are drawn in `strokes` steps with a guidance of `scale`."""

    rungs: tuple[int, ...] = (10, 25, 63, 160, 400)
    width: int = 128
    heads: int = 4
    depth: int = 4
    batch: int = 64
    rate: float = 1e-3
    strokes: int = 12
    scale: float = 3.0


def climbed(settings: LadderSettings, shown: LatentDrawings, seed: int) -> list[DiT]:
    """The transformer at each rung: one run at a constant rate, told by dense captions and by names."""
    torch.manual_seed(seed)
    s, eye = settings, shown.autoencoder
    dit = DiT(DiTSettings(eye.width, 2, eye.side // 8, s.width, s.heads, s.depth))
    found: list[DiT] = []

    def keep(line: Mapping[str, Any]) -> None:
        if line["step"] in s.rungs:
            found.append(deepcopy(dit).cpu().eval())

    warm = Schedule("constant", min(20, s.rungs[0]))
    given = Fit(s.rungs[-1], s.rate, decay=0.01, betas=(0.9, 0.99), schedule=warm, log=1, save=1 << 30, seed=seed)
    fit(Painting(dit, "dense"), Dealt(shown.train, s.batch, seed), given, tell=keep)
    return found


@torch.no_grad()
def unlearnt(dit: DiT, some: Some) -> float:
    """The loss of the flow on test pictures, with the same noise and times for every rung: what says that the order is known."""
    chance = torch.Generator().manual_seed(0)
    model, total = Painting(dit, "dense"), 0.0
    for at in range(0, len(some), 128):
        batch = some.at(slice(at, at + 128))
        noise = torch.randn(batch["latents"].shape, generator=chance)
        total += float(model.losses(batch, 0.0, noise, logit_normal(len(batch), chance=chance)).sum())
    return total / len(some)


@dataclass(frozen=True, eq=False)
class Draws:
    """A transformer with what it needs to draw."""

    dit: DiT
    autoencoder: Autoencoder
    drawing: Drawing
    strokes: int
    scale: float

    @torch.no_grad()
    def __call__(self, prompts: Sequence[str], seed: int) -> list[Pixels]:
        """A picture of each prompt; of the same seed begin all lists of prompts with the same noise."""
        chance = torch.Generator().manual_seed(seed)
        found: list[Pixels] = []
        for at in range(0, len(prompts), _BATCH):
            states, mask = told(prompts[at : at + _BATCH])
            s = self.dit.settings
            noise = torch.randn((len(states), s.channels, s.side, s.side), generator=chance)
            latents = drawn(self.dit, (states, mask), noise, Steps(self.strokes), self.scale)
            found += pixels(decoded(self.autoencoder, latents, self.drawing))
        return found
