"""TexTok: an image tokenizer that is told the caption, so that its tokens need say only what the caption does not.

Zha et al. 2024, arXiv 2412.05796. The states of a frozen encoder of texts stand beside patches and learned queries in the tokenizer, and beside
tokens and blank patches in the detokenizer (section 3.2); a vanilla diffusion transformer generates the tokens. With as many tokens it
reconstructs and generates better than the same without text, most so with few tokens; few tokens are generated faster.

Here pictures are emoji of 32 x 32 pixels, captions their names, tokens continuous (as a variational autoencoder's). Tokenizers with and
without text have the same blocks, data and steps; a caption's projection is all that is more. Generators are told the text in both cases.
What many tokens cost is shown by a grid of a token for each patch.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch

from limner.experts.device import place
from limner.models.tokenizers import (
    Autoencoder,
    BlockSettings,
    GaussianLatents,
    QueryDecoder,
    QueryEncoder,
    ViTDecoder,
    ViTEncoder,
)
from limner.models.tokenizers.frozen import FrozenStages
from limner.recipes.drawings import Dealt, Drawings, Some, drawings
from limner.recipes.painting import Flowing, Size
from limner.recipes.recipe import Claim, Measurement, Panel, Recipe
from limner.recipes.tokenizing import Judge, Learned, again, decoded, encoded, fitting, looking
from limner.train.trainer import fit


@dataclass(frozen=True)
class Settings:
    """Emoji of `side` pixels, at most `most` of each set (0: all).

    `width`, `depth`  of the encoder and of the decoder of every tokenizer, over patches of `patch` pixels; tokens have `channels`
    `lengths`         tokens of an image, with and without text each
    `steps`, `batch`  of each tokenizer; `painted` steps of each generator of a `size`
    `drawn`           pictures of test texts that are judged, with a guidance of `scale` and `strokes` steps of the flow
    """

    data: tuple[str, ...] = ("fluent-emoji", "noto-emoji", "openmoji")
    side: int = 32
    most: int = 0
    width: int = 128
    depth: int = 2
    patch: int = 8
    channels: int = 8
    lengths: tuple[int, ...] = (2, 8)
    steps: int = 250
    painted: int = 250
    batch: int = 64
    size: Size = field(default_factory=Size)
    drawn: int = 160
    scale: float = 2.0
    strokes: int = 20


def run(settings: Settings, seed: int) -> Iterator[Measurement]:
    """Train each tokenizer and a generator on its tokens; `seed` draws weights, batches and pictures."""
    s = settings
    parts = drawings(s.data, s.side, s.most)
    train, test = parts["train"].some, parts["test"]
    yield Measurement("pictures", len(train), note="that are trained on; no concept of the test part is among them")
    frozen = looking()
    shown = test.spread(s.drawn)
    judge = Judge(shown)
    yield judge.real_alignment()
    text = int(train["states"].shape[-1])
    blocks = BlockSettings(s.width, s.depth, 4, s.patch)
    for length in s.lengths:
        far: list[float] = []
        for told in (False, True):
            # Both begin with the same weights, but for those of the caption, which are drawn last.
            torch.manual_seed(seed)
            wide = text if told else 0
            encoder, decoder = QueryEncoder(blocks, length, wide), QueryDecoder(blocks, length, wide)
            tokenizer = Autoencoder(encoder, GaussianLatents(s.channels), decoder, s.side)
            name = f"{'told' if told else 'plain'}.{length}"
            for found in _measured(s, seed, name, tokenizer, told, train, test, shown, judge, frozen):
                yield found
                far += [found.value] * found.name.endswith(".perceptual")
        yield Measurement(f"gain.{length}", far[0] - far[1], "", "how much smaller the perceptual distance is with text")
    torch.manual_seed(seed)
    grid = Autoencoder(ViTEncoder(blocks), GaussianLatents(s.channels), ViTDecoder(blocks), s.side)
    yield from _measured(s, seed, f"grid.{grid.length}", grid, False, train, test, shown, judge, frozen)


def _measured(
    s: Settings, seed: int, name: str, tokenizer: Autoencoder, told: bool, train: Some, test: Drawings, shown: Drawings, judge: Judge,
    frozen: FrozenStages,
) -> Iterator[Measurement]:  # fmt: skip
    """A tokenizer and a generator on its tokens: how near reconstructions are, what is generated, how fast."""
    device, _ = place()
    fit(Learned(tokenizer, frozen, told=told), Dealt(train, s.batch, seed), fitting(s.steps, seed))
    some = test.some.to(device)
    drawn = decoded(tokenizer, encoded(tokenizer, some, told).vectors_NPC, some.text if told else None)
    yield from again(name, frozen, some.images, drawn)
    vectors = encoded(tokenizer, train.to(device), told).vectors_NPC
    mean, deviation = vectors.mean((0, 1)), vectors.std((0, 1)).clamp(min=1e-4)
    torch.manual_seed(seed)
    generator = Flowing(s.channels, tokenizer.length, s.size, int(train["states"].shape[-1]))
    whole = Some({**train.held, "vectors": ((vectors - mean) / deviation).cpu()})
    fit(generator, Dealt(whole, s.batch, seed), fitting(s.painted, seed))
    text = shown.some.to(device).text
    chance = torch.Generator(device).manual_seed(seed)
    began = time.perf_counter()
    found = generator.draw(text, s.scale, s.strokes, chance) * deviation + mean
    yield Measurement(
        f"{name}.speed", len(found) / (time.perf_counter() - began), "pictures/s", f"tokens generated in {s.strokes} steps"
    )
    yield from judge.measured(name, decoded(tokenizer, found, text if told else None))


def _claims() -> Iterator[Claim]:
    for length in Settings().lengths:
        yield Claim(
            f"reconstruction-{length}",
            f"told the caption, {length} tokens reconstruct nearer pictures",
            paper="FID of reconstructions lower by 29.2 % on the average at 256 pixels (abstract)",
            measured="perceptual distance (EfficientNet-Lite0) of reconstructions of unseen concepts",
            better=f"told.{length}.perceptual",
            worse=f"plain.{length}.perceptual",
            lower=True,
            effect=0.01,
        )
        yield Claim(
            f"generation-{length}",
            f"and what is generated of {length} tokens is nearer to real pictures",
            paper="FID of generation lower by 16.3 % on the average at 256 pixels (abstract)",
            measured="kernel distance of EfficientNet-Lite0 features of pictures of unseen concepts from the real ones, x 1000",
            better=f"told.{length}.distance",
            worse=f"plain.{length}.distance",
            lower=True,
            effect=50.0,
        )
        yield Claim(
            f"alignment-{length}",
            f"and fits its text better, of {length} tokens",
            paper="text-to-image generation is better too (abstract)",
            measured="texts that fit less than its own, by limner-pairs",
            better=f"told.{length}.alignment",
            worse=f"plain.{length}.alignment",
            effect=2.0,
        )
    few, many = Settings().lengths[0], Settings().lengths[-1]
    yield Claim(
        "fewer-tokens",
        f"told the caption, {few} tokens generate pictures nearer to real ones than a grid of 16 does, with the same generator",
        paper="32 tokens outperform the original DiT at 512 pixels (abstract)",
        measured="kernel distance from real pictures, x 1000",
        better=f"told.{few}.distance",
        worse="grid.16.distance",
        lower=True,
        effect=50.0,
    )
    yield Claim(
        "faster",
        f"{few} tokens are generated faster than a grid of 16",
        paper="93.5 times as fast as the original DiT, with 32 tokens at 512 pixels (abstract)",
        measured="pictures a second, all steps of the generator, one batch",
        better=f"told.{few}.speed",
        worse="grid.16.speed",
    )
    yield Claim(
        "few-gain-most",
        f"text helps reconstructions of {few} tokens more than those of {many}",
        paper="the fewer tokens, the more the caption says of an image (section 4)",
        measured="how much smaller the perceptual distance is with text",
        better=f"gain.{few}",
        worse=f"gain.{many}",
        effect=0.01,
    )


RECIPE = Recipe(
    slug="textok",
    title="An image tokenizer that is told the caption",
    reference="Zha et al. 2024, Language-Guided Image Tokenization for Generation, arXiv 2412.05796",
    claims=list(_claims()),
    settings={
        "smoke": Settings(
            data=("fluent-emoji",), most=300, width=32, depth=1, lengths=(1, 2), steps=4, painted=4, batch=16, size=Size(32, 2, 1, 1), drawn=12,
            strokes=3,
        ),
        "laptop": Settings(),
        "gpu": Settings(width=512, depth=8, patch=8, steps=20_000, painted=20_000, batch=256, size=Size(512, 8, 0, 8), drawn=640, strokes=50),
    },
    run=run,
    seeds={"smoke": 1, "laptop": 3, "gpu": 3},
    panels=[
        Panel("Reconstructions by tokens: perceptual distance", "{series}.{row}.perceptual", ("plain", "told")),
        Panel("What is generated, by tokens: distance from real pictures", "{series}.{row}.distance", ("plain", "told")),
    ],
)  # fmt: skip
