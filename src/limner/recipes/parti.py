"""Parti: text-to-image generation as translation into the tokens of a ViT-VQ tokenizer, better the larger the model.

Yu et al. 2022, arXiv 2206.10789. A vision transformer with factorised codes of length one (ViT-VQGAN) turns images into a grid of codes; an
encoder-decoder is told a text and predicts them, with guidance when it draws (section 2). From 350 million to 20 billion parameters the loss
falls, and alignment and fidelity grow (section 4.3).

Here pictures are emoji of 32 x 32 pixels; three sizes of the encoder-decoder learn from the codes of one tokenizer, with the same batches.
The loss is that of the codes of pictures of unseen concepts. PartiPrompts are sentences about a world that emoji do not show: in their
place the names of unseen concepts are asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from limner.experts.device import place
from limner.models.tokenizers import (
    Autoencoder,
    BlockSettings,
    CodebookSettings,
    VectorQuantiser,
    ViTDecoder,
    ViTEncoder,
    counts,
    perplexity,
)
from limner.recipes.drawings import Dealt, Some, drawings
from limner.recipes.painting import OneByOne, Size
from limner.recipes.recipe import Claim, Measurement, Panel, Recipe
from limner.recipes.tokenizing import Judge, Learned, again, coded, decoded, fitting, looking
from limner.train.trainer import fit

NAMES = ("small", "middle", "large")


@dataclass(frozen=True)
class Settings:
    """Emoji of `side` pixels, at most `most` of each set (0: all).

    `width`, `depth`  of the encoder and of the decoder of the tokenizer, over patches of `patch` pixels; `book` entries of `codes` channels
    `steps`, `batch`  of the tokenizer; `painted` steps of each of the three `sizes` of the encoder-decoder, the smallest first, with `dropout`
    `drawn`           pictures of test texts that are judged, with a guidance of `scale`
    """

    data: tuple[str, ...] = ("fluent-emoji", "noto-emoji", "openmoji")
    side: int = 32
    most: int = 0
    width: int = 128
    depth: int = 2
    patch: int = 8
    book: int = 512
    codes: int = 8
    steps: int = 400
    painted: int = 600
    batch: int = 64
    sizes: tuple[Size, ...] = (Size(32, 2, 1, 2), Size(64, 2, 1, 3), Size(160, 4, 2, 4))
    dropout: float = 0.1
    drawn: int = 160
    scale: float = 3.0


def run(settings: Settings, seed: int) -> Iterator[Measurement]:
    """Train the tokenizer, then each size on its codes; `seed` draws weights, batches and pictures."""
    s = settings
    parts = drawings(s.data, s.side, s.most)
    train, test = parts["train"].some, parts["test"]
    yield Measurement("pictures", len(train), note="that are trained on; no concept of the test part is among them")
    device, _ = place()
    frozen = looking()
    torch.manual_seed(seed)
    blocks = BlockSettings(s.width, s.depth, 4, s.patch)
    codebook = VectorQuantiser(CodebookSettings(s.book, s.codes, decay=0.95, revive=0.1))
    tokenizer = Autoencoder(ViTEncoder(blocks), codebook, ViTDecoder(blocks), s.side)
    fit(Learned(tokenizer, frozen), Dealt(train, s.batch, seed), fitting(s.steps, seed))
    some = test.some.to(device)
    asked = coded(tokenizer, some)
    yield from again("tokenizer", frozen, some.images, decoded(tokenizer, tokenizer.lookup(asked["codes"])))
    used = perplexity(counts(asked["codes"].cpu(), tokenizer.books)[0])
    yield Measurement("tokenizer.used", used, f"of {s.book}", "perplexity of the use of codes")
    shown = test.spread(s.drawn)
    judge = Judge(shown)
    yield judge.real_alignment()
    told = coded(tokenizer, train.to(device)).to("cpu")
    for name, size in zip(NAMES, s.sizes, strict=True):
        torch.manual_seed(seed)
        model = OneByOne(tokenizer.books, tokenizer.length, size, int(train["states"].shape[-1]), s.dropout)
        yield Measurement(f"{name}.parameters", sum(p.numel() for p in model.parameters()) / 1e6, "million")
        fit(model, Dealt(told, s.batch, seed), fitting(s.painted, seed))
        yield Measurement(f"{name}.loss", _loss(model, asked), "nats", "a code of a picture of an unseen concept")
        text = shown.some.to(device).text
        chance = torch.Generator(device).manual_seed(seed)
        images = decoded(tokenizer, tokenizer.lookup(model.draw(text, s.scale, 0, chance)))
        yield from judge.measured(name, images)


def _loss(model: OneByOne, some: Some, batch: int = 256) -> float:
    cuts = [some.at(slice(at, at + batch)) for at in range(0, len(some), batch)]
    return sum(model.loss(cut) * len(cut) for cut in cuts) / len(some)


def _claims() -> Iterator[Claim]:
    for less, more in (("small", "middle"), ("middle", "large")):
        yield Claim(
            f"loss-{more}",
            f"the {more} model has a lower loss than the {less} one",
            paper="loss falls from 350M over 750M and 3B to 20B parameters (section 4.3)",
            measured="nats a code of pictures of unseen concepts",
            better=f"{more}.loss",
            worse=f"{less}.loss",
            lower=True,
            effect=0.01,
        )
    yield Claim(
        "alignment",
        "pictures of the large model fit their texts better than those of the small one",
        paper="people prefer 20B to 3B for how images match texts (section 4.3)",
        measured="texts that fit less than its own, by limner-pairs",
        better="large.alignment",
        worse="small.alignment",
        effect=2.0,
    )
    yield Claim(
        "fidelity",
        "and are nearer to real pictures",
        paper="zero-shot FID on MS-COCO falls with size to 7.23 with 20B (abstract)",
        measured="kernel distance of EfficientNet-Lite0 features from those of real pictures, x 1000",
        better="large.distance",
        worse="small.distance",
        lower=True,
        effect=50.0,
    )


RECIPE = Recipe(
    slug="parti",
    title="Text-to-image generation as translation, by model size",
    reference="Yu et al. 2022, Scaling Autoregressive Models for Content-Rich Text-to-Image Generation, arXiv 2206.10789",
    claims=list(_claims()),
    settings={
        "smoke": Settings(
            data=("fluent-emoji",), most=300, width=32, depth=1, book=64, steps=4, painted=4, batch=16,
            sizes=(Size(16, 2, 1, 1), Size(24, 2, 1, 1), Size(32, 2, 1, 1)), drawn=12,
        ),
        "laptop": Settings(),
        "gpu": Settings(
            width=512, depth=8, patch=4, book=8192, steps=20_000, painted=20_000, batch=256,
            sizes=(Size(128, 4, 2, 4), Size(256, 8, 4, 8), Size(512, 8, 6, 16)), drawn=640,
        ),
    },
    run=run,
    seeds={"smoke": 1, "laptop": 3, "gpu": 3},
    panels=[
        Panel("By model size", "{row}.{series}", ("loss", "alignment", "distance"), relative=True),
    ],
)  # fmt: skip
