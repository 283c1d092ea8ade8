"""UNITER: one transformer over words and image regions, pre-trained by hiding one of the two at a time and by aligning them with optimal
transport.

Chen et al. 2019, arXiv 1909.11740: masked words (MLM), masked regions by regression of their features (MRFR), their class (MRC) or the
divergence from a classifier's chances (MRC-kl), image-text matching (ITM), word-region alignment (WRA). What is hidden is told from the
whole of the other side (conditional masking).

Here scenes are composed of real emoji (`limner.recipes.scenes`), so that the region of every word is known. EfficientNet-Lite0 is what
Faster R-CNN is to the paper; MiniLM's frozen vectors of word pieces are what BERT's weights are. Tests are on scenes of concepts never
trained on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from limner.experts.device import place
from limner.models.sequence import IGNORED
from limner.models.tokenizers.blocks import BlockSettings, Stack
from limner.recipes.drawings import Some
from limner.recipes.recipe import Claim, Measurement, Panel, Recipe
from limner.recipes.scenes import MASK, Pictures, Scenes, SceneSettings, composed, pictures, swapped
from limner.train.objectives.distillation import divergence, regression
from limner.train.objectives.language import likelihood
from limner.train.objectives.matching import matching
from limner.train.objectives.transport import alignment, cosine_cost
from limner.train.schedule import Schedule
from limner.train.trainer import Fit, fit

KINDS = {"mlm": "words", "mrfr": "regions", "mrc": "regions", "kl": "regions", "itm": "pairs"}
"""The kind of each task."""

_CANDIDATES = 8  # scenes that a sentence is to be told from
_WRA = 0.1  # how much alignment counts beside matching, as in the authors' code


@dataclass(frozen=True)
class Way:
    """How a model is pre-trained: tasks take turns, a step each."""

    tasks: tuple[str, ...]
    joint: bool = False
    aligned: bool = False


WAYS = {
    "itm": Way(("mlm", "itm")),
    "mrc": Way(("mlm", "itm", "mrc")),
    "mrfr": Way(("mlm", "itm", "mrfr")),
    "kl": Way(("mlm", "itm", "kl")),
    "both": Way(("mlm", "itm", "kl", "mrfr")),
    "joint": Way(("mlm", "itm", "kl", "mrfr"), joint=True),
    "full": Way(("mlm", "itm", "kl", "mrfr"), aligned=True),
}
"""The rows of the paper's table 2 (4 to 10)."""


@dataclass(frozen=True)
class Settings:
    """`most` concepts of `data` (0: all), `tests` scenes of each test, the model's `width`, `depth` and `heads`, `steps` of `batch`
    scenes."""

    data: tuple[str, ...] = ("fluent-emoji", "noto-emoji")
    most: int = 0
    tests: int = 300
    width: int = 128
    depth: int = 3
    heads: int = 4
    steps: int = 300
    batch: int = 64
    rate: float = 1e-3
    ways: tuple[str, ...] = tuple(WAYS)


class Uniter(nn.Module):
    """The model with the heads of all tasks. `features` are standardised over all pictures."""

    features: Tensor
    chances: Tensor
    table: Tensor

    def __init__(self, settings: Settings, of: Pictures, way: Way) -> None:
        super().__init__()
        self.way, width = way, settings.width
        features = torch.from_numpy(of.features)
        for name, value in (
            ("features", (features - features.mean(0)) / features.std(0).clamp(min=1e-4)),
            ("chances", torch.from_numpy(of.chances)),
            ("table", functional.layer_norm(of.table_VE, of.table_VE.shape[-1:])),
        ):
            self.register_buffer(name, value, persistent=False)
        inside = of.table_VE.shape[1]
        self.word, self.order = nn.Linear(inside, width), nn.Parameter(0.02 * torch.randn(64, width))
        self.seen, self.seen_norm = nn.Linear(features.shape[1], width), nn.LayerNorm(width)
        self.place, self.place_norm = nn.Linear(7, width), nn.LayerNorm(width)
        self.sides, self.norm = nn.Parameter(0.02 * torch.randn(2, width)), nn.LayerNorm(width)
        self.stack = Stack(BlockSettings(width, settings.depth, settings.heads))
        self.spell = nn.Sequential(nn.Linear(width, inside), nn.GELU(), nn.LayerNorm(inside))
        self.bias = nn.Parameter(torch.zeros(len(of.table_VE)))
        self.redraw = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width), nn.Linear(width, features.shape[1]))
        self.sort = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width), nn.Linear(width, of.chances.shape[1]))
        self.match = nn.Sequential(nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1))

    def states(self, words_NL: Tensor, present_NL: Tensor, seen_NMF: Tensor, boxes_NM7: Tensor) -> tuple[Tensor, Tensor]:
        """Words and regions in each other's light: N x L x D and N x M x D."""
        words = self.word(self.table[words_NL]) + self.order[: words_NL.shape[1]] + self.sides[0]
        regions = self.seen_norm(self.seen(seen_NMF)) + self.place_norm(self.place(boxes_NM7)) + self.sides[1]
        absent = torch.cat([~present_NL, torch.zeros_like(regions[..., 0], dtype=torch.bool)], 1)
        out = self.stack(self.norm(torch.cat([words, regions], 1)), absent)
        return out[:, : words.shape[1]], out[:, words.shape[1] :]

    def read(self, batch: Some) -> tuple[Tensor, Tensor]:
        """The states of a batch with a task. A hidden region has features of zero, and its place."""
        seen = self.features[batch["rows"]].masked_fill(batch["veiled"][..., None], 0.0)
        return self.states(batch["given"], batch["present"], seen, batch["boxes"])

    def spelt(self, words_TD: Tensor) -> Tensor:
        """Logits over word pieces."""
        return self.spell(words_TD) @ self.table.t() / self.table.shape[1] ** 0.5 + self.bias

    def counts(self, batch: Some) -> dict[str, float]:
        """See `limner.train.trainer.Model`."""
        task = self.way.tasks[int(batch["task"][0])]
        own = {"words": batch["labels"] != IGNORED, "regions": batch["veiled"], "pairs": batch["same"] >= 0}[KINDS[task]]
        told = {name: float(own.sum()) if name == task else 0.0 for name in self.way.tasks}
        return told | ({"wra": told["itm"]} if self.way.aligned else {})

    def forward(self, batch: Some) -> dict[str, Tensor]:
        """See `limner.train.trainer.Model`."""
        words, regions = self.read(batch)
        task, veiled = self.way.tasks[int(batch["task"][0])], batch["veiled"]
        told = {name: words.sum() * 0.0 for name in self.counts(batch)}
        if task == "mlm":
            at = batch["labels"] != IGNORED
            told[task] = likelihood(self.spelt(words[at]), batch["labels"][at])
        elif task == "mrfr":
            told[task] = regression(self.redraw(regions[veiled]), self.features[batch["rows"][veiled]]) / self.features.shape[1]
        elif task == "mrc":
            told[task] = likelihood(self.sort(regions[veiled]), self.chances[batch["rows"][veiled]].argmax(-1))
        elif task == "kl":
            told[task] = divergence(self.sort(regions[veiled]), self.chances[batch["rows"][veiled]])
        else:
            told[task] = matching(self.match(words[:, 0])[:, 0], batch["same"])
            if self.way.aligned:  # pairs are drawn together, what is none is driven apart, as in the authors' code
                far, _ = alignment(words, regions, batch["present"], torch.ones_like(veiled))
                told["wra"] = _WRA * (far * torch.where(batch["same"], 1.0, -1.0)).sum()
        return told


def run(settings: Settings, seed: int) -> Iterator[Measurement]:
    """Pre-train in each way on the same scenes, then test each on scenes that were not trained on."""
    of, scenes = pictures(settings.data, settings.most), SceneSettings()
    draw = np.random.default_rng([seed, 1])
    pools = {"seen": of.part("train"), "unseen": of.part("test")}
    tests = {name: composed(of, pool, settings.tests, scenes, draw) for name, pool in pools.items()}
    yield Measurement("concepts.train", len(of.part("train")))
    yield Measurement("concepts.unseen", len(of.part("test")))
    for name in tests:
        yield Measurement(f"chance.{name}.ot", 100 / scenes.shown, "%", "one region of so many")
    yield Measurement("chance.unseen.retrieval", 100 / _CANDIDATES, "%")
    for name in settings.ways:
        way = WAYS[name]
        torch.manual_seed(seed)
        model = Uniter(settings, of, way)
        batches = Scenes(of, scenes, settings.batch, way.tasks, KINDS, way.joint, seed)
        fit(
            model,
            batches,
            Fit(settings.steps, settings.rate, schedule=Schedule(warm=settings.steps // 10), decay=0.01, seed=seed),
        )
        for part, test in tests.items():
            for figure, value in measured(model, of, test, pools[part], np.random.default_rng([seed, 2])).items():
                yield Measurement(f"{name}.{part}.{figure}", value, "%", _NOTES[figure])


_NOTES = {
    "ot": "word pieces of names whose region the transport plan carries most to is their own",
    "cosine": "the same, by the cosine of states alone",
    "retrieval": f"sentences whose scene is told from {_CANDIDATES - 1} others with one named picture changed, by matching",
    "words": "pieces of a hidden name that are told right",
    "regions": "hidden regions whose likeliest class is the classifier's",
}


@torch.no_grad()
def measured(model: Uniter, of: Pictures, test: Some, concepts: NDArray[np.intp], draw: np.random.Generator) -> dict[str, float]:
    """What a model makes of scenes that it was not trained on, in percent; `concepts` are those that they may show."""
    device, numbers = place()
    test = test.to(device)
    words, present, stands, rows = (test[name] for name in ("words", "present", "stands", "rows"))

    def states(words: Tensor, rows: Tensor, veiled: Tensor | None = None) -> tuple[Tensor, Tensor]:
        seen = model.features[rows] if veiled is None else model.features[rows].masked_fill(veiled[..., None], 0.0)
        with torch.autocast(device.type, numbers, numbers != torch.float32):
            w, r = model.states(words, present, seen, test["boxes"])
        return w.float(), r.float()

    w, r = states(words, rows)
    _, plan = alignment(w, r, present, torch.ones_like(rows, dtype=torch.bool))
    at = stands >= 0
    told = {"ot": plan.argmax(2)[at] == stands[at], "cosine": cosine_cost(w, r).argmin(2)[at] == stands[at]}
    right = model.match(w[:, 0])

    last = stands.amax(1, keepdim=True)  # a named region of each scene, and its words
    own, veiled = stands == last, torch.arange(rows.shape[1], device=device)[None] == last
    told["words"] = model.spelt(states(words.masked_fill(own, MASK), rows)[0][own]).argmax(-1) == words[own]
    if {"mrc", "kl"} & set(model.way.tasks):
        _, r = states(words, rows, veiled)
        told["regions"] = model.sort(r[veiled]).argmax(-1) == model.chances[rows[veiled]].argmax(-1)

    others = [swapped(of, concepts, test, draw).to(device) for _ in range(_CANDIDATES - 1)]
    wrong = torch.cat([model.match(states(words, other)[0][:, 0]) for other in others], 1)
    told["retrieval"] = wrong.amax(1) < right[:, 0]
    return {name: 100 * float(found.float().mean()) for name, found in told.items()}


def _claims() -> Iterator[Claim]:
    table = "Meta-Sum over VQA, retrieval, NLVR2, RefCOCO+"
    yield Claim(
        "alignment", "optimal transport finds the regions of words", "shown as figures of attention, not measured",
        "share of word pieces carried to their own region, unseen concepts, against chance", better="full.unseen.ot", worse="chance.unseen.ot",
        effect=5.0,
    )  # fmt: skip
    yield Claim(
        "transport-beats-cosine", "the plan finds more regions than the cosine of the same states", "not measured",
        "the same share, plan against cosine", better="full.unseen.ot", worse="full.unseen.cosine", effect=1.0,
    )  # fmt: skip
    yield Claim(
        "wra-aligns", "training with WRA aligns words and regions", f"{table}: 400.93 with WRA, 399.97 without", "the same share, with and without",
        better="full.unseen.ot", worse="both.unseen.ot", effect=5.0,
    )  # fmt: skip
    yield Claim(
        "wra-helps", "WRA helps what is done with the model", f"{table}: 400.93 with WRA, 399.97 without", "retrieval of scenes by matching, unseen",
        better="full.unseen.retrieval", worse="both.unseen.retrieval", effect=1.0,
    )  # fmt: skip
    for what, said in (("retrieval", "scenes are told by matching"), ("words", "hidden names are told")):
        yield Claim(
            f"conditional-{what}", f"hiding one side at a time is better than both: {said}", f"{table}: 399.97, with joint masking 396.51",
            f"{what}, unseen concepts, same scenes, tasks and steps", better=f"both.unseen.{what}", worse=f"joint.unseen.{what}", effect=1.0,
        )  # fmt: skip
    for task, paper in (("mrc", 393.97), ("mrfr", 396.24), ("kl", 397.09)):
        yield Claim(
            f"{task}-helps", f"masked regions ({task}) help beside MLM and ITM", f"{table}: {paper}, without 393.04", "retrieval, unseen concepts",
            better=f"{task}.unseen.retrieval", worse="itm.unseen.retrieval", effect=1.0,
        )  # fmt: skip
    yield Claim(
        "kl-over-mrc", "a classifier's chances teach more than its likeliest class", f"{table}: 397.09 and 393.97", "retrieval, unseen concepts",
        better="kl.unseen.retrieval", worse="mrc.unseen.retrieval", effect=1.0,
    )  # fmt: skip


RECIPE = Recipe(
    slug="uniter",
    title="UNITER: words and regions in one transformer, aligned by optimal transport",
    reference="Chen et al. 2019, arXiv 1909.11740 (ECCV 2020)",
    claims=list(_claims()),
    settings={
        "smoke": Settings(
            data=("noto-emoji",), most=120, tests=8, width=32, depth=1, steps=8, batch=4, ways=("both", "joint", "full")
        ),
        "laptop": Settings(),
        "gpu": Settings(width=512, depth=8, heads=8, steps=20_000, batch=512),
    },
    run=run,
    seeds={"smoke": 1, "laptop": 3, "gpu": 3},
    panels=[
        Panel("Word pieces whose region is found, unseen concepts (%)", "{row}.unseen.{series}", ("ot", "cosine")),
        Panel("Scenes told, hidden names told, unseen concepts (%)", "{row}.unseen.{series}", ("retrieval", "words")),
    ],
)
