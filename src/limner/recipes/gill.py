"""GILL: a frozen language model whose [IMG] tokens find pictures, or tell a generator of images what to draw.

Koh et al. 2023, arXiv 2305.17216. What is trained: the embeddings of a few [IMG] tokens, a mapper from their states to the text space of a generator
(by squared distance to what the generator's own encoder says of the caption; the generator is never run), a map to the space in which pictures
are found (by contrast), that [IMG] follows a caption, and a decision whether to find or to draw. It is trained on captions only; what is
asked of it are dialogues.

Here the language model is SmolLM2-135M; pictures are found in the space of `bundled:limner-pairs`; a generator is told sentences of MiniLM.
No picture is drawn: what a generator would be told is compared with the true picture in that space, which has a tower over MiniLM's sentences. A
dialogue gives a real caption of a concept that nothing was trained on a third at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from limner.experts.device import place
from limner.experts.encoder import unit
from limner.experts.language_local import bundled as language
from limner.experts.onnx import Floats
from limner.experts.pairs.encoder import TEXTS, WEIGHTS
from limner.experts.pairs.towers import Tower, load
from limner.experts.text_encoder import text_encoder
from limner.models.backbone import HubBackbone, frozen
from limner.models.heads.mapper import MapperSettings
from limner.recipes.deciding import crossed
from limner.recipes.drawings import Dealt, Some
from limner.recipes.gains import compared
from limner.recipes.marked import TOLD, Heads, Marked, Reader, read
from limner.recipes.pairing import ranks
from limner.recipes.pictured import Pictured, pictured
from limner.recipes.recipe import Claim, Measurement, Panel, Recipe
from limner.train.batches import Held, Packing
from limner.train.schedule import Schedule
from limner.train.trainer import Fit, fit

_WORDS = 16  # of a caption at most
_TURNS = 3


@dataclass(frozen=True)
class Settings:
    """`data`, `most`: sets of pairs, and pairs of each. `marks` are the [IMG] tokens. First all is trained together, `together` batches of `tokens`;
    then mapper and retrieval alone, `apart` batches of `batch` captions, on states that are kept. `asked` are test pictures of each set at most."""

    data: tuple[str, ...] = ("fluent-emoji", "noto-emoji", "openclipart", "skimage-doc", "sklearn-doc")
    most: int = 1500
    marks: int = 4
    tokens: int = 800
    together: int = 70
    batch: int = 256
    apart: int = 400
    rate: float = 1e-3
    asked: int = 250
    mapper: MapperSettings = field(default_factory=lambda: MapperSettings(576, TOLD, inside=256, hidden=1024))


def thirds(caption: str, turns: int) -> list[str]:
    """The first `turns` thirds of a caption, by words."""
    return [" ".join(part) for part in np.array_split(np.array(caption.split(), object), _TURNS)[:turns]]


def dialogue(caption: str, turns: int) -> str:
    """The first `turns` thirds of a caption, as answers.

    >>> print(dialogue("man detective medium skin tone", 2))
    Q: What is in the picture?
    A: man detective
    Q: What else?
    A: medium skin
    """
    asked = ["What is in the picture?", *["What else?"] * (turns - 1)]
    return "\n".join(f"Q: {question}\nA: {part}" for question, part in zip(asked, thirds(caption, turns), strict=True))


def run(settings: Settings, seed: int) -> Iterator[Measurement]:
    """Train in two stages, then ask with longer and longer dialogues; `seed` draws weights, order and which pictures are asked for."""
    sets = [pictured(name, settings.most, _WORDS) for name in settings.data]
    concepts = {concept: n for n, concept in enumerate(sorted({c for held in sets for c in held.concepts}))}
    train = [(held, row) for held in sets for row in held.part("train")]
    texts = [held.texts[row] for held, row in train]
    some = _targets(train, texts, concepts)
    found = language("smollm2-135m")
    backbone = HubBackbone(found.model)
    frozen(backbone)
    reader = Reader(found.tokenizer, settings.marks)
    torch.manual_seed(seed)
    model = Marked(backbone, settings.mapper, settings.marks)
    beside = torch.cat([some["told"], some["joint"], some["concept"][:, None]], 1).numpy()
    source = Held([reader(text, row) for text, row in zip(texts, beside, strict=True)], seed)
    warm = Schedule(warm=max(settings.together // 10, 1))
    ended = fit(
        model,
        Packing(source, settings.tokens, seed=seed),
        Fit(settings.together, settings.rate, schedule=warm, log=10, seed=seed),
    )
    yield Measurement("pairs", len(texts), note="captions of concepts that are trained on")
    trained = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    yield Measurement("trained", trained / 1e6, "M", "weights; those of the language model are 135 M")
    yield Measurement("place", ended.losses["place"], "nats", "that [IMG] follows a caption, at the end of the first stage")
    kept = Some({**some.held, "state": read(model, reader, texts)})
    # Both begin anew, so that the layer has as many steps as the mapper.
    shapes = {"mapper": settings.mapper, "linear": replace(settings.mapper, depth=0, tokens=settings.marks)}
    heads = {name: Heads(shape, settings.marks) for name, shape in shapes.items()}
    for name, each in heads.items():
        given = Fit(settings.apart, settings.rate, schedule=Schedule(warm=max(settings.apart // 10, 1)), log=50, seed=seed)
        told = fit(each, Dealt(kept, min(settings.batch, len(kept)), seed), given).losses["told"]
        yield Measurement(f"distance.{name}", told, note="squared distance to MiniLM's sentence at the end of training")
    model.heads = heads["mapper"]
    tower = load(WEIGHTS)[1]
    asked = _asked(sets, settings, seed)
    yield Measurement("asked", sum(map(len, asked.values())), note="captions of other concepts")
    yield from _contexts(model, heads, reader, tower, asked)
    yield from _decided(model, reader, tower, sets, asked, seed)


def _targets(pairs: Sequence[tuple[Pictured, np.intp]], texts: Sequence[str], concepts: Mapping[str, int]) -> Some:
    joint = np.stack([held.joint[row] for held, row in pairs])
    number = np.array([concepts[held.concepts[row]] for held, row in pairs], np.float32)
    told = text_encoder(TEXTS).embed(texts)
    return Some({name: torch.from_numpy(rows) for name, rows in (("told", told), ("joint", joint), ("concept", number))})


def _asked(sets: Sequence[Pictured], settings: Settings, seed: int) -> dict[str, list[tuple[Pictured, int]]]:
    """Test pictures of each set whose captions have a word for each turn."""
    draw = np.random.default_rng([seed, 1])
    rows = {held.name: [i for i in draw.permutation(held.part("test")) if len(held.texts[i].split()) >= _TURNS] for held in sets}
    return {held.name: [(held, int(i)) for i in rows[held.name][: settings.asked]] for held in sets if len(rows[held.name]) > 1}


@torch.inference_mode()
def _told(heads: Heads, states: Tensor, tower: Tower) -> Floats:
    """What a generator would be told, in the pictures' space."""
    device = place()[0]
    return tower(unit(heads.mapper(states.to(device))[:, 0].float().cpu().numpy()))


def _contexts(
    model: Marked, heads: Mapping[str, Heads], reader: Reader, tower: Tower, asked: Mapping[str, Sequence[tuple[Pictured, int]]]
) -> Iterator[Measurement]:
    """How near what is told is to the true picture, by turns of the dialogue, and by the caption alone."""
    every = [pair for pairs in asked.values() for pair in pairs]
    captions = [held.texts[row] for held, row in every]
    truth = np.stack([held.joint[row] for held, row in every])
    contexts = {"caption": captions} | {str(n): [dialogue(text, n) for text in captions] for n in range(1, _TURNS + 1)}
    answers = {
        name: captions if name == "caption" else [" ".join(thirds(text, int(name))) for text in captions] for name in contexts
    }
    near: dict[str, Floats] = {}
    for name, texts in contexts.items():
        states = read(model, reader, texts)
        ways = {way: _told(each, states, tower) for way, each in heads.items()}
        ways["encoder"] = tower(text_encoder(TEXTS).embed(texts))
        ways["answers"] = tower(text_encoder(TEXTS).embed(answers[name]))
        with torch.inference_mode():
            ways["found"] = model.heads.retrieval.queries(states.to(model.marks.device)).cpu().numpy()
        for way, rows in ways.items():
            near[f"{way}.{name}"] = (rows * truth).sum(1)
            recall = 100 * float(np.mean(ranks(rows, truth, captions) < 10))
            yield Measurement(
                f"near.{name}.{way}",
                float(near[f"{way}.{name}"].mean()),
                note="cosine with the true picture in limner-pairs' space",
            )
            yield Measurement(f"recall.{name}.{way}", recall, "%", f"recall@10 among {len(truth)} pictures")
    last = str(_TURNS)
    for key, better, worse in (
        ("grows", f"mapper.{last}", "mapper.1"), ("encoder", f"mapper.{last}", f"encoder.{last}"),
        ("answers", f"mapper.{last}", f"answers.{last}"), ("caption", "encoder.caption", "mapper.caption"),
        ("linear", "mapper.caption", "linear.caption"),
    ):  # fmt: skip
        yield from compared(key, near[better], near[worse], (better, worse), what="cosine with the true picture")
    gains = [near[f"{way}.{last}"] - near[f"{way}.1"] for way in ("mapper", "encoder")]
    yield from compared("growth", gains[0], gains[1], ("mapper", "encoder"), what="cosine gained from the first turn to the last")


def _decided(
    model: Marked,
    reader: Reader,
    tower: Tower,
    sets: Sequence[Pictured],
    asked: Mapping[str, Sequence[tuple[Pictured, int]]],
    seed: int,
) -> Iterator[Measurement]:
    """Whether to find a picture among those of training or to draw one. Finding is right where the picture found has the true one nearer, by its rank
    among all that are asked for, than what a generator would be told has."""
    every = [pair for pairs in asked.values() for pair in pairs]
    captions = [held.texts[row] for held, row in every]
    truth, names = np.stack([held.joint[row] for held, row in every]), captions
    index = np.concatenate([held.joint[held.part("train")] for held in sets])
    states = read(model, reader, captions)
    with torch.inference_mode():
        scores = model.heads.retrieval.queries(states.to(model.marks.device)).cpu().numpy() @ index.T
    found, told = ranks(index[scores.argmax(1)], truth, names), ranks(_told(model.heads, states, tower), truth, names)
    at = np.flatnonzero(found != told)
    right = (found < told)[at]
    score = torch.from_numpy(scores.max(1))[:, None]
    concepts = np.unique([held.concepts[row] for held, row in every], return_inverse=True)[1]
    yield Measurement("decision.asked", len(at), note="captions for which one of the two is better")
    if len(at) < 10:
        return
    yield Measurement("decision.find", 100 * float(right.mean()), "%", "of them by finding")
    decided = crossed(torch.cat([states.flatten(1), score], 1)[at], right, concepts[at], seed)
    for name, other in (("most", decided.most), ("score", decided.threshold)):
        rows = 100.0 * (decided.learned == right), 100.0 * (other == right)
        yield from compared(f"decision.{name}", *rows, ("learned", name), "%", "decided rightly")
    for name, finds in (("learned", decided.learned), ("find", right | True), ("draw", right & False)):
        near = np.where(finds, found[at], told[at]) < 10
        yield Measurement(f"chosen.{name}", 100 * float(near.mean()), "%", "the true picture is among the ten nearest")


def _claims() -> Iterator[Claim]:
    rounds = "VisDial: similarity to the true image rises with the rounds of dialogue and passes Stable Diffusion's"
    near = "cosine with the true picture, in limner-pairs' space, of what a generator is told; paired over pictures"
    for key, statement, paper in (
        ("grows", "more of the dialogue brings what is drawn nearer to the true picture", rounds),
        ("encoder", "of a whole dialogue it tells more than the generator's own encoder of text", rounds),
        ("growth", "it gains more from a longer dialogue than that encoder", rounds),
        ("answers", "of a whole dialogue it tells more than that encoder of the answers alone", "not claimed; our control"),
        ("caption", "of a plain caption that encoder tells more", "VisDial with one round: Stable Diffusion is ahead"),
        ("linear", "the mapper tells more than a linear layer", "the ablation of the mapping network"),
    ):
        yield Claim(key, statement, paper, near, effect=0.02, within=key)
    for name, other in (("most", "always the same"), ("score", "a threshold on the score of the picture found")):
        yield Claim(
            f"decision-{name}", f"a learned decision to find or to draw is better than {other}", "a classifier on [IMG] states decides",
            "decided rightly, %, paired over captions of concepts it did not learn from", effect=3.0, within=f"decision.{name}",
        )  # fmt: skip


RECIPE = Recipe(
    slug="gill",
    title="GILL: a frozen language model that finds pictures or says what to draw",
    reference="Koh et al. 2023, Generating Images with Multimodal Language Models, arXiv 2305.17216",
    claims=list(_claims()),
    settings={
        "smoke": Settings(data=("noto-emoji",), most=120, tokens=120, together=3, batch=16, apart=4, asked=12),
        "laptop": Settings(),
        "gpu": Settings(
            most=10_000,
            marks=8,
            tokens=16_384,
            together=1_000,
            batch=1_024,
            apart=5_000,
            asked=1_000,
            mapper=MapperSettings(576, TOLD),
        ),
    },
    run=run,
    seeds={"smoke": 1, "laptop": 3, "gpu": 3},
    panels=[
        Panel(
            "Nearness to the true picture by turns of the dialogue",
            "near.{row}.{series}",
            ("mapper", "linear", "encoder", "answers", "found"),
        ),
        Panel("Decided rightly, %", "decision.{row}.{series}", ("learned", "most", "score")),
    ],
)
