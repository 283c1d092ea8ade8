"""Image Regeneration: text-to-image models judged by how near they come to a reference that was described to them.

Meng et al. 2024, arXiv 2411.09449 (the abstract is all that could be had here). GPT-4V describes a reference, the model draws from the description,
and both images are compared, over references of many contents and of many styles; ImageRepainter has the drawing reviewed and the words revised in
rounds. There the order of models is what people say it is.

Here the order is known: one small transformer at several points of its training (`limner.recipes.ladder`). The describer is small too
(`limner.recipes.describing`). References are test pictures, of concepts that the generator was not trained on: rendered emoji of many
contents, and pictures of three makers in equal parts. Images are compared by cosines of EfficientNet-Lite0's features and of
`bundled:limner-pairs`, which looks through the same network: neither is a CLIP or a DINO score. Beside them stand how well an image fits its
prompt by limner-pairs, and the kernel distance of sets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Literal

import numpy as np
import torch

from limner.evaluate.metrics.distributions import kernel
from limner.evaluate.metrics.regeneration import alike, each_ranked, identified, mean_ranked, ranked
from limner.evaluate.statistics.agreement import spearman
from limner.evaluate.statistics.clusters import Floats
from limner.experts.captioner import captioner
from limner.models.heads.vectors import pixels
from limner.models.paint.autoencoder import CompressionSettings
from limner.models.paint.painter import WEIGHTS, load
from limner.recipes.describing import Describer, Looked
from limner.recipes.drawings import Drawings, drawings
from limner.recipes.gains import compared
from limner.recipes.ladder import Draws, LadderSettings, climbed, unlearnt
from limner.recipes.latentdrawings import GOOD, LatentDrawings, latent
from limner.recipes.recipe import Claim, Measurement, Panel, Recipe
from limner.recipes.repainting import repainted

_SETS: tuple[Literal["content", "style"], ...] = ("content", "style")
_MEASURES = {
    "eye": "cosine with the reference by EfficientNet-Lite0",
    "joint": "cosine with the reference by limner-pairs",
    "told": "share of other references that are less like it than its own, by limner-pairs",
    "alignment": "cosine with its prompt by limner-pairs, the baseline",
}


@dataclass(frozen=True)
class Settings:
    """What is drawn and compared.

    `data`       sets of pictures, `most` of each; `references` of each set of references
    `ladder`     the generators
    `eye`        steps in which an autoencoder is trained first, 0 to take that which comes with limner
    `describer`  address of a captioner, "" for the small describer
    `repainted`, `rounds`  references that are repainted, and how often their words are revised; by the transformer that comes with limner
    """

    data: tuple[str, ...] = ("fluent-emoji", "noto-emoji", "openclipart")
    most: int = 1_000
    references: int = 72
    ladder: LadderSettings = field(default_factory=LadderSettings)
    eye: int = 0
    describer: str = ""
    repainted: int = 48
    rounds: int = 3


def run(settings: Settings, seed: int) -> Iterator[Measurement]:
    """Train the ladder, regenerate both sets at each rung, repaint; `seed` draws weights, batches, noise and references."""
    s, shown = settings, latent(settings.data, settings.most, 2, settings.eye)
    describer = _describer(s.data, s.most, s.describer)
    rungs = climbed(s.ladder, shown, seed)
    lost = [unlearnt(dit, shown.test) for dit in rungs]
    for steps, loss in zip(s.ladder.rungs, lost, strict=True):
        yield Measurement(f"{steps}.loss", loss, "", "of the flow on test pictures after so many steps")
    yield Measurement("ladder", spearman([-loss for loss in lost], range(len(lost))), "", "correlation of that loss with steps")
    for name in _SETS:
        texts, reference = _references(describer, s, name, seed)
        yield from _ladder(name, texts, reference, describer, [_draws(shown, s, dit) for dit in rungs], s, seed)
    yield from _repainter(describer, s, seed)


@cache
def _describer(data: tuple[str, ...], most: int, address: str) -> Describer:
    """What describes: its names are those of all pictures, as a language model knows words for what it has not seen."""
    parts = drawings(data, CompressionSettings().side, most)
    names = [_name(text) for part in parts.values() for text in part.texts]
    return Describer(names, parts["train"], captioner(address) if address else None)


def _references(describer: Describer, s: Settings, name: str, seed: int, most: int = 0) -> tuple[list[str], Looked]:
    """Test pictures: `content` those of one maker, `style` as many of each maker. No name twice from one maker."""
    part = drawings(s.data, CompressionSettings().side, s.most)["test"]
    makers = [GOOD.partition("-")[0]] if name == "content" else [each.partition("-")[0] for each in s.data]
    draw, rows = np.random.default_rng([seed, _SETS.index("content" if name == "content" else "style")]), list[int]()
    for maker in makers:
        able = list({text: i for i, text in enumerate(part.texts) if text.endswith(f", {maker}")}.values())
        rows += [able[i] for i in draw.permutation(len(able))[: (most or s.references) // len(makers)]]
    return [part.texts[i] for i in rows], describer.look(pixels(_rows(part, rows)))


def _rows(part: Drawings, rows: Sequence[int]) -> torch.Tensor:
    return part.some.at(list(rows)).images


def _name(text: str) -> str:
    return text.rpartition(", ")[0]


def _draws(shown: LatentDrawings, s: Settings, dit: torch.nn.Module) -> Draws:
    return Draws(dit, shown.autoencoder, shown.drawing, s.ladder.strokes, s.ladder.scale)  # type: ignore[arg-type]


def _ladder(
    name: str, texts: Sequence[str], reference: Looked, describer: Describer, ladder: Sequence[Draws], s: Settings, seed: int
) -> Iterator[Measurement]:
    """Each rung regenerates the references; how each measure ranks the rungs."""
    said = describer.describe(reference)
    right = [one.name == _name(text) for one, text in zip(said, texts, strict=True)]
    maker = [one.maker == text.rpartition(", ")[2] for one, text in zip(said, texts, strict=True)]
    yield Measurement(
        f"{name}.named", 100 * float(np.mean(right)), "%", f"of {len(texts)} references have their own name in the description"
    )
    yield Measurement(f"{name}.maker", 100 * float(np.mean(maker)), "%", "have their own maker in it")
    prompts = describer.told([one.text for one in said])
    scores: dict[str, list[Floats]] = {measure: [] for measure in _MEASURES}
    apart: list[float] = []
    for draws in ladder:
        made = describer.look(draws([one.text for one in said], seed))
        for measure, values in (
            ("eye", alike(made.eye, reference.eye)), ("joint", alike(made.joint, reference.joint)),
            ("told", identified(made.joint, reference.joint)), ("alignment", alike(made.joint, prompts)),
        ):  # fmt: skip
            scores[measure].append(values)
        apart.append(kernel(*(rows * rows.shape[1] ** 0.5 for rows in (made.eye, reference.eye))))
    tables = {measure: np.stack(values, 1) for measure, values in scores.items()}
    yield from _told(name, tables, [_name(text) for text in texts], s)
    for steps, far in zip(s.ladder.rungs, apart, strict=True):
        yield Measurement(f"{name}.kernel.{steps}", 1000 * far, "", "kernel distance by EfficientNet-Lite0, times 1000")
    yield Measurement(
        f"{name}.kernel.rank", spearman([-far for far in apart], range(len(apart))), "", "of the set; no reference has one"
    )


def _told(name: str, tables: Mapping[str, Floats], concepts: Sequence[str], s: Settings) -> Iterator[Measurement]:
    for measure, table in tables.items():
        for steps, value in zip(s.ladder.rungs, table.mean(0), strict=True):
            yield Measurement(f"{name}.{measure}.{steps}", float(value), "", _MEASURES[measure])
        whole, each = ranked(table, concepts), mean_ranked(table, concepts)
        yield Measurement(f"{name}.{measure}.rank", whole.value, "", "Spearman's correlation of rungs' means with their order")
        yield Measurement(f"{name}.{measure}.rank.low", whole.low, "", "lower end of its 95 % interval over concepts")
        yield Measurement(f"{name}.{measure}.each", each.value, "", "mean of single references' correlations")
        yield Measurement(f"{name}.{measure}.each.low", each.low, "", "lower end of its 95 % interval over concepts")
    base = each_ranked(tables["alignment"]).astype(np.float32)
    for measure in ("joint", "eye", "told"):
        pair = each_ranked(tables[measure]).astype(np.float32), base
        yield from compared(f"{name}.{measure}.over", *pair, ("regeneration", "alignment"), "", "single references' correlations")


def _repainter(describer: Describer, s: Settings, seed: int) -> Iterator[Measurement]:
    """Rounds of revision against as many pictures of the first words, by the transformer that comes with limner."""
    painter = load(WEIGHTS)
    draws = Draws(painter.dit, painter.autoencoder, painter.drawing, s.ladder.strokes, s.ladder.scale)
    _, reference = _references(describer, s, "content", seed, s.repainted)
    ways = {
        way: repainted(draws, describer, reference, s.rounds, seed, way == "revised")[0] for way in ("revised", "independent")
    }
    for way, rounds in ways.items():
        for turn, scores in enumerate(rounds):
            yield Measurement(f"{way}.{turn}", float(scores.mean()), "", f"cosine by EfficientNet-Lite0 after {turn} rounds")
    first, last = (np.asarray(ways["revised"][turn], np.float32) for turn in (0, -1))
    rest = np.asarray(ways["independent"][-1], np.float32)
    yield from compared(
        "rounds", last, first, ("last", "first"), "", "cosine by EfficientNet-Lite0 of the picture that is chosen"
    )
    yield from compared("revision", last, rest, ("revised", "independent"), "", "after the last round, as many pictures drawn")


def _claims() -> Iterator[Claim]:
    paper = "no figure in the abstract"
    for name, what in zip(_SETS, ("of many contents", "of many styles"), strict=True):
        yield Claim(
            f"{name}-rank", f"regeneration ranks generators rightly ({what})", paper,
            "Spearman's correlation of the rungs' mean cosines (limner-pairs) with their order, mean of seeds",
            better=f"{name}.joint.rank", at_least=0.8,
        )  # fmt: skip
    for name, measure in ((name, measure) for name in _SETS for measure in ("joint", "eye")):
        by = {"joint": "limner-pairs", "eye": "EfficientNet-Lite0"}[measure]
        yield Claim(
            f"{name}-{measure}", f"and better than agreement with the text ({name}, by {by})", "matching text and image is unreliable (abstract)",
            "single references' correlations with the ladder, paired over references, against text-image cosines by limner-pairs",
            effect=0.1, within=f"{name}.{measure}.over",
        )  # fmt: skip
    yield Claim(
        "rounds", "rounds of review and revision bring pictures nearer to the reference", paper,
        "cosine by EfficientNet-Lite0 of the chosen picture, last round against the first picture, paired over references",
        effect=0.01, within="rounds",
    )  # fmt: skip
    yield Claim(
        "revision", "and nearer than as many pictures of the first words", "not compared in the abstract: our control",
        "cosine by EfficientNet-Lite0 of the picture that the same reviewer chooses, paired over references",
        effect=0.01, within="revision",
    )  # fmt: skip
    yield Claim(
        "published", "the leading models ranked on the authors' two data sets", "content-diverse and style-diverse sets", "the authors' images",
        waits="a captioner of the size of GPT-4V, diffusion models of billions of parameters, and the authors' references",
    )  # fmt: skip


_SMALL = LadderSettings((2, 4, 6), 32, 2, 1, 16, strokes=2)
RECIPE = Recipe(
    slug="image-regeneration",
    title="Image Regeneration: generators ranked by how near they come to a picture they were told of",
    reference="Meng et al. 2024, Image Regeneration: Evaluating Text-to-Image Model via Generating Identical Image with Multimodal Large Language "
    "Models, arXiv 2411.09449",
    claims=list(_claims()),
    settings={
        "smoke": Settings(most=60, references=6, ladder=_SMALL, repainted=4, rounds=1),
        "laptop": Settings(),
        "gpu": replace(
            Settings(), most=0, references=300, repainted=200, ladder=LadderSettings((100, 300, 1_000, 3_000, 10_000), 384, 6, 12, 256, strokes=30)
        ),
    },
    run=run,
    seeds={"smoke": 1, "laptop": 3, "gpu": 3},
    panels=[
        Panel("Correlation with the ladder", "{row}.{series}.rank", ("eye", "joint", "told", "alignment", "kernel")),
        Panel("The same of single references", "{row}.{series}.each", ("eye", "joint", "told", "alignment")),
        Panel("Cosine with the reference by round", "{series}.{row}", ("revised", "independent")),
    ],
)  # fmt: skip
