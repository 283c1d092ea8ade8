"""Instella-T2I: an image is a short line of binary vectors, and generators of two kinds draw them.

Wang et al. 2025, arXiv 2506.21022. The tokenizer is a transformer whose learned queries gather an image (1-D), each of which becomes 64 bits
in place of one entry of a codebook (section 3.1); 128 tokens draw an image for which usual 2-D codebooks take 1,024 to 4,096. A diffusion
transformer takes noise off all bits at once, another predicts the bits of one token after the other.

Here pictures are emoji of 32 x 32 pixels, all tokenizers are of the same blocks and are trained alike, and so are all generators of a kind.
Baselines: a codebook over patches (2-D), with four times as many tokens and with as many; the same 1-D tokenizer with a codebook.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch

from limner.experts.device import place
from limner.models.tokenizers import (
    Autoencoder,
    BinaryQuantiser,
    BinarySettings,
    BlockSettings,
    CodebookSettings,
    QueryDecoder,
    QueryEncoder,
    VectorQuantiser,
    ViTDecoder,
    ViTEncoder,
    counts,
    perplexity,
)
from limner.models.tokenizers.frozen import FrozenStages
from limner.recipes.drawings import Dealt, Drawings, Some, drawings
from limner.recipes.painting import AllAtOnce, OneByOne, Size
from limner.recipes.recipe import Claim, Measurement, Panel, Recipe
from limner.recipes.tokenizing import Judge, Learned, again, coded, decoded, encoded, fitting, looking
from limner.train.trainer import fit


@dataclass(frozen=True)
class Settings:
    """Emoji of `side` pixels, at most `most` of each set (0: all).

    `width`, `depth`  of the encoder and of the decoder of every tokenizer, over patches of `patch` pixels
    `lengths`         tokens of an image in 1-D; generators take the last
    `bits`, `book`    of a binary token, and entries of a codebook
    `steps`, `batch`  of each tokenizer; `painted` steps of each generator of a `size`
    `drawn`           pictures of test texts that are judged, with a guidance of `scale` and `strokes` steps of diffusion
    """

    data: tuple[str, ...] = ("fluent-emoji", "noto-emoji", "openmoji")
    side: int = 32
    most: int = 0
    width: int = 128
    depth: int = 2
    patch: int = 8
    lengths: tuple[int, ...] = (2, 4)
    bits: int = 64
    book: int = 1024
    steps: int = 250
    painted: int = 250
    batch: int = 64
    size: Size = field(default_factory=Size)
    drawn: int = 160
    scale: float = 3.0
    strokes: int = 20


def run(settings: Settings, seed: int) -> Iterator[Measurement]:
    """Train all tokenizers, then a generator of each kind on the 1-D ones; `seed` draws weights, batches and pictures."""
    parts = drawings(settings.data, settings.side, settings.most)
    train, test = parts["train"].some, parts["test"]
    yield Measurement("pictures", len(train), note="that are trained on; no concept of the test part is among them")
    frozen = looking()
    shown = test.spread(settings.drawn)
    judge = Judge(shown)
    yield judge.real_alignment()
    for name, tokenizer in _tokenizers(settings, seed).items():
        fit(Learned(tokenizer, frozen), Dealt(train, settings.batch, seed), fitting(settings.steps, seed))
        yield Measurement(f"{name}.tokens", tokenizer.length, "tokens", "of a picture")
        yield from _kept(name, tokenizer, test, frozen)
        if name in ("grid.fine", "line.onehot", "line.binary"):
            yield from _painted(settings, seed, name, tokenizer, train, shown, judge)


def _tokenizers(settings: Settings, seed: int) -> dict[str, Autoencoder]:
    """By name, in the order of training."""
    s, last = settings, settings.lengths[-1]
    blocks = BlockSettings(s.width, s.depth, 4, s.patch)
    coarse = BlockSettings(s.width, s.depth, 4, 2 * s.patch)
    torch.manual_seed(seed)

    def codes() -> VectorQuantiser:
        return VectorQuantiser(CodebookSettings(s.book, decay=0.95, revive=0.1))

    def bits() -> BinaryQuantiser:
        return BinaryQuantiser(BinarySettings(s.bits, 1, "bernoulli"))

    made = {
        "grid.fine": Autoencoder(ViTEncoder(blocks), codes(), ViTDecoder(blocks), s.side),
        "grid.coarse": Autoencoder(ViTEncoder(coarse), codes(), ViTDecoder(coarse), s.side),
        "line.onehot": Autoencoder(QueryEncoder(blocks, last), codes(), QueryDecoder(blocks, last), s.side),
        "line.binary": Autoencoder(QueryEncoder(blocks, last), bits(), QueryDecoder(blocks, last), s.side),
    }
    for length in s.lengths[:-1]:
        made[f"line.binary.{length}"] = Autoencoder(QueryEncoder(blocks, length), bits(), QueryDecoder(blocks, length), s.side)
    return made


def _kept(name: str, tokenizer: Autoencoder, test: Drawings, frozen: FrozenStages) -> Iterator[Measurement]:
    """How near reconstructions of unseen concepts are, and how many codes are in use."""
    device, _ = place()
    some = test.some.to(device)
    latents = encoded(tokenizer, some)
    yield from again(name, frozen, some.images, decoded(tokenizer, latents.vectors_NPC))
    assert latents.codes_NPG is not None
    used = [perplexity(c) for c in counts(latents.codes_NPG.cpu(), tokenizer.books)]
    yield Measurement(
        f"{name}.used", sum(used) / len(used), f"of {tokenizer.books[0]}", "perplexity of the use of codes, mean over books"
    )


def _painted(
    settings: Settings, seed: int, name: str, tokenizer: Autoencoder, train: Some, shown: Drawings, judge: Judge
) -> Iterator[Measurement]:
    """Generators on the codes of a tokenizer: what they draw of test texts, and how fast. Only the first kind on a 2-D grid."""
    s = settings
    device, _ = place()
    told = coded(tokenizer, train.to(device)).to("cpu")
    torch.manual_seed(seed)
    text = int(train["states"].shape[-1])
    kinds: dict[str, OneByOne | AllAtOnce] = {"ar": OneByOne(tokenizer.books, tokenizer.length, s.size, text)}
    if name.startswith("line"):
        kinds["diffusion"] = AllAtOnce(tokenizer.books, tokenizer.length, s.size, text)
    for kind, generator in kinds.items():
        fit(generator, Dealt(told, s.batch, seed), fitting(s.painted, seed))
        chance = torch.Generator(device).manual_seed(seed)
        began = time.perf_counter()
        drawn = generator.draw(shown.some.to(device).text, s.scale, s.strokes, chance)
        images = decoded(tokenizer, tokenizer.lookup(drawn))
        yield Measurement(f"{name}.{kind}.speed", len(images) / (time.perf_counter() - began), "pictures/s", "drawn in one batch")
        yield from judge.measured(f"{name}.{kind}", images)


def _claims() -> Iterator[Claim]:
    yield Claim(
        "fewer-tokens",
        "binary tokens in 1-D draw a picture as near as four times as many entries of a codebook in 2-D",
        paper="128 tokens for up to 1024 x 1024 pixels, 32 times fewer than usual VQ (abstract)",
        measured="PSNR of reconstructions of unseen concepts: 4 tokens of 64 bits, 16 tokens of a book of 1,024",
        better="line.binary.psnr",
        worse="grid.fine.psnr",
        effect=0.5,
    )
    yield Claim(
        "one-dimension",
        "with as many tokens and one codebook, 1-D is nearer than 2-D",
        paper="1-D latents need no grid, and so fewer tokens (abstract)",
        measured="PSNR of reconstructions, 4 tokens of a book of 1,024 each",
        better="line.onehot.psnr",
        worse="grid.coarse.psnr",
        effect=0.3,
    )
    yield Claim(
        "binary-nearer",
        "with as many tokens, binary ones draw nearer pictures than one-hot ones",
        paper="binary vectors keep details that one-hot tokens lose (abstract)",
        measured="PSNR of reconstructions of unseen concepts, 4 tokens each",
        better="line.binary.psnr",
        worse="line.onehot.psnr",
        effect=0.5,
    )
    for kind, words in (("diffusion", "by diffusion"), ("ar", "one token after the other")):
        yield Claim(
            f"binary-{kind}",
            f"with as many tokens, what is generated {words} is nearer to real pictures with binary tokens",
            paper="diffusion and autoregressive models are competitive with 128 tokens (abstract)",
            measured="kernel distance of EfficientNet-Lite0 features of pictures of unseen concepts from the real ones, x 1000",
            better=f"line.binary.{kind}.distance",
            worse=f"line.onehot.{kind}.distance",
            lower=True,
            effect=50.0,
        )
        yield Claim(
            f"binary-{kind}-alignment",
            f"and fits its text better, {words}",
            paper="diffusion and autoregressive models are competitive with 128 tokens (abstract)",
            measured="texts that fit less than its own, by limner-pairs",
            better=f"line.binary.{kind}.alignment",
            worse=f"line.onehot.{kind}.alignment",
            effect=2.0,
        )
    yield Claim(
        "faster",
        "fewer tokens are generated faster",
        paper="marked improvements in speed of inference (abstract)",
        measured="pictures a second, one token after the other: 4 binary tokens in 1-D, 16 in 2-D",
        better="line.binary.ar.speed",
        worse="grid.fine.ar.speed",
    )


RECIPE = Recipe(
    slug="instella-t2i",
    title="Lines of binary tokens for text-to-image generation",
    reference="Wang et al. 2025, Instella-T2I: Pushing the Limits of 1D Discrete Latent Space Image Generation, arXiv 2506.21022",
    claims=list(_claims()),
    settings={
        "smoke": Settings(
            data=("fluent-emoji",), most=300, width=32, depth=1, lengths=(2, 4), bits=8, book=64, steps=4, painted=4, batch=16,
            size=Size(32, 2, 1, 1), drawn=12, strokes=3,
        ),
        "laptop": Settings(),
        "gpu": Settings(
            width=512, depth=8, patch=4, lengths=(4, 8, 16), book=4096, steps=20_000, painted=20_000, batch=256, size=Size(512, 8, 4, 8), drawn=640,
            strokes=50,
        ),
    },
    run=run,
    seeds={"smoke": 1, "laptop": 3, "gpu": 3},
    panels=[
        Panel("How near reconstructions of two dimensions are (dB)", "grid.{row}.{series}", ("psnr",)),
        Panel("How near reconstructions of one dimension are (dB)", "line.{row}.{series}", ("psnr",)),
        Panel("What is generated one by one: distance from real pictures", "line.{row}.ar.{series}", ("distance",)),
        Panel("What is generated by diffusion: distance from real pictures", "line.{row}.diffusion.{series}", ("distance",)),
    ],
)  # fmt: skip
