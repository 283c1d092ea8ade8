"""PixArt-alpha: a text-to-image transformer that is cheap to train, since it learns one thing after the other.

Chen et al. 2023, arXiv 2310.00426. Three steps (section 2.2): what pixels depend on, from pictures with classes; what texts mean, from
dense captions; what is beautiful, from few good pictures. Cross-attention brings the text in, one modulation is shared by all blocks
(adaLN-single, section 2.3), and the first step's weights are kept by re-parameterization. It costs 10.8 % of the time of Stable Diffusion
1.5.

Here pictures are emoji and clip art of 64 pixels in the latents of a small autoencoder that is trained once, before what is compared
(PixArt's is Stable Diffusion's, whose training is not counted either).
Classes are the folders of clip art and the makers of emoji; dense captions add what pixels tell
(`limner.recipes.densecaptions`); the good pictures are Fluent's rendered emoji. What is compared has the same data, captions, rates and
floating point operations: all in one step, without the first step, and with names in place of dense captions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from limner.experts.device import place
from limner.experts.pairs.features import image_features
from limner.models.dit import DiT, DiTSettings, single
from limner.models.heads.vectors import pixels
from limner.models.paint.autoencoder import CompressionSettings
from limner.models.paint.painter import WEIGHTS, decoded, drawn, load, nothing, save
from limner.models.sampling import Steps
from limner.models.tokenizers.frozen import frozen_stages
from limner.recipes.drawings import Dealt, Some, batches
from limner.recipes.latentdrawings import LatentDrawings, latent
from limner.recipes.recipe import Claim, Measurement, Panel, Recipe
from limner.recipes.tokenizing import Judge, closeness
from limner.train.objectives.diffusion import flow, logit_normal
from limner.train.schedule import Schedule
from limner.train.speed import operations
from limner.train.trainer import Fit, fit

DROPPED = 0.1
"""Texts and classes that are taken away in training (Ho and Salimans 2022, arXiv 2207.12598, section 4)."""

_LOOKS = 12  # times that what is learnt is asked about, in a run
_PAPER = DiTSettings(4, 2, 64, 1152, 16, 28, 4096)  # PixArt-alpha's own size

Way = Literal["class", "names", "dense"]


@dataclass(frozen=True)
class Settings:
    """Pictures of `data` (`GOOD` must be among them), at most `most` of each set (0: all).

    `width`, `heads`, `depth`  of the transformer
    `steps`, `batch`, `rate`   of training in one step; others take as many operations
    `shares`   of them that the three steps take
    `drawn`    pictures of test texts that are judged, drawn in `strokes` steps with a guidance of `scale`
    `eye`      steps in which an autoencoder is trained first, 0 to take that which comes with limner
    `ways`     of training that are compared
    `keep`     a file that the first seed's transformer of three steps and the autoencoder are written to
    """

    data: tuple[str, ...] = ("fluent-emoji", "noto-emoji", "openclipart")
    most: int = 0
    width: int = 128
    heads: int = 4
    depth: int = 6
    steps: int = 300
    batch: int = 64
    rate: float = 1e-3
    shares: tuple[float, float, float] = (0.3, 0.5, 0.2)
    drawn: int = 200
    strokes: int = 12
    scale: float = 3.0
    eye: int = 0
    ways: tuple[str, ...] = ("three", "two", "one", "names")
    keep: str = ""


@dataclass(frozen=True)
class Stage:
    """A step of training: what is told (`way`), on which pictures (all, or the good ones), for what share of all operations, and how the
    rate goes."""

    way: Way
    good: bool
    share: float
    schedule: Schedule


class Painting(nn.Module):
    """A transformer in training; says the loss of the flow of latents that are told of in one way."""

    def __init__(self, dit: DiT, way: Way) -> None:
        super().__init__()
        self.dit, self.way = dit, way

    def counts(self, batch: Some) -> dict[str, float]:
        """See `limner.train.trainer.Model`."""
        return {"velocity": float(len(batch))}

    def forward(self, batch: Some) -> dict[str, Tensor]:
        """See `limner.train.trainer.Model`."""
        return {"velocity": self.losses(batch, DROPPED).sum()}

    def losses(self, batch: Some, dropped: float = 0.0, noise: Tensor | None = None, time: Tensor | None = None) -> Tensor:
        """The loss of each picture; with dense captions half of the pictures are told by their names alone, so that both are understood."""
        gone = torch.rand(len(batch), device=batch["class"].device) < dropped
        if self.way == "class":
            labels = batch["class"].masked_fill(gone, self.dit.settings.classes)
            return flow(lambda x, t: self.dit(x, t, class_N=labels), batch["latents"], noise, time)
        more = torch.rand(len(batch), 1, device=gone.device) < (
            0.5 if self.way == "dense" and dropped else float(self.way == "dense")
        )
        states = torch.where(more[..., None], batch["dense"], batch["names"]).float()
        mask = torch.where(more, batch["dense_mask"], batch["names_mask"])
        none, none_mask = (part.to(gone.device) for part in nothing())
        states = torch.where(gone[:, None, None], none, states)
        mask = torch.where(gone[:, None], none_mask, mask)
        return flow(lambda x, t: self.dit(x, t, states, mask), batch["latents"], noise, time)


@dataclass(frozen=True)
class Learnt:
    """A transformer and what it cost: the share of all operations spent and the loss on the good test pictures, from time to time."""

    dit: DiT
    costs: tuple[float, ...]
    losses: tuple[float, ...]

    def reaching(self, loss: float) -> float:
        """The share of operations at which the loss first was as low; infinite where it never was."""
        before = None
        for cost, now in zip(self.costs, self.losses, strict=True):
            if now <= loss:
                if before is None or before[1] <= now:
                    return cost
                return before[0] + (cost - before[0]) * (before[1] - loss) / (before[1] - now)
            before = cost, now
        return float("inf")


def stages(settings: Settings) -> Mapping[str, Sequence[Stage]]:
    """What is compared."""
    first, second, third = settings.shares
    whole, on, down = Schedule("cooldown", 50), Schedule("constant", 20), Schedule("cosine", 1, 0.0)
    return {
        "three": (Stage("class", False, first, on), Stage("dense", False, second, on), Stage("dense", True, third, down)),
        "two": (Stage("dense", False, first + second, on), Stage("dense", True, third, down)),
        "one": (Stage("dense", False, 1.0, whole),),
        "names": (Stage("class", False, first, on), Stage("names", False, second, on), Stage("names", True, third, down)),
    }


def run(settings: Settings, seed: int) -> Iterator[Measurement]:
    """Train each way with as many operations, then judge what is drawn; `seed` draws weights, batches and noise."""
    shown = latent(settings.data, settings.most, settings.drawn, settings.eye)
    yield from _sizes(shown)
    judge = Judge(shown.judged)
    yield Measurement("real.alignment", judge()["alignment"], "%", "of the real pictures")
    learnt: dict[str, Learnt] = {}
    begun: dict[Stage, DiT] = {}
    for name, each in ((name, stages(settings)[name]) for name in settings.ways):
        learnt[name] = one = _learnt(settings, shown, each, seed, begun)
        yield Measurement(f"{name}.loss", one.losses[-1], "", "of the flow, good test pictures told by their names")
        yield Measurement(f"{name}.loss.all", _loss(Painting(one.dit, "names"), shown.test), "", "of the flow, all test pictures")
        dense_loss = _loss(Painting(one.dit, "dense"), shown.best)
        yield Measurement(f"{name}.loss.dense", dense_loss, "", "of the flow, good test pictures told by dense captions")
        for what, value in judge(_pictures(settings, shown, one.dit, seed)).items():
            unit = "%" if what == "alignment" else ""
            yield Measurement(
                f"{name}.{what}", value, unit, "of pictures drawn of test names, by limner-pairs or EfficientNet-Lite0"
            )
    for other in ("one", "two"):
        if {other, "three"} <= set(learnt):
            yield from _costs(other, learnt[other], learnt["three"])
    if settings.keep and seed == 0:
        drawing = replace(shown.drawing, scale=settings.scale)
        save(Path(settings.keep), shown.autoencoder, CompressionSettings(), learnt["three"].dit, drawing)
    if WEIGHTS.is_file():
        yield from _shipped(settings, shown, seed)


def _shipped(settings: Settings, shown: LatentDrawings, seed: int) -> Iterator[Measurement]:
    """How well the transformer that comes with limner draws what it has learnt and what it has not, by limner-pairs."""
    painter = load(WEIGHTS)
    for which, asked in (("unseen", shown.judged), ("seen", shown.known)):
        judge = Judge(asked)
        pictures = _pictures(
            settings, replace(shown, judged=asked, autoencoder=painter.autoencoder, drawing=painter.drawing), painter.dit, seed
        )
        for kind, images in (("drawn", pictures), ("real", asked.some.images)):
            scores = judge.tower(image_features(pixels(images))) @ judge.texts.T
            own, others = scores.diagonal(), judge.names[:, None] != judge.names[None]
            yield Measurement(
                f"shipped.{which}.{kind}.own", float(own.mean()), "", "cosine of a picture and its text, by limner-pairs"
            )
            yield Measurement(
                f"shipped.{which}.{kind}.others", float(scores[others].mean()), "", "and of a picture and others' texts"
            )
            below = ((scores < own[:, None]) & others).sum(1) / others.sum(1)
            yield Measurement(
                f"shipped.{which}.{kind}.alignment", 100 * float(below.mean()), "%", "of others' texts fit less well"
            )


def _costs(name: str, plain: Learnt, staged: Learnt) -> Iterator[Measurement]:
    """Operations to the better of the qualities that both reach."""
    loss = max(plain.losses[-1], staged.losses[-1])
    for which, learnt in ((name, plain), ("three", staged)):
        note = f"operations until both {name} and three are as good"
        yield Measurement(f"cost.{name}.{which}", 100 * learnt.reaching(loss), "%", note)


def _learnt(settings: Settings, shown: LatentDrawings, each: Sequence[Stage], seed: int, begun: dict[Stage, DiT]) -> Learnt:
    """A way's stages one after the other. What a first stage on classes came to is kept in `begun`: ways that begin alike need it once."""
    torch.manual_seed(seed)
    size = DiTSettings(shown.autoencoder.width, 2, shown.autoencoder.side // 8, settings.width, settings.heads, settings.depth)
    dit = DiT(replace(size, classes=shown.classes, modulation="block") if each[0].way == "class" else size)
    budget = settings.steps * _operations(DiT(size), shown, "dense")
    costs: list[float] = []
    losses: list[float] = []
    spent = 0.0
    for number, stage in enumerate(each):
        if stage.way != "class" and dit.settings.modulation == "block":
            dit = single(dit)
        steps = max(round(stage.share * budget / _operations(dit, shown, stage.way)), 1)
        if stage in begun:
            dit = deepcopy(begun[stage])
        else:

            def tell(
                line: Mapping[str, Any], dit: DiT = dit, stage: Stage = stage, spent: float = spent, steps: int = steps
            ) -> None:
                if stage.way != "class":
                    costs.append(spent + stage.share * line["step"] / steps)
                    losses.append(_loss(Painting(dit, "names"), shown.best))

            log = max(round(steps / (_LOOKS * stage.share)), 1)
            given = Fit(
                steps,
                settings.rate,
                decay=0.01,
                betas=(0.9, 0.99),
                schedule=stage.schedule,
                log=log,
                save=1 << 30,
                seed=seed + number,
            )
            fit(
                Painting(dit, stage.way), Dealt(shown.good if stage.good else shown.train, settings.batch, seed), given, tell=tell
            )
        if stage.way == "class":
            begun[stage] = deepcopy(dit)
        spent += stage.share
    return Learnt(dit, tuple(costs), tuple(losses))


def _operations(dit: DiT, shown: LatentDrawings, way: Way) -> float:
    """Floating point operations of a picture, forth and back."""
    some, model = shown.train.at(slice(0, 8)), Painting(dit, way)
    return operations(lambda: model(some)["velocity"].backward()) / 8


@torch.no_grad()
def _loss(model: Painting, some: Some) -> float:
    """The loss of pictures with the same noise and times every time."""
    chance = torch.Generator().manual_seed(0)
    total, device = 0.0, place()[0]
    model = model.to(device)
    for batch in batches(some, 128):
        noise = torch.randn(batch["latents"].shape, generator=chance)
        time = logit_normal(len(batch), chance=chance)
        with torch.autocast(device.type, torch.bfloat16, enabled=place()[1] == torch.bfloat16):
            total += float(model.losses(batch.to(device), 0.0, noise.to(device), time.to(device)).sum())
    return total / len(some)


@torch.no_grad()
def _pictures(settings: Settings, shown: LatentDrawings, dit: DiT, seed: int) -> Tensor:
    """What is drawn of the names that are judged."""
    chance = torch.Generator().manual_seed(seed)
    found: list[Tensor] = []
    for batch in batches(shown.judged.some, 64):
        noise = torch.randn(batch["latents"].shape, generator=chance)
        latents = drawn(dit.cpu(), (batch["names"].float(), batch["names_mask"]), noise, Steps(settings.strokes), settings.scale)
        found.append(decoded(shown.autoencoder, latents, shown.drawing))
    return torch.cat(found)


def _sizes(shown: LatentDrawings) -> Iterator[Measurement]:
    """How much smaller one modulation makes PixArt's own size, and how much more dense captions say."""
    with torch.device("meta"):
        counts = {m: sum(p.numel() for p in DiT(replace(_PAPER, modulation=m)).parameters()) for m in ("block", "single")}
    yield Measurement("parameters.block", counts["block"] / 1e6, "million", "at the paper's size, a modulation in each block")
    yield Measurement("parameters.single", counts["single"] / 1e6, "million", "at the paper's size, one for all blocks")
    yield Measurement("parameters.saved", 100 * (1 - counts["single"] / counts["block"]), "%")
    yield Measurement("words.names", shown.words[0], "words", "of a name")
    yield Measurement("words.dense", shown.words[1], "words", "of a dense caption")
    judged = shown.judged.some
    found = closeness(frozen_stages(), judged.images, decoded(shown.autoencoder, judged["latents"].float(), shown.drawing))
    for what, value in found.items():
        yield Measurement(
            f"autoencoder.{what}", value, "dB" if what == "psnr" else "", "of test pictures that were encoded and decoded"
        )


def _claims() -> Iterator[Claim]:
    cost = "10.8 % of the time of Stable Diffusion 1.5, which learns all at once from other data (abstract)"
    same = "floating point operations until the loss on good test pictures is as low as the worse of both ends"
    yield Claim(
        "cost", "three steps cost less than one to the same quality", cost, same,
        better="cost.one.three", worse="cost.one.one", lower=True, effect=20.0,
    )  # fmt: skip
    yield Claim(
        "pixels-first", "a first step on classes saves operations", "not measured apart", same,
        better="cost.two.three", worse="cost.two.two", lower=True, effect=10.0,
    )  # fmt: skip
    for key, lower, effect, what in (
        ("loss", True, 0.005, "loss of the flow on good test pictures"),
        ("distance", True, 1.0, "kernel distance of EfficientNet-Lite0's features from the real test pictures', times 1000"),
        ("alignment", False, 1.0, "how many texts of others fit a picture less than its own, by limner-pairs"),
    ):
        yield Claim(
            f"quality-{key}", f"with as many operations, three steps are better than one ({key})", "FID 7.32 after 675 A100 days", what,
            better=f"three.{key}", worse=f"one.{key}", lower=lower, effect=effect,
        )  # fmt: skip
    told_of = "loss of the flow on good test pictures"
    yield Claim(
        "dense", "dense captions tell more of pictures than names", "captions of LLaVA have more nouns (table 1)",
        f"{told_of}, told by dense captions or by names", better="three.loss.dense", worse="names.loss", lower=True, effect=0.005,
    )  # fmt: skip
    yield Claim(
        "dense-names", "who learns from dense captions understands names better too", "not claimed", f"{told_of} told by names",
        better="three.loss", worse="names.loss", lower=True, effect=0.005,
    )  # fmt: skip
    yield Claim(
        "single", "one modulation for all blocks saves parameters", "26 % (833 to 611 million)",
        "parameters of a transformer of the paper's size", better="parameters.saved", at_least=24.0, at_most=28.0,
    )  # fmt: skip


RECIPE = Recipe(
    slug="pixart",
    title="PixArt-alpha: one thing after the other",
    reference="Chen et al. 2023, PixArt-alpha: Fast Training of Diffusion Transformer for Photorealistic Text-to-Image Synthesis, "
    "arXiv 2310.00426",
    claims=list(_claims()),
    settings={
        "smoke": Settings(most=60, width=32, heads=2, depth=1, steps=6, batch=16, drawn=8, strokes=2, eye=1),
        "laptop": Settings(eye=800),
        "gpu": Settings(width=384, heads=6, depth=12, steps=20_000, batch=256, drawn=400, strokes=30, eye=8_000),
    },
    run=run,
    seeds={"smoke": 1, "laptop": 3, "gpu": 3},
    panels=[
        Panel("Operations to the same quality, in percent", "cost.{row}.{series}", ("one", "two", "three")),
        Panel("Kernel distance, and agreement with the text", "{row}.{series}", ("distance", "alignment"), relative=True),
    ],
)
