"""Flamingo: a frozen language model that looks at images through gated cross-attention, and learns a task from examples in its prompt.

Alayrac et al. 2022, arXiv 2204.14198. Everything pretrained stays frozen; a perceiver resampler and gated cross-attention before some layers are
trained on documents that interleave images and text, each token seeing the one image before it. Prompts are pairs of images and texts, and an image
whose text is asked for; without examples, two of the task's texts are given without their images.

Here the language model is SmolLM2-135M, an image is what `limner.recipes.pictured` says, and documents are composed: up to five pairs of one set (as
many as the paper's pages have images). Which of ten texts is an image's own is asked of concepts that nothing was trained on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from limner.experts.device import place
from limner.experts.language_local import LocalModel
from limner.experts.language_local import bundled as language
from limner.experts.onnx import Floats
from limner.models import idefics
from limner.models.attention import Layout
from limner.models.backbone import HubBackbone, frozen
from limner.models.connectors.resampler import Resampler, ResamplerSettings
from limner.models.cross import CrossBlocks, CrossSettings, Sees, seen
from limner.models.sequence import IGNORED, Packed, collate
from limner.models.sequence import Sequence as Whole
from limner.recipes.fewshot import CHOICES, Composed, Question, Writer, questions
from limner.recipes.gains import compared
from limner.recipes.pictured import CHANNELS, JOINT, Pictured, pictured
from limner.recipes.recipe import Claim, Measurement, Panel, Recipe
from limner.train.batches import Packing
from limner.train.schedule import Schedule
from limner.train.trainer import Fit, Fitted, fit

_WORDS = 16  # of a text at most


@dataclass(frozen=True)
class Settings:
    """What is trained and asked.

    `data`      sets of pairs
    `most`      pairs of each
    `images`    of a training document at most
    `tokens`, `steps`, `rate`  of a batch, batches, and the highest learning rate; that of the gates is `gates` times as high, since they begin closed
    `sees`      which images a token sees, a model for each; the first is the paper's and is asked everything
    `shots`     examples in prompts
    `asked`     images asked about, spread over the sets
    """

    data: tuple[str, ...] = ("fluent-emoji", "noto-emoji", "openclipart", "skimage-doc", "sklearn-doc")
    most: int = 1500
    images: int = 5
    tokens: int = 640
    steps: int = 130
    rate: float = 1.5e-3
    gates: float = 15.0
    sees: tuple[Sees, ...] = ("last",)
    shots: tuple[int, ...] = (0, 2, 4, 8)
    asked: int = 120
    resampler: ResamplerSettings = field(
        default_factory=lambda: ResamplerSettings(CHANNELS + JOINT, 256, latents=8, depth=2, heads=4, head_width=64)
    )
    cross: CrossSettings = field(
        default_factory=lambda: CrossSettings(256, 576, heads=6, head_width=64, inner=1152, every=6, first=6)
    )


class Flamingo(nn.Module):
    """The frozen model and what is trained between its layers."""

    def __init__(self, backbone: HubBackbone, settings: Settings, sees: Sees) -> None:
        super().__init__()
        self.backbone = backbone
        self.sees: Sees = sees
        self.resampler = Resampler(settings.resampler)
        self.cross = CrossBlocks(backbone.depth, settings.cross)

    def counts(self, batch: Packed) -> dict[str, float]:
        """See `limner.train.trainer.Model`."""
        return {"text": float((batch.labels_T != IGNORED).sum())}

    def look(self, images: Sequence[Tensor]) -> Tensor:
        """Images as the tokens of the resampler, N x Q x C; there may be none."""
        given = self.resampler.settings.channels
        return self.resampler(torch.stack(list(images)) if images else self.resampler.latents.new_zeros(0, 1, given))

    def forward(self, batch: Packed) -> dict[str, Tensor]:
        """See `limner.train.trainer.Model`."""
        image_NQC = self.look(batch.images)
        states_TD = self.states(batch, Layout.of(batch), image_NQC, self.visible(batch))
        at = batch.labels_T != IGNORED
        logits = self.backbone.logits(states_TD[at]).float()
        return {"text": functional.cross_entropy(logits, batch.labels_T[at], reduction="sum")}

    def visible(self, batch: Packed) -> Tensor:
        """Which images each token of a batch sees, T x N."""
        device = batch.ids_T.device
        document_N, place_N = (
            torch.tensor([getattr(span, what) for span in batch.spans], dtype=torch.long, device=device)
            for what in ("sequence", "start")
        )
        return seen(batch.sequence_T, torch.arange(len(batch), device=device), document_N, place_N, self.sees)

    def states(self, batch: Packed, layout: Layout, image_NQC: Tensor, seen_TN: Tensor, index_T: Tensor | None = None) -> Tensor:
        """The last states of the language model, T x D."""
        index_T = batch.index_T if index_T is None else index_T
        with self.cross.looking(self.backbone.inner.layers, image_NQC, seen_TN):
            return self.backbone(self.backbone.embed(batch.ids_T), layout, batch.modality_T, index_T, batch.places_T3)


WAYS = ("shots", "texts", "blank")
"""Examples with their images, as texts only, and with all images blank, that of the question too."""


@torch.inference_mode()
def chosen(model: Flamingo, writer: Writer, question: Question, examples: int, way: str = "shots") -> tuple[float, float]:
    """Whether the right text is the likeliest (each by its mean over tokens), in percent, and how unlikely it is, in nats a token."""
    first = collate([question.prompt(writer, examples, way != "texts")])
    tails = collate([Whole((writer.text(text),)) for text in question.choices])
    count, device = len(tails.lengths), place()[0]
    first, tails = first.to(device), tails.to(device)
    image_NQC = model.look([image * 0 for image in first.images] if way == "blank" else first.images)
    seen_TN = model.visible(first)
    cache = model.backbone.cache(1)
    cache.room(len(first) + max(tails.lengths))
    last = model.states(first, Layout(first.lengths, None, (False,), cache, (0,)), image_NQC, seen_TN)[-1:]
    cache.lengths[0] = len(first)
    cache.keep([0] * count)
    layout = Layout(tails.lengths, None, (False,) * count, cache, tuple(range(count)))
    states_TD = model.states(tails, layout, image_NQC, seen_TN[-1:].expand(len(tails), -1), tails.index_T + len(first))
    before = torch.cat([torch.cat([last, row[:-1]]) for row in states_TD.split(list(tails.lengths))])
    nats_T = functional.cross_entropy(model.backbone.logits(before).float(), tails.ids_T, reduction="none")
    means = torch.stack([row.mean() for row in nats_T.split(list(tails.lengths))])
    return 100.0 * float(means.argmin() == 0), float(means[0])


def _asked(model: Flamingo, writer: Writer, asked: Sequence[Question], examples: int, way: str = "shots") -> Floats:
    """Each question's two figures, in rows."""
    device, numbers = place()
    with torch.autocast(device.type, numbers, numbers != torch.float32):
        return np.array([chosen(model, writer, question, examples, way) for question in asked], np.float32)


def run(settings: Settings, seed: int) -> Iterator[Measurement]:
    """Train, then ask with more and more examples; `seed` composes documents, draws weights and prompts."""
    yield Measurement("parity", idefics.apart(seed), note="greatest difference from Idefics (transformers), same weights")
    sets = [pictured(name, settings.most, _WORDS) for name in settings.data]
    backbone, writer = _language()
    asked = questions(sets, settings.asked, max(settings.shots), seed)
    yield Measurement("pairs", sum(len(held.part("train")) for held in sets), note="of concepts that are trained on")
    yield Measurement("asked", len(asked), note="images of other concepts")
    few = max(n for n in settings.shots if n <= settings.images)
    found: dict[str, Floats] = {}
    for sees in settings.sees:
        model, ended = _trained(backbone, writer, sets, settings, sees, seed)
        if sees != settings.sees[0]:
            rows, own = _asked(model, writer, asked, max(settings.shots)), found[f"shots.{max(settings.shots)}"]
            yield from compared("mask.right", own[:, 0], rows[:, 0], ("last", sees), "%", "right of ten")
            yield from compared("mask.nats", own[:, 1], rows[:, 1], ("last", sees), "nats", "a token", lower=True)
            continue
        trained = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
        yield Measurement("trained", trained / 1e6, "M", "weights; those of the language model are 135 M")
        yield Measurement("loss", ended.loss, "nats", "a token, at the end of training")
        yield Measurement("speed", ended.tokens / max(ended.seconds, 1e-9), "tokens/s", "of training")
        for way, counts in (("shots", settings.shots), ("texts", (2, few)), ("blank", (few,))):
            found |= {f"{way}.{n}": _asked(model, writer, asked, n, way) for n in counts}
        yield from _told(found, few, max(settings.shots))


def _trained(
    backbone: HubBackbone, writer: Writer, sets: Sequence[Pictured], settings: Settings, sees: Sees, seed: int
) -> tuple[Flamingo, Fitted]:
    torch.manual_seed(seed)
    model = Flamingo(backbone, settings, sees)
    gates = tuple((name, settings.gates) for name, _ in model.named_parameters() if name.endswith("_gate"))
    given = Fit(settings.steps, settings.rate, gates, schedule=Schedule(warm=max(settings.steps // 15, 1)), log=10, seed=seed)
    documents = Composed(sets, writer, settings.images, seed)
    return model, fit(model, Packing(documents, settings.tokens, seed=seed), given)


def _told(found: Mapping[str, Floats], few: int, many: int) -> Iterator[Measurement]:
    for name, rows in found.items():
        yield Measurement(f"{name}.right", float(rows[:, 0].mean()), "%", f"of {CHOICES} texts the right one is the likeliest")
        yield Measurement(f"{name}.nats", float(rows[:, 1].mean()), "nats", "a token of the right text")
    for key, better, worse in (
        ("few", f"shots.{few}", "texts.2"), ("many", f"shots.{many}", "texts.2"), ("alone", f"shots.{few}", "shots.0"),
        ("sees", f"shots.{few}", f"blank.{few}"), ("examples", f"shots.{few}", f"texts.{few}"),
    ):  # fmt: skip
        for at, (what, unit) in enumerate((("right", "%"), ("nats", "nats"))):
            rows = found[better][:, at], found[worse][:, at]
            yield from compared(
                f"{key}.{what}", *rows, ("better", "worse"), unit, f"{better} against {worse}", lower=what == "nats"
            )


@cache
def _language() -> tuple[HubBackbone, Writer]:
    model: LocalModel = language("smollm2-135m")
    backbone = HubBackbone(model.model)
    frozen(backbone)
    return backbone, Writer(model.tokenizer)


def _claims() -> Iterator[Claim]:
    yield Claim(
        "parity", "the resampler and the gated cross-attention are those of a public implementation", "none: a check",
        "greatest difference from transformers' Idefics on the same weights, fp32", better="parity", at_most=1e-4,
    )  # fmt: skip
    table = "tasks are done the better the more examples a prompt has (0, 4, 8, 32); no figure of ours is comparable"
    mask = "single-image cross-attention is better (section 2.3)"
    for key, statement, paper in (
        ("few", "four examples are better than the paper's prompt without any (two texts without images)", table),
        ("many", "eight are too, more than a training document has", table),
        ("alone", "four examples are better than the image alone", "not claimed; our control"),
        ("sees", "the images are what it goes by: blank ones are worse", "not claimed; our control"),
        ("examples", "examples with their images are better than the same texts alone", "not claimed; our control"),
        ("mask", "seeing the last image only is better than seeing all images before", mask),
    ):
        for what, measured, effect in (("right", "right of ten texts, %", 3.0), ("nats", "nats a token of the right text", 0.1)):
            yield Claim(
                f"{key}-{what}", statement, paper, f"{measured}, paired over images", effect=effect, within=f"{key}.{what}"
            )


RECIPE = Recipe(
    slug="flamingo",
    title="Flamingo: a frozen language model that looks at images between its layers",
    reference="Alayrac et al. 2022, Flamingo: a Visual Language Model for Few-Shot Learning, arXiv 2204.14198",
    claims=list(_claims()),
    settings={
        "smoke": Settings(data=("noto-emoji",), most=120, tokens=160, steps=3, shots=(0, 2), asked=2),
        "laptop": Settings(),
        "gpu": Settings(
            most=10_000,
            tokens=8_192,
            steps=2_000,
            sees=("last", "all"),
            asked=1_000,
            cross=CrossSettings(256, 576, heads=8, head_width=64, inner=2304, every=3),
        ),
    },
    run=run,
    seeds={"smoke": 1, "laptop": 3, "gpu": 3},
    panels=[
        Panel("Right of ten texts by examples in the prompt, %", "{series}.{row}.right", WAYS),
        Panel("Nats a token of the right text by examples in the prompt", "{series}.{row}.nats", WAYS),
    ],
)
