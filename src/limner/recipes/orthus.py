"""Orthus: one autoregressive backbone for words and continuous image features, with a head for words and a diffusion head for features.

Kou et al. 2024, arXiv 2412.00127. It is built from a model that reads and writes codes (Chameleon): quantisation gives way to a soft alternative,
a mixture of the codes' embeddings, a diffusion head writes features in place of codes, and the added modules are tuned before all is.
What is claimed is that understanding and generation lose less so than with hard codes.

Here pictures are emoji of 32 x 32 pixels, words are their names. A tokenizer with a codebook is trained, and a model on its codes; then its
encoder is kept. From there on `hard` goes on as it was, `soft` is Orthus, and `new` is Orthus with an entry that begins at random in place of
the mixture; each with as many steps on the same batches, and as many weights but for a few percent. The decoder of images is tuned on codes and
on features with as many steps. Each picture comes before its name and after it, so that both directions and pictures without words are learnt.
What is named and drawn are pictures that were held out, most of them of concepts that are trained on in another tone.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

import torch
from torch import nn

from limner.models.decoder import Decoder, DecoderSettings
from limner.models.decoding import Control
from limner.models.heads.codes import CodesHead, TokenizedCodes
from limner.models.heads.soft_embedding import SoftEmbedding
from limner.models.heads.token_diffusion import TokenDiffusionHead, TokenDiffusionSettings
from limner.models.heads.vectors import TokenizedVectors
from limner.models.interleaved import Interleaved
from limner.models.tokenizers import Autoencoder, BlockSettings
from limner.models.tokenizers.frozen import frozen_stages
from limner.models.vocabulary import Vocabulary
from limner.recipes.drawings import Drawings, drawings
from limner.recipes.features import Making, Tokenizers, apart
from limner.recipes.gains import compared
from limner.recipes.likelihoods import Floats
from limner.recipes.naming import Reading, drawing, drawn, naming
from limner.recipes.recipe import Claim, Measurement, Panel, Recipe
from limner.recipes.tokenizing import Judge, closeness
from limner.train.batches import Held, Packing
from limner.train.objectives.diffusion import flow
from limner.train.objectives.perceptual import psnr
from limner.train.schedule import Schedule
from limner.train.trainer import Fit, fit

WAYS = ("hard", "soft", "new")


@dataclass(frozen=True)
class Settings:
    """Emoji of `side` pixels, at most `most` of each set (0: all); `vocabulary` word pieces.

    `made`                  how tokenizers are made
    `decoder`, `head`       the backbone; width and layers of the diffusion head
    `tokens`, `rate`        of a batch of sequences; `begun` batches on codes, then `added` of the modules alone that are new, and `all` of everything
    `asked`, `others`       pictures that are left out of training: they are named, and drawn of their names; each is told from so many others
    `scales`, `strokes`     of guidance; steps of the flow of each feature
    `ways`                  that are trained
    """

    data: tuple[str, ...] = ("fluent-emoji",)
    side: int = 32
    most: int = 0
    vocabulary: int = 768
    made: Making = field(default_factory=Making)
    decoder: DecoderSettings = field(default_factory=lambda: DecoderSettings(128, 4, 4, 4, 344))
    head: tuple[int, int] = (80, 2)
    tokens: int = 512
    rate: float = 3e-3
    begun: int = 600
    added: int = 100
    all: int = 300
    scales: tuple[float, ...] = (1.0, 3.0)
    strokes: int = 8
    asked: int = 120
    others: int = 15
    ways: tuple[str, ...] = WAYS[:2]


def run(settings: Settings, seed: int) -> Iterator[Measurement]:
    """Train a model on codes, and from it each way; `seed` draws their weights, batches and what is drawn."""
    s = settings
    train, test, kept = material(s)
    yield Measurement("pictures", len(train.texts), note="that are trained on")
    judge = Judge(test)
    yield judge.real_alignment()
    again = kept.again(test)
    for way, images in again.items():
        for key, value in judge(images).items():
            yield Measurement(
                f"{way}.again.{key}", value, "%" if key == "alignment" else "", "of reconstructions: what drawing could come to"
            )
        perceived = closeness(frozen_stages((0, 2, 4, 10), 1.0), test.some.images, images)["perceptual"]
        yield Measurement(f"{way}.perceptual", perceived, "", "distance of reconstructions of held-out pictures")
    near = [psnr(again[way], test.some.images).numpy() for way in ("soft", "hard")]
    yield from compared("again", near[0], near[1], ("soft", "hard"), "dB", "of reconstructions of held-out pictures")
    vocabulary = Vocabulary.learnt(train.texts, s.vocabulary)
    hard = on_codes(s, kept.hard, vocabulary)
    warm = Schedule("constant", max(s.begun // 10, 1))
    fit(hard, _batches(s, hard, kept, vocabulary, train, seed), Fit(s.begun, s.rate, schedule=warm, log=s.begun, seed=seed))
    models = {
        "hard": hard.cpu(),
        **{way: on_features(s, hard.cpu(), kept, vocabulary, way == "soft", seed) for way in s.ways[1:]},
    }
    read: dict[str, Floats] = {}
    for way, model in models.items():
        yield Measurement(f"{way}.parameters", sum(p.numel() for p in model.parameters()) / 1e6, "million")
        _trained(s, model, way, kept, vocabulary, train, seed)
        reading = Reading(model, vocabulary, test)
        read[way] = reading.nats()
        found = reading.fits(s.others, seed)
        yield Measurement(
            f"{way}.reading", float(found.mean()), "%", "of other names that the picture makes less likely; 50 is chance"
        )
        for scale in s.scales if way != "new" else s.scales[:1]:
            control = Control(0, least=1, most=1, text_guidance=scale, steps=s.strokes, seed=seed)
            yield from judge.measured(way, drawn(model, vocabulary, test, control), f".{scale:g}")
    for way in (way for way in s.ways if way != "soft"):
        pair = read["soft"], read[way]
        yield from compared(f"names.{way}", *pair, ("soft", way), "nats", "a token of a held-out picture's name", lower=True)


@cache
def material(s: Settings) -> tuple[Drawings, Drawings, Tokenizers]:
    """What all seeds share: pictures to train on, pictures held out, the tokenizers."""
    train, test = apart(drawings(s.data, s.side, s.most)["train"], s.asked)
    return train, test, Tokenizers(s.made, train, s.side)


def on_codes(s: Settings, tokenizer: Autoencoder, vocabulary: Vocabulary) -> Interleaved:
    codes = TokenizedCodes(tokenizer)
    assert tokenizer.grid is not None
    head = CodesHead(codes, vocabulary.size, tokenizer.grid)
    return Interleaved(Decoder(s.decoder), head, vocabulary.marks, vocabulary.size + codes.entries, tied=False)


def on_features(s: Settings, hard: Interleaved, kept: Tokenizers, vocabulary: Vocabulary, soft: bool, seed: int) -> Interleaved:
    """The model on codes with a diffusion head, and features that enter as mixtures of its codes' embeddings, or by a layer that is new."""
    torch.manual_seed(seed)
    assert hard.words is not None
    assert hard.head is not None
    assert kept.soft.grid is not None
    size = vocabulary.size
    enter = SoftEmbedding(kept.entries_VC, hard.words.weight[size:], kept.spread) if soft else _entry(s)
    vectors = TokenizedVectors(kept.soft, *kept.spread)
    head = TokenDiffusionHead(
        TokenDiffusionSettings(s.made.channels, s.decoder.width, *s.head), vectors, kept.soft.grid, flow, enter=enter
    )
    model = Interleaved(copy.deepcopy(hard.backbone), head, vocabulary.marks, size, tied=False)
    assert model.words is not None
    assert model.head is not None
    with torch.no_grad():
        model.words.weight.copy_(hard.words.weight[:size])
        model.head.weight.copy_(hard.head.weight[:size])
    return model


def _entry(s: Settings) -> nn.Module:
    """Two layers with as many weights as the mixture has."""
    hidden = s.made.entries * (s.made.channels + s.decoder.width) // (s.made.channels + s.decoder.width + 1)
    return nn.Sequential(nn.Linear(s.made.channels, hidden), nn.SiLU(), nn.Linear(hidden, s.decoder.width))


def _trained(
    s: Settings, model: Interleaved, way: str, kept: Tokenizers, vocabulary: Vocabulary, train: Drawings, seed: int
) -> None:  # fmt: skip
    """As many steps for each: what is new first, where something is, then all."""
    batches = _batches(s, model, kept, vocabulary, train, seed + 1)
    warm = max(s.all // 10, 1)
    new = [] if way == "hard" else [p for name, p in model.named_parameters() if not name.startswith("image.")]
    for weight in new:
        weight.requires_grad_(False)
    first = Fit(s.added, s.rate, schedule=Schedule("constant", max(s.added // 10, 1)), log=s.added, seed=seed)
    fit(model, batches, first)
    for weight in new:
        weight.requires_grad_(True)
    fit(model, batches, Fit(s.all, s.rate, schedule=Schedule("cosine", warm), log=s.all, seed=seed))


def _batches(s: Settings, model: Interleaved, kept: Tokenizers, vocabulary: Vocabulary, train: Drawings, seed: int) -> Packing:
    """Each picture after its name, and before it."""
    coded = isinstance(model.image, CodesHead)
    read = list(kept.codes(train, vocabulary.size) if coded else kept.features(train))
    after = [drawing(vocabulary, text, piece) for piece, text in zip(read, train.texts, strict=True)]
    before = [naming(vocabulary, piece, text) for piece, text in zip(read, train.texts, strict=True)]
    return Packing(Held([*after, *before], seed), s.tokens, channels=0 if coded else s.made.channels, seed=seed)


def _claims() -> Iterator[Claim]:
    lost = "continuous treatment of visual signals minimizes the information loss (abstract)"
    bench = "GenEval 0.58 and MME-P 1265.8 with 7B parameters, ahead of Chameleon's and Show-o's (abstract)"
    yield Claim(
        "loss", "features reconstruct nearer pictures than their codes do", lost,
        "dB of reconstructions of held-out pictures, paired over pictures", within="again", effect=0.2,
    )  # fmt: skip
    yield Claim(
        "understanding-names", "a model that reads features finds pictures' names likelier than one that reads codes", bench,
        "nats a token of names of held-out pictures, paired over pictures", within="names.hard", effect=0.05,
    )  # fmt: skip
    yield Claim(
        "understanding-choice", "and tells a picture's name from others better", bench,
        "names that a picture makes less likely than its own, %", "soft.reading", "hard.reading", effect=2.0,
    )  # fmt: skip
    for scale in Settings().scales:
        led = "without guidance" if scale == 1 else f"with a guidance of {scale:g}"
        yield Claim(
            f"generation-distance-{scale:g}", f"pictures drawn as features are nearer to real ones than those drawn as codes, {led}", bench,
            "kernel distance of EfficientNet-Lite0 features, x 1000", f"soft.distance.{scale:g}", f"hard.distance.{scale:g}", lower=True, effect=50.0,
        )  # fmt: skip
        yield Claim(
            f"generation-alignment-{scale:g}", f"and fit their names better, {led}", bench, "texts that fit less than its own, by limner-pairs, %",
            f"soft.alignment.{scale:g}", f"hard.alignment.{scale:g}", effect=2.0,
        )  # fmt: skip
    start = "the soft alternative to VQ makes a base model effortlessly, within 72 A100 hours (abstract)"
    yield Claim(
        "start-names", "the soft start reads better than an entry that begins at random", start,
        "nats a token of names of held-out pictures, paired over pictures", within="names.new", effect=0.05,
    )  # fmt: skip
    yield Claim(
        "start-distance", "and draws nearer to real pictures", start, "kernel distance from real pictures without guidance, x 1000",
        "soft.distance.1", "new.distance.1", lower=True, effect=50.0,
    )  # fmt: skip


RECIPE = Recipe(
    slug="orthus",
    title="Orthus: words and continuous features from one backbone, against hard codes",
    reference="Kou et al. 2024, Orthus: Autoregressive Interleaved Image-Text Generation with Modality-Specific Heads, arXiv 2412.00127",
    claims=list(_claims()),
    settings={
        "smoke": Settings(
            data=("fluent-emoji",), most=300, vocabulary=300, made=Making(BlockSettings(32, 1, 2, 8), 64, 8, 4, 16, 2),
            decoder=DecoderSettings(32, 1, 2, 2, 64), head=(16, 1), tokens=512, begun=3, added=2, all=2, scales=(1.0, 3.0), strokes=2,
            asked=12, others=3, ways=WAYS,
        ),
        "laptop": Settings(),
        "gpu": Settings(
            side=64, vocabulary=4_096, made=Making(BlockSettings(512, 8, 8, 8), 4_096, 16, 20_000, 256, 5_000),
            decoder=DecoderSettings(1_024, 16, 16, 8, 2_816), head=(1_024, 3), tokens=32_768, rate=6e-4, begun=20_000, added=2_000, all=10_000,
            strokes=50, asked=640, ways=WAYS,
        ),
    },
    run=run,
    seeds={"smoke": 1, "laptop": 3, "gpu": 3},
    panels=[
        Panel("Drawn pictures by guidance: distance from real ones", "{series}.distance.{row}", WAYS[:2]),
        Panel("Drawn pictures by guidance: texts that fit less, %", "{series}.alignment.{row}", WAYS[:2]),
    ],
)  # fmt: skip
